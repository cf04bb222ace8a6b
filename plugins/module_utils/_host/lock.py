# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a balancer, which one run has at a time. Private to this collection."""

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t

__all__ = ("LASTS", "PATH", "settle")

PATH = "/run/holdfast-rollout.json"
LASTS = 1800.0

Lock = t.Dict[str, t.Any]


def decide(there: Lock, holder: Lock, *, state: str, ended: str, now: float) -> Lock | None:
    """Return the lock as it shall be, empty for none, or None where another run has it.

    ``there`` is the lock as it is, and ``now`` in seconds since the boot, which takes every lock away.
    """
    free = not there.get("id") or there["id"] in (holder["id"], ended) or now >= there["until"]
    if state == "absent":
        return {} if free else there
    return {**holder, "until": now + LASTS} if free else None


def read(text: str) -> Lock:
    """Return the lock that a file holds; a file that holds none is no lock."""
    try:
        found = json.loads(text)
        return {"id": str(found["id"]), "name": str(found["name"]), "until": float(found["until"])}
    except (KeyError, TypeError, ValueError):
        return {}


def settle(holder: Lock, *, state: str, ended: str, now: float | None = None, path: str = PATH) -> Lock:
    """Take the lock or give it back, and return whoever else has it, or an empty lock; raises OSError.

    ``now`` is in seconds since the boot; None asks the clock.
    """
    if now is None:
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that ask in the same moment come one after the other
        there = read(file.read(65536))
        wanted = decide(there, holder, state=state, ended=ended, now=now)
        if wanted is None:
            return {"id": there["id"], "name": there["name"], "left": round(there["until"] - now)}
        if wanted != there:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(wanted) if wanted else "")
    return {}
