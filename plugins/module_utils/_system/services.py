# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run what their files say. Private to this collection.

A play that writes a file and restarts its service later may end in between. The next run finds the file as it should
be, and a restart that rests on ``is changed``, or on a handler, never comes. So the host is looked at: what is newer,
the file or the start.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must, unit_properties

__all__ = ("Service", "is_stale", "settle")

PROPERTIES = (
    "ActiveState",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    "ActiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
    "UnitFileState",
    "Triggers",
)
RUNS = ("active", "reloading")


class Service(t.NamedTuple):
    """A unit, and what is to be true of it.

    It starts anew when its unit, a drop-in or one of its ``programs`` is newer than its start, and reads again when one
    of its ``settings`` is newer than its last start or reload. Without ``runs`` it is left as it is, and so is whether
    it is ``enabled`` where that is None; but where it runs, it starts anew when a ``removed`` file has just gone.
    """

    name: str
    programs: t.Sequence[str] = ()
    settings: t.Sequence[str] = ()
    runs: bool = True
    enabled: bool | None = None
    restarts: bool = True
    removed: t.Sequence[str] = ()


def settle(
    services: t.Sequence[Service], *, check: bool, written: t.Collection[str] = (), runner: Runner = run
) -> list[tuple[str, str]]:
    """Make it true of each, in this order; return what was, or would be, done: (unit, verb of systemctl).

    ``written`` are the files that were written or removed before, or in check mode would have been.
    """
    new = written if check else ()
    looks = {service.name: unit_properties(service.name, PROPERTIES, runner) for service in services}
    done: list[tuple[str, str]] = []

    def act(verb: str, name: str) -> None:
        if not check:
            must("systemctl", *verb.split(), *filter(None, [name]), runner=runner)
        done.append((name, verb))

    if any(look["NeedDaemonReload"] == "yes" for look in looks.values()):
        act("daemon-reload", "")
    for service in services:
        look = unit_properties(service.name, PROPERTIES, runner) if done and not check else looks[service.name]
        if service.enabled and look["UnitFileState"] not in ("enabled", "static", "alias", "generated"):
            act("enable", service.name)
        elif service.enabled is False and look["UnitFileState"] == "enabled":
            act("disable", service.name)
        if look["ActiveState"] in RUNS and not set(service.removed).isdisjoint(written):
            act("restart", service.name)
            continue
        if not service.runs:
            continue
        if look["UnitFileState"] == "masked-runtime":
            act("unmask --runtime", service.name)  # a run that installed it was cut off
        if look["ActiveState"] not in RUNS:
            act("start", service.name)
        elif service.restarts and _newer_than_start(look, service.programs, new):
            if service.name.endswith(".socket"):
                act("stop", look["Triggers"])  # systemd restarts no socket whose service runs
            act("restart", service.name)
        elif _newer_than_change(look, service.settings, new):
            act("reload", service.name)
    return done


def is_stale(name: str, programs: t.Sequence[str], runner: Runner = run) -> bool:
    """Return whether a unit runs, and something that it was started from is newer."""
    look = unit_properties(name, PROPERTIES, runner)
    return look["ActiveState"] in RUNS and _newer_than_start(look, programs)


def _newer_than_start(look: t.Mapping[str, str], programs: t.Sequence[str], new: t.Collection[str] = ()) -> bool:
    files = [*filter(None, (look["FragmentPath"], *look["DropInPaths"].split())), *programs]
    return _written(files) > _since_boot(look["ActiveEnterTimestampMonotonic"]) or not set(files).isdisjoint(new)


def _newer_than_change(look: t.Mapping[str, str], settings: t.Sequence[str], new: t.Collection[str]) -> bool:
    # A reload changes the state for a moment.
    return _written(settings) > _since_boot(look["StateChangeTimestampMonotonic"]) or not set(settings).isdisjoint(new)


def _since_boot(microseconds: str) -> float:
    """Return a moment of systemd in seconds since the epoch; it counts by a clock that nobody sets."""
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + int(microseconds or 0) / 1e6


def _written(paths: t.Iterable[str]) -> float:
    """Return when the newest of these files was written, in seconds since the epoch; 0 where none is there."""
    newest = 0.0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, os.stat(path).st_mtime)
    return newest
