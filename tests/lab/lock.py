# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user of a lab at a time: whoever comes second waits, and is told for whom."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from lab.command import ROOT, say
from lab.number import NUMBER, name_of

__all__ = ("HELD", "lab_lock")

FOLDER = "/run/lock"
# Names the labs of their holder for the programs that it starts: they work under its locks.
HELD = "HOLDFAST_LAB_LOCK_HELD"


@contextlib.contextmanager
def lab_lock(purpose: str, number: int = NUMBER, folder: str = FOLDER) -> t.Iterator[None]:
    """Hold a lab for a while; ``purpose`` is what others are told that they wait for."""
    name, held = name_of(number), os.environ.get(HELD, "")
    if name in held.split():
        yield
        return
    file = f"{folder}/{name}.lock"
    lock = _open(file)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 1000, 0).decode(errors="replace").strip() or "another run"
            say(f"waiting for {holder} to let go of the lab")
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{purpose} of {ROOT} (process {os.getpid()})\n".encode(), 0)
        os.environ[HELD] = f"{held} {name}"
        yield
    finally:
        os.environ[HELD] = held
        os.close(lock)


def _open(file: str) -> int:
    """Open the lock for writing, whoever made it: creating it is tried last, as a sticky folder may forbid that."""
    with contextlib.suppress(FileNotFoundError):
        return os.open(file, os.O_RDWR)
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    os.fchmod(lock, 0o666)
    return lock
