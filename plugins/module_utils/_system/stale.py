# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run what their files said once, and no longer say. Private to this collection."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import unit_properties

__all__ = ("stale",)

PROPERTIES = (
    "ActiveState",
    "NeedDaemonReload",
    "FragmentPath",
    "DropInPaths",
    "ActiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)
RUNS = ("active", "reloading")


def files_of(name: str, files: object) -> list[str]:
    """Return the files of a unit; InputError where it is no list of absolute paths."""
    if not isinstance(files, list) or not all(isinstance(path, str) and os.path.isabs(path) for path in files):
        raise InputError(f"services.{name}", "has to be a list of absolute paths")
    return files


def written(paths: t.Iterable[str]) -> float:
    """Return when the newest of these files was written, in seconds since the epoch; 0 where none is there."""
    newest = 0.0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, os.stat(path).st_mtime)
    return newest


def stale(services: t.Mapping[str, object], runner: Runner = run) -> tuple[list[str], bool]:
    """Return the units that run what is older than their files, and whether systemd has to read one of them again."""
    files = {name: files_of(name, paths) for name, paths in services.items()}
    # systemd counts microseconds of this clock, which nobody sets.
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    found = []
    unread = False
    for name, paths in files.items():
        said = unit_properties(name, PROPERTIES, runner)
        unread = unread or said["NeedDaemonReload"] == "yes"
        started = boot + int(said["ActiveEnterTimestampMonotonic"] or 0) / 1e6
        # A reload changes the state for a moment.
        reloaded = boot + int(said["StateChangeTimestampMonotonic"] or 0) / 1e6
        units = filter(None, (said["FragmentPath"], *said["DropInPaths"].split()))
        if said["ActiveState"] in RUNS and (written(units) > started or written(paths) > reloaded):
            found.append(name)
    return found, unread
