# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of the watcher's own, for what may hang: a command, or a look at a file on a dead file system.

Nobody waits for one. Each is killed with all that it started when its time is over, a command by its supervisor,
which finds it all. All are forked: an interpreter of its own for each command takes six times as long. Every page that
the watcher writes to while its copy lives is copied, so who looks at a file stays.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket

from ..supervisor import end_like, supervise

ABSENT, UNKNOWN = 1, 2
NULL = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
# What a command finds in its environment: nothing of ours.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
# The watcher is the last to be killed for memory; its children are not.
OOM_SCORE = "/proc/self/oom_score_adj"
AT_ONCE = 0.0  # seconds that it has to end by itself


class Child:
    """A process under way, which has time until ``deadline``. ``pid`` leads its group."""

    pid: int

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.overdue = False

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do, and waits to be asked."""
        return self.deadline == math.inf and not self.overdue

    def ended(self) -> int | None:
        """Return the status of one that has ended, as waitpid has it, else None; then nothing of it is left."""
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.kill()  # what it left behind in its group; its number is still its own
        return os.waitpid(self.pid, 0)[1]

    def kill(self) -> None:
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)


class Command(Child):
    """A program of somebody else's, with these words."""

    def __init__(self, command: list[str], *, now: float, timeout: float) -> None:
        """Start it; raises OSError."""
        super().__init__(now + timeout)
        self.pid = os.fork()
        if self.pid == 0:
            status = 127
            try:
                begin_anew()
                os.environ.clear()
                os.environ.update(ENVIRONMENT)
                status = end_like(supervise(AT_ONCE, command))
            finally:
                os._exit(status)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)  # its supervisor kills all the rest


class FileCheck(Child):
    """Looks whether a file is there, whenever it is asked; ``connection`` is readable when it has answered or ended."""

    def __init__(self, file: str) -> None:
        """Start it; raises OSError."""
        super().__init__(math.inf)
        self.connection, its_end = socket.socketpair()
        self.connection.setblocking(False)
        with its_end:
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    begin_anew(its_end)
                    while its_end.recv(1):
                        its_end.send(bytes([look_at(file)]))
                finally:
                    os._exit(0)

    def ask(self, deadline: float) -> None:
        """Let it look; raises OSError where it has ended."""
        self.connection.send(b"?")
        self.deadline = deadline

    def answer(self) -> int | None:
        """Return what it has found: 0, ABSENT or UNKNOWN; None where it has ended."""
        try:
            answer = self.connection.recv(1)
        except ConnectionResetError:  # killed with the probe unread
            answer = b""
        if not answer:
            return None
        self.deadline = math.inf
        return answer[0]


def begin_anew(kept: socket.socket | None = None) -> None:
    """Leave behind, in a child, what belongs to the watcher: its group, its signals, and all descriptors but this."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError), open(OOM_SCORE, "wb", buffering=0) as score:
        score.write(b"0")
    for stream in (0, 1, 2):
        os.dup2(NULL, stream)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and (kept is None or descriptor != kept.fileno()):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def look_at(file: str) -> int:
    """Return 0 where a file is there, ABSENT where it is not, UNKNOWN where that cannot be told."""
    try:
        os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return UNKNOWN
    return 0
