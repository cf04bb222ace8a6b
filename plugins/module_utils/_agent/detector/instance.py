# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two nodes hold an address at once, decided from what is seen: no input, no output, no clock."""

from __future__ import annotations

import typing as t

from ..._system.addresses import family_of
from .adverts import Advert

TICK = 0.25  # seconds between two looks at what has arrived
ROUTINE = 10.0  # seconds between two looks at the wire
LOOK_LEAST = 1.0
SETTLE = 0.5
HOLD_LEAST = 1.0
FORGET_UNKNOWN = 2.5 * ROUTINE
MOST_CLAIMS = 64  # of an instance by others than its peers: who forges them can make as many as he likes
MOST_UNKNOWN = 16
LATE = 1.2  # intervals without an advert after which a standby has its doubts


class InstanceConfig(t.NamedTuple):
    """One VRRP instance of this node. ``detection`` is how long its standby waits in silence, in seconds.

    ``witnesses`` are asked whether this node is cut off, with ``gateways`` the default gateways of its interface too.
    That it gives way is written into ``track_file``; without one it never does.
    """

    name: str
    interface: str
    router_id: int
    version: int
    advert_int: float
    detection: float
    address: str
    peers: tuple[str, ...]
    vips: tuple[str, ...]
    witnesses: tuple[str, ...] = ()
    gateways: bool = False
    track_file: str = ""

    @property
    def hold(self) -> float:
        """Seconds for which two holders are a takeover, and no split."""
        return max(HOLD_LEAST, self.detection + SETTLE)

    @property
    def look(self) -> float:
        """Seconds in which at least two adverts must have passed by."""
        return max(LOOK_LEAST, 2.5 * self.advert_int)

    @property
    def family(self) -> int:
        return family_of(self.address)

    def knows(self, source: str) -> bool:
        """Whether this is a peer; multicast of IPv6 comes from link-local addresses, of which that cannot be told."""
        return source in self.peers or source.startswith("fe80:")


class Claim:
    """Somebody else acts as the holder; seen first and last at these moments, and due again within ``period``."""

    def __init__(self, address: str, mac: str, source: str) -> None:
        self.address, self.mac, self.source = address, mac, source
        self.first: float | None = None
        self.last = self.period = 0.0

    def seen(self, now: float, period: float) -> None:
        if self.first is None or now - self.last > 2.5 * self.period:
            self.first = now
        self.last, self.period = now, period

    def lives(self, now: float) -> bool:
        return self.first is not None and now - self.last <= 2.5 * self.period

    def lasted(self) -> float:
        return 0.0 if self.first is None else self.last - self.first


class InstanceMonitor:
    """Collects what is seen of one instance and decides whether that is a split."""

    def __init__(self, instance: InstanceConfig) -> None:
        self.instance = instance
        self.held: tuple[str, ...] = ()
        self.claims: dict[str, Claim] = {}
        self.unknown: dict[str, tuple[float, Advert]] = {}
        self.heard: float | None = None  # the last advert of a peer that is master, None once its silence was told

    @property
    def holds(self) -> bool:
        return bool(self.held)

    def holding(self, held: t.Container[str]) -> None:
        """Which addresses of the host are there now; what was claimed of one that is not is of no interest."""
        self.held = tuple(vip for vip in self.instance.vips if vip in held)
        if not self.held:
            self.claims.clear()

    def answered(self, now: float, address: str, mac: str, period: float) -> None:
        """A MAC that is not ours answers for an address."""
        if address in self.held:
            self._claimed(now, mac, Claim(address, mac, ""), period)

    def advertised(self, now: float, advert: Advert) -> None:
        """An advert came in: of a peer that is master, or of somebody who must not use our id."""
        if advert.router_id != self.instance.router_id or family_of(advert.source) != self.instance.family:
            return
        if not self.instance.knows(advert.source):
            # On another network the number is another virtual router's.
            here = advert.interface == self.instance.interface and advert.source != self.instance.address
            before = self.unknown.get(advert.source)
            if here and (before or len(self.unknown) < MOST_UNKNOWN):
                mac = advert.mac or (before[1].mac if before else "")
                self.unknown[advert.source] = (now, advert._replace(mac=mac))
            return
        self.heard = now if advert.priority > 0 else None
        if self.held and advert.priority > 0:
            claim = Claim(self.held[0], "", advert.source)
            self._claimed(now, advert.source, claim, max(advert.interval, TICK * 2))

    def _claimed(self, now: float, other: str, claim: Claim, period: float) -> None:
        """Somebody acts as the holder; where there are too many of them, whoever is no peer is not taken up."""
        if other in self.claims or other in self.instance.peers or len(self.claims) < MOST_CLAIMS:
            self.claims.setdefault(other, claim).seen(now, period)

    def silent_in(self, now: float) -> float | None:
        """Return in how many seconds a standby has to doubt that it hears its master, None where it has none."""
        if self.heard is None or self.held:
            return None
        return max(0.0, self.heard + LATE * self.instance.advert_int - now)

    def suspected_since(self, now: float) -> float | None:
        """Return when the youngest of the claims that still hold was made first, None where there is none."""
        return max((claim.first for claim in self.claims.values() if claim.first and claim.lives(now)), default=None)

    def split(self, now: float) -> Claim | None:
        """Return the claim that has lasted longer than any takeover, one with a MAC if there is one."""
        self.claims = {other: claim for other, claim in self.claims.items() if claim.lives(now)}
        lasting = [claim for claim in self.claims.values() if claim.lasted() >= self.instance.hold]
        return min(lasting, key=lambda claim: (not claim.mac, claim.first or 0.0), default=None)

    def foreign(self, now: float) -> Advert | None:
        """Return the last advert of the foreign router that was seen first with our id; None where none was of late."""
        for source, (seen, _advert) in list(self.unknown.items()):
            if now - seen > FORGET_UNKNOWN:
                del self.unknown[source]
        return next((advert for _seen, advert in self.unknown.values()), None)
