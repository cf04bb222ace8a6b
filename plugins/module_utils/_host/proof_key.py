# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proof of the trackers rests on: only where that is another is it made anew. Private to this collection.

A proof kills and freezes nginx. It shows that whatever happens to nginx reaches keepalived by way of the watcher: by
their programs, units and settings, as long as these processes run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.place import AGENT, FOLDER
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.recipe import COMMANDS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import unit_properties
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.observed import watched_inodes
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import replace_text

__all__ = ("KEPT", "holds", "keep", "proof_key")

KEPT = "/var/lib/holdfast/proof"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
PROGRAMS = tuple(f"{folder}/{name}" for folder in (COMMANDS, "/usr/sbin") for name in ("nginx", "keepalived"))
SETTINGS = ("/etc/holdfast/watcher.json", "/etc/keepalived")
TRACK_DIR = "/run/holdfast/track"
# The guard and nginx are stopped and started by a proof itself, so only what they are is looked at.
STARTED = ("holdfast-watcher.service", "keepalived.service")
UNITS = (*STARTED, "holdfast-guard.service", "nginx.service")
PROPERTIES = ("FragmentPath", "DropInPaths", "ActiveState", "ActiveEnterTimestampMonotonic")


def proof_key(runner: Runner = run) -> str:
    """Return a digest of all that a proof rests on: programs, units, settings, the boot, and when daemons started."""
    digest = hashlib.sha256()

    def add(*words: object) -> None:
        digest.update(repr(words).encode())

    add(_text(BOOT_ID), _link(os.path.join(FOLDER, AGENT)))
    for program in PROGRAMS:
        with contextlib.suppress(OSError):
            about = os.stat(program)
            add(program, about.st_ino, about.st_size, about.st_mtime_ns)
    for unit in dict.fromkeys((*UNITS, _guarded())):
        look = unit_properties(unit, PROPERTIES, runner)
        add(unit, look["ActiveState"])
        if unit in STARTED:
            add(look["ActiveEnterTimestampMonotonic"])
        for path in filter(None, (look["FragmentPath"], *look["DropInPaths"].split())):
            add(path, _text(path))
    for path in _files(SETTINGS):
        add(path, _text(path))
    return digest.hexdigest()


def keep(key: str, path: str = KEPT) -> None:
    """Remember that the trackers were proven; HoldfastError where that cannot be written."""
    replace_text(path, f"{key}\n", 0o644)


def holds(path: str = KEPT, *, track_dir: str = TRACK_DIR, runner: Runner = run) -> bool:
    """Return whether what was proven before is what there is now, and keepalived still watches the track files."""
    kept = _text(path).strip()
    with contextlib.suppress(OSError):
        is_watched = os.stat(track_dir).st_ino in watched_inodes("keepalived")
        return bool(kept) and is_watched and kept == proof_key(runner)
    return False


def _guarded() -> str:
    """Return the unit whose death the trackers tell, which the watcher's document names."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(_text(SETTINGS[0]))["nginx"]["unit"])
    return UNITS[-1]


def _text(path: str) -> str:
    """Return what a file holds, empty where it is not there."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(path)
    return ""


def _files(paths: t.Iterable[str]) -> t.Iterator[str]:
    """Yield these files, and those in these folders."""
    for path in paths:
        if not os.path.isdir(path):
            yield path
        for folder, folders, names in os.walk(path):
            folders.sort()
            yield from (os.path.join(folder, name) for name in sorted(names))
