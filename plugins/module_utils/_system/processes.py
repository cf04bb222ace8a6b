# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of this host, as the kernel shows them (proc(5)), and the files that name one."""

from __future__ import annotations

import os
import typing as t

TICKS = os.sysconf("SC_CLK_TCK")


class Process(t.NamedTuple):
    """A process, or the zombie that is left of one.

    ``ran`` is how many seconds of a processor it has used. When it ``began`` tells it from another one of its number.
    """

    name: str
    state: str
    parent: int
    ran: float
    began: str

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


def process(pid: int) -> Process | None:
    """Return the process of this number, None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            head, _bracket, tail = stream.read().rpartition(")")
        state, parent, *fields = tail.split()
        ran = (int(fields[9]) + int(fields[10])) / TICKS
        return Process(head.partition("(")[2], state, int(parent), ran, fields[17])
    except (OSError, ValueError, IndexError):
        return None


def processes() -> t.Iterator[tuple[int, Process]]:
    """Yield the number and the facts of every process in our part of the system."""
    for entry in os.listdir("/proc"):
        result = process(int(entry)) if entry.isdigit() else None
        if result is not None:
            yield int(entry), result


def running(name: str) -> bool:
    """Whether a process of this name runs in our part of the system; a zombie does not."""
    return any(result.alive and result.name == name for _pid, result in processes())


def named_by(pid_file: str) -> tuple[int, Process] | None:
    """Return number and facts of the process that a pid file names, None where there is no such file or process."""
    try:
        pid = read_pid(pid_file)
    except (OSError, ValueError):
        return None
    result = process(pid)
    return (pid, result) if result is not None else None


def named_process(name: str, pid_files: t.Iterable[str]) -> int | None:
    """Return the number of the process of this name that one of the pid files names, the first; None without one."""
    named = filter(None, map(named_by, pid_files))
    return next((pid for pid, result in named if result.name == name), None)


def alive(pid: int) -> bool:
    """Whether there is a process of this number, and no zombie."""
    result = process(pid)
    return result is not None and result.alive


def children(pid: int) -> list[int]:
    """Return the numbers of the children of a process; none without CONFIG_PROC_CHILDREN."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as stream:
            return [int(child) for child in stream.read().split()]
    except OSError:
        return []


def read_pid(pid_file: str) -> int:
    """Return the number in a pid file, of which nothing more is read and nothing waited for; OSError, ValueError."""
    descriptor = os.open(pid_file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return int(os.read(descriptor, 32))
    finally:
        os.close(descriptor)
