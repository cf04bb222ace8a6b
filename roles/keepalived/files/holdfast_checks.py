# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watcher can look at: a question over the network, and whatever a process of its own finds out.

Nothing here waits. A question is a socket that the event loop advances; what may hang (a command, a file on a dead
file system) is done by a child, which is killed with all that it started when its time is over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import signal
import socket
import typing as t

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ABSENT, UNKNOWN, NOT_RUN = 1, 2, 127
NULL = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
KINDS = ("url", "port", "command", "file")
# What a command finds in its environment: nothing of ours.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Target:
    """Where a question goes; without a path a connection is enough. Raises KeyError, TypeError or ValueError."""

    def __init__(self, data: t.Mapping[str, t.Any]) -> None:
        self.address = str(data["address"])
        self.port = int(data["port"])
        self.tls = bool(data.get("tls", False))
        self.host = str(data.get("host", ""))
        self.path = str(data.get("path", ""))

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


class Asker:
    """Who hears what became of a question."""

    def answered(self, status: int) -> None:
        """It was answered with this status; 0 where a connection was all that was wanted."""
        raise NotImplementedError

    def refused(self, reason: str) -> None:
        """Nobody listens there."""
        raise NotImplementedError

    def silent(self, reason: str) -> None:
        """It got no good answer in time."""
        raise NotImplementedError


class Question:
    """One request under way: ``event`` is what its connection waits for."""

    def __init__(self, target: Target, asker: Asker, *, now: float, timeout: float) -> None:
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        self.target = target
        self.asker = asker
        self.connection: socket.socket = socket.socket(family, socket.SOCK_STREAM)
        self.connection.setblocking(False)
        self.descriptor = self.connection.fileno()
        self.timeout = timeout
        self.deadline = now + timeout
        self.event = 0
        self._steps = self._ask()

    def advance(self) -> int | None:
        """Go on as far as possible; return the status when it is known, else None; raises OSError, ValueError."""
        try:
            self.event = next(self._steps)
        except StopIteration as result:
            return int(result.value)
        return None

    def _ask(self) -> t.Generator[int, None, int]:
        target = self.target
        error = self.connection.connect_ex((target.address, target.port))
        if error == errno.EINPROGRESS:
            yield WRITE
            error = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if not target.path:
            return 0
        if target.tls:
            yield from self._shake_hands()
        self.connection.send(
            f"GET {target.path} HTTP/1.1\r\nHost: {target.host}\r\n"
            "User-Agent: holdfast-watcher\r\nConnection: close\r\n\r\n".encode()
        )
        received = b""
        while b"\r\n" not in received:
            yield READ
            part = yield from self._receive()
            if not part:
                raise ValueError("closed without an answer")
            received += part
        words = received.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            raise ValueError("what it answers is not HTTP")
        return int(words[1])

    def _receive(self) -> t.Generator[int, None, bytes]:
        if not self.target.tls:
            return self.connection.recv(4096)
        import ssl

        while True:
            try:
                return self.connection.recv(4096)
            except ssl.SSLWantReadError:  # a part of a record is no answer yet
                yield READ

    def _shake_hands(self) -> t.Generator[int, None, None]:
        """Speak TLS from here on. The certificate is not judged: one that ran out must not take every node away."""
        import ssl  # only who asks over TLS pays for it

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        name = self.target.host.partition(":")[0] or None
        wrapped = context.wrap_socket(self.connection, server_hostname=name, do_handshake_on_connect=False)
        self.connection = wrapped
        while True:
            try:
                wrapped.do_handshake()
            except ssl.SSLWantReadError:
                yield READ
            except ssl.SSLWantWriteError:
                yield WRITE
            else:
                return


class Child:
    """A process of our own that finds something out: a command, or a look at a file. ``pid`` leads its group."""

    def __init__(self, work: t.Callable[[], int], *, now: float, timeout: float) -> None:
        """Start it; ``work`` returns the exit status, unless it becomes another program. Raises OSError."""
        self.timeout = timeout
        self.deadline = now + timeout
        self.overdue = False
        self.pid = os.fork()
        if self.pid == 0:
            status = NOT_RUN
            try:
                begin_anew()
                status = work()
            finally:
                os._exit(status)

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


def begin_anew() -> None:
    """Leave behind, in a child, what belongs to the watcher: its group, its streams, its place before all others.

    A child lives for a moment, many times a minute, and every page that it touches is copied: so it does little, with
    bare system calls. Signals that are caught take care of themselves when a program is started.
    """
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (0, 1, 2):
        os.dup2(NULL, stream)
    # The watcher is the last to be killed for memory. Its commands are not.
    try:
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"0")
        os.close(score)
    except OSError:
        pass


def become(command: t.Sequence[str]) -> t.Callable[[], int]:
    """Return the work of a child that becomes a program; no shell reads its arguments."""

    def work() -> int:
        try:
            os.execve(command[0], list(command), ENVIRONMENT)
        except OSError:
            return NOT_RUN

    return work


def look_at(file: str) -> t.Callable[[], int]:
    """Return the work of a child that looks whether a file is there."""

    def work() -> int:
        try:
            os.stat(file)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except OSError:
            return UNKNOWN
        return 0

    return work


def said(status: int) -> str:
    """Return what the status of an ended child means, in words."""
    if os.WIFSIGNALED(status):
        return f"was killed by signal {os.WTERMSIG(status)}"
    code = os.WEXITSTATUS(status)
    return "could not be run" if code == NOT_RUN else f"ended with status {code}"


class Tally:
    """Counts good and bad results. ``failed`` is None until the first, which suffices just after the start."""

    def __init__(self, *, fall: int, rise: int) -> None:
        self.fall = fall
        self.rise = rise
        self.failed: bool | None = None
        self.reason = "it has just been started"
        self._good = self._bad = 0

    def good(self, reason: str) -> None:
        self._bad = 0
        self._good += 1
        if self.failed is None or (self.failed and self._good >= self.rise):
            self.failed, self.reason = False, reason

    def bad(self, reason: str) -> None:
        self._good = 0
        self._bad += 1
        if self.failed is None or (not self.failed and self._bad >= self.fall):
            self.failed, self.reason = True, reason


class Check(Asker):
    """One check of the user's. It is begun every ``interval`` seconds, and never while it is still under way."""

    def __init__(self, data: t.Mapping[str, t.Any]) -> None:
        """Raises KeyError, TypeError or ValueError where the data is none."""
        self.name = str(data["name"])
        self.kind = str(data["kind"])
        if self.kind not in KINDS or "/" in self.name:
            raise ValueError(f"{self.name} is no check")
        self.interval = float(data["interval"])
        self.timeout = float(data["timeout"])
        if min(self.interval, self.timeout) < 0.01:
            raise ValueError(f"interval and timeout of {self.name} must be at least 0.01")
        self.tally = Tally(fall=int(data["fall"]), rise=int(data["rise"]))
        self.target = Target(data) if self.kind in ("url", "port") else None
        self.command = [str(word) for word in data["command"]] if self.kind == "command" else []
        self.file = str(data["file"]) if self.kind == "file" else ""
        self.present = data.get("state", "present") == "present"
        self.due = 0.0
        self.under_way = False
        self.warnings: set[str] = set()

    @property
    def file_name(self) -> str:
        return f"check_{self.name}"

    def work(self) -> t.Callable[[], int]:
        """Return what a child has to do, for a check that is no question."""
        return become(self.command) if self.command else look_at(self.file)

    def ended(self, status: int) -> None:
        """The child has ended by itself, with this status as waitpid has it."""
        if self.command:
            self._count(status == 0, f"{self.command[0]} {said(status)}")
        elif os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, ABSENT):
            there = os.WEXITSTATUS(status) == 0
            self._count(there == self.present, f"{self.file} is {'there' if there else 'not there'}")
        else:
            self._count(False, f"{self.file} cannot be looked at")

    def late(self) -> None:
        """The child has not ended in time."""
        self._count(False, f"{self.command[0] if self.command else self.file}: no result within {self.timeout:g} s")

    def answered(self, status: int) -> None:
        if status in (502, 504):
            self.warnings.add(
                f"{self.target} answers {status} for check {self.name}, so backends behind it are asked: "
                "with all of them down no balancer holds the address."
            )
        good = status == 0 or 200 <= status < 400
        self._count(good, f"{self.target} answers {status}" if status else f"{self.target} accepts connections")

    def refused(self, reason: str) -> None:
        self._count(False, reason)

    def silent(self, reason: str) -> None:
        self._count(False, reason)

    def _count(self, good: bool, reason: str) -> None:
        self.under_way = False
        (self.tally.good if good else self.tally.bad)(reason)
