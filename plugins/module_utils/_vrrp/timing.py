# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a client waits: the outage that follows from the settings, fault by fault. Private to this collection.

The timers are those of the protocol. RFC 3768, section 6.1 (VRRP version 2), in seconds:

    Skew_Time            = (256 - Priority) / 256
    Master_Down_Interval = 3 * Advertisement_Interval + Skew_Time

RFC 5798, section 6.1 (VRRP version 3), where the skew follows the advertisement interval:

    Skew_Time            = (256 - Priority) * Master_Adver_Interval / 256
    Master_Down_Interval = 3 * Master_Adver_Interval + Skew_Time

A holder that leaves in an orderly way sends priority 0, and its successor then waits for the skew alone
(RFC 3768 and RFC 5798, section 6.4.2). keepalived does the same for an instance that goes to FAULT.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError

__all__ = ("FAULTS", "PROFILES", "Probe", "Timing", "outage", "timing")

EVENT = 0.02
"""Seconds from the death of nginx until the watcher has told keepalived; measured in milliseconds, on a busy host."""

RESTART = 0.1
"""Seconds that systemd waits before it starts a dead nginx again (RestartSec of the drop-in)."""

START = 0.4
"""Seconds, at the most seen, until a started nginx accepts connections, on a busy host."""

SETTLE = 0.09
"""Seconds, at the most seen, until the successor has set the address, announced it, and answers the next client."""

DENSE = 0.05
"""Seconds between two adverts below which a busy host sends them late, unless keepalived has a real-time priority."""

V2_LIMITS = (1, 255)
V3_LIMITS = (0.01, 40.95)


@dataclass(frozen=True)
class Timing:
    """The version of the protocol, and the seconds between two adverts of the holder."""

    version: int = 3
    advert_int: float = 0.1

    @property
    def needs_real_time(self) -> bool:
        """Return whether adverts are so dense that an ordinary process cannot be relied upon to send them in time."""
        return self.advert_int < DENSE

    def skew(self, priority: int) -> float:
        """Return the seconds by which a node of this priority lets a better one go first."""
        share = (256 - priority) / 256
        return share if self.version == 2 else share * self.advert_int

    def master_down(self, priority: int) -> float:
        """Return the seconds of silence after which a standby of this priority takes over."""
        return 3 * self.advert_int + self.skew(priority)


PROFILES: dict[str, Timing] = {
    "fastest": Timing(version=3, advert_int=0.03),
    "fast": Timing(version=3, advert_int=0.1),
    "standard": Timing(version=3, advert_int=1.0),
    "relaxed": Timing(version=3, advert_int=3.0),
}


@dataclass(frozen=True)
class Probe:
    """How the watcher asks nginx: seconds from question to question and for an answer, failures until it counts.

    Questions go out at fixed times, whether or not the one before was answered. This is where another node answers
    while this one does not; where none does, the watcher bears three times as much (watcher/silence.py).
    """

    interval: float = 0.03
    timeout: float = 0.23
    fall: int = 2

    @property
    def least(self) -> float:
        """Seconds until a freeze is noticed when it begins right before a question."""
        return (self.fall - 1) * self.interval + self.timeout

    @property
    def most(self) -> float:
        """Seconds until a freeze is noticed when it begins right after an answer."""
        return self.fall * self.interval + self.timeout


@dataclass(frozen=True)
class Outage:
    """The least and the most seconds without an answer that the settings lead to, on a network that adds none."""

    least: float
    most: float


FAULTS: tuple[str, ...] = (
    "host_gone",
    "nginx_killed",
    "nginx_stays_dead",
    "nginx_stopped",
    "nginx_frozen",
    "keepalived_stopped",
    "planned_move",
)


def timing(value: str | t.Mapping[str, t.Any], path: str) -> Timing:
    """Return the profile of this name, or the numbers of a mapping laid over the profile ``fast``.

    A version 2 without an interval gets one second, the shortest that version 2 can say.
    Raises InputError for an unknown profile or key, and for a number that the protocol cannot carry.
    """
    if isinstance(value, str):
        if value not in PROFILES:
            raise InputError(path, f"`{value}` is no profile: use {', '.join(PROFILES)}, or your own advert_int")
        return PROFILES[value]
    if not isinstance(value, t.Mapping):
        raise InputError(path, f"name a profile ({', '.join(PROFILES)}) or give a mapping with advert_int and version")
    unknown = sorted(set(value) - {"advert_int", "version"})
    if unknown:
        raise InputError(f"{path}.{unknown[0]}", "is unknown here: only advert_int and version can be set")
    number = _number(value.get("version", 3), f"{path}.version")
    if number not in (2, 3):
        raise InputError(f"{path}.version", f"VRRP has the versions 2 and 3, and no {number:g}")
    version = int(number)
    chosen = replace(PROFILES["fast" if version == 3 else "standard"], version=version)
    if "advert_int" in value:
        chosen = replace(chosen, advert_int=_number(value["advert_int"], f"{path}.advert_int"))
    _check(chosen, f"{path}.advert_int")
    return chosen


def outage(
    settings: Timing,
    standby_priority: int,
    probe: Probe = Probe(),  # noqa: B008
    *,
    patience: float | None = None,
) -> dict[str, Outage]:
    """Return, for every name in FAULTS, what a client sees when the holder fails and this standby takes over.

    ``patience`` is how many seconds a dead nginx may take to be back before the address moves (the policy
    ``restart_first``); with None the address moves at once. systemd may give up earlier, and then it moves earlier.
    A planned move makes before it breaks: the successor serves before the old holder lets go, so nothing is lost.
    """
    skew = settings.skew(standby_priority)
    silent = settings.master_down(standby_priority)
    by_event = Outage(skew, EVENT + skew + SETTLE)
    return {
        # The last advert left between no time and one interval before the fault.
        "host_gone": Outage(silent - settings.advert_int, silent + SETTLE),
        "nginx_killed": by_event if patience is None else Outage(RESTART, RESTART + START),
        "nginx_stays_dead": by_event if patience is None else Outage(skew, patience + by_event.most),
        "nginx_stopped": by_event,
        "nginx_frozen": Outage(probe.least + skew, probe.most + EVENT + skew + SETTLE),
        "keepalived_stopped": by_event,
        "planned_move": Outage(0.0, 0.0),
    }


def _number(value: t.Any, path: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(path, f"must be a number, not `{value}`")
    return number


def _check(settings: Timing, path: str) -> None:
    advert = settings.advert_int
    if settings.version == 2:
        if advert < 1:
            raise InputError(path, f"version 2 counts whole seconds, so {advert:g} cannot be sent: use version 3, or 1")
        if advert != int(advert) or advert > V2_LIMITS[1]:
            raise InputError(path, f"version 2 counts whole seconds from 1 to 255, and {advert:g} is none")
    elif not V3_LIMITS[0] <= advert <= V3_LIMITS[1] or round(advert * 100, 6) != round(advert * 100):
        raise InputError(path, f"version 3 counts hundredths of a second from 0.01 to 40.95, and {advert:g} is none")
