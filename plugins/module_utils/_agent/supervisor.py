# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command, and leaves nothing of it behind: supervisor GRACE COMMAND [ARGUMENT ...]

Whatever a command starts, in whichever session, becomes a child of this process when its parent has ended (prctl(2),
PR_SET_CHILD_SUBREAPER). So all of it is found and ended, when the command ends and when this process is told to by
SIGTERM: first by SIGTERM, after GRACE seconds by SIGKILL. That needs no cgroup, no capability and no other service.

It ends as the command does: with its status, or by its signal; with status 127 where there is no such program.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
import typing as t

from .._system.processes import processes

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
AGAIN = 0.02  # seconds between two looks at what does not end
LOOKS = 3  # at what has children and shows none: where /proc hides them, there is no end to it
HEARD = {signal.SIGTERM, signal.SIGCHLD}


def supervised(grace: float, command: t.Sequence[str]) -> list[str]:
    """Return the words that run a command in this way; each run is a process of its own.

    It is started where this process was: by a link that outlasts the tree in which this file lies.
    """
    return [sys.executable, "-I", "-S", "-B", sys.argv[0], "supervisor", f"{grace:g}", *command]


def start(command: list[str]) -> int:
    """Start a command in a session of its own; nobody waits for its program to be read."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python ignores
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be run: {error.strerror}.\n".encode())
    finally:
        os._exit(127)


def descendants() -> set[int]:
    """Return all that this process and its children have started, zombies left out."""
    for _look in range(LOOKS):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            break  # as mostly, so the processes of the host need not be looked through
        found = look_through()
        if found:
            return found
        # Zombies alone, or one whose parent has ended between two steps of the look, and which is a child by now.
        list(reap())
    return set()


def look_through() -> set[int]:
    """Return those of the processes of the host that descend from this one."""
    children: dict[int, list[int]] = {}
    for pid, process in processes():
        if process.alive:
            children.setdefault(process.parent, []).append(pid)
    found: set[int] = set()
    ahead = [os.getpid()]
    while ahead:
        new = children.get(ahead.pop(), [])
        found.update(new)
        ahead += new
    return found


def send(number: int, pids: t.Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def reap() -> t.Iterator[tuple[int, int]]:
    """Yield (pid, status as waitpid has it) of the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, status


def end_all(grace: float) -> None:
    """End what is left; does not return before it is gone."""
    until = time.monotonic() + grace
    left = descendants()
    if grace:
        send(signal.SIGTERM, left)
        while left and time.monotonic() < until:
            signal.sigtimedwait({signal.SIGCHLD}, AGAIN)
            list(reap())
            left = descendants()
    while left:
        # Those that are stopped start no others while the rest is looked for.
        stopped: set[int] = set()
        while left - stopped:
            send(signal.SIGSTOP, left - stopped)
            stopped |= left
            left = descendants()
        send(signal.SIGKILL, stopped)
        signal.sigtimedwait({signal.SIGCHLD}, AGAIN)
        list(reap())
        left = descendants()


def supervise(grace: float, command: list[str]) -> int:
    """Return the status, as waitpid has it, with which the command ended, or SIGTERM where it was told to end."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    pid, ended = start(command), None
    while ended is None:
        if signal.sigwait(HEARD) == signal.SIGTERM:
            ended = int(signal.SIGTERM)
        for child, status in reap():
            if child == pid:
                ended = status
    end_all(grace)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # whose signal ends this process has left its core already
    return ended


def end_like(status: int) -> int:
    """Return the exit status of a command that has exited; end by the signal of one that was killed."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    return os.WEXITSTATUS(status)


def main(grace: str, *command: str) -> int:
    """Run a command, and end as it does."""
    return end_like(supervise(float(grace), list(command)))
