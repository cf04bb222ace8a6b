# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe over the network: a socket that an event loop advances, so that nobody waits for the answer."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import selectors
import socket
import struct
import typing as t

from ..._system.addresses import family_of

if t.TYPE_CHECKING:
    import ssl

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RESET = struct.pack("ii", 1, 0)  # socket(7): linger, for no time
PART = 4096  # bytes that are read at a time
LONGEST_LINE = 4096
LONGEST = 65536  # bytes of an answer up to its status, a handshake with its certificates included
STATUS_LINE = re.compile(rb"HTTP/[0-9.]{1,8} ([0-9]{3})[ \r]")  # RFC 9112, section 4
PROXY_HEADER = b"PROXY UNKNOWN\r\n"  # haproxy.org, proxy-protocol.txt, section 2.1: no address is told
NOT_HTTP = "what it answers is not HTTP"


class Target:
    """Where a probe goes; without a path a connection is enough. Raises KeyError, TypeError or ValueError."""

    def __init__(self, data: t.Mapping[str, t.Any]) -> None:
        self.address = str(data["address"])
        self.port = int(data["port"])
        self.tls = bool(data.get("tls", False))
        self.proxy_protocol = bool(data.get("proxy_protocol", False))
        self.host = str(data.get("host", ""))
        self.path = str(data.get("path", ""))

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


class Listener:
    """Who hears what became of a probe."""

    def answered(self, status: int) -> None:
        """It was answered with this status; 0 where a connection was all that was wanted."""
        raise NotImplementedError

    def refused(self, reason: str) -> None:
        """Nobody listens there."""
        raise NotImplementedError

    def silent(self, reason: str) -> None:
        """It got no good answer in time."""
        raise NotImplementedError


class Probe:
    """One request under way: ``event`` is what its connection waits for. To advance it too early does no harm."""

    def __init__(self, target: Target, listener: Listener, *, now: float, timeout: float) -> None:
        self.target = target
        self.listener = listener
        self.connection = socket.socket(family_of(target.address), socket.SOCK_STREAM)
        self.connection.setblocking(False)
        self.descriptor = self.connection.fileno()
        self.timeout = timeout
        self.deadline = now + timeout
        self.event = 0
        self._room = LONGEST
        self._tls: ssl.SSLObject | None = None
        self._steps = self._ask()

    @property
    def asked(self) -> float:
        """When it was asked, as the clock of its deadline has it."""
        return self.deadline - self.timeout

    def advance(self) -> int | None:
        """Go on as far as possible; return the status when it is known, else None; raises OSError, ValueError."""
        try:
            self.event = next(self._steps)
        except StopIteration as result:
            return int(result.value)
        return None

    def _ask(self) -> t.Generator[int, None, int]:
        target = self.target
        plain = (
            bool(target.path) and not target.tls and not target.proxy_protocol
        )  # then what is sent tells when the connection is there
        error = self.connection.connect_ex((target.address, target.port))
        if error == errno.EINPROGRESS and not plain:
            yield WRITE
            error = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        if not target.path:
            return 0
        if target.proxy_protocol:
            self.connection.send(PROXY_HEADER)
        if target.tls:
            yield from self._shake_hands()
        yield from self._send(
            f"GET {target.path} HTTP/1.1\r\nHost: {target.host}\r\n"
            "User-Agent: holdfast-watcher\r\nConnection: close\r\n\r\n".encode()
        )
        received = b""
        while b"\r\n" not in received:
            if len(received) > LONGEST_LINE:
                raise ValueError(NOT_HTTP)
            part = yield from self._receive()
            if not part:
                raise ValueError("closed without an answer")
            received += part
        status = STATUS_LINE.match(received)
        if not status:
            raise ValueError(NOT_HTTP)
        # It may be asked all the time: a connection that is reset when all is said leaves no TIME_WAIT behind.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return int(status[1])

    def _send(self, request: bytes) -> t.Generator[int, None, None]:
        if self._tls:
            tls = self._tls
            yield from self._speak(lambda: tls.write(request))
            return
        while True:
            try:
                self.connection.send(request)
                return
            except BlockingIOError:
                yield WRITE

    def _receive(self) -> t.Generator[int, None, bytes]:
        if self._tls:
            tls = self._tls
            return bytes((yield from self._speak(lambda: tls.read(PART))))
        while True:
            yield READ
            with contextlib.suppress(BlockingIOError):
                return self._arrived()

    def _arrived(self) -> bytes:
        """Return what has arrived, nothing at its end; who sends without end is heard no longer."""
        part = self.connection.recv(PART)
        self._room -= len(part)
        if self._room < 0:
            raise ValueError(f"its answer is longer than {LONGEST} bytes")
        return part

    def _shake_hands(self) -> t.Generator[int, None, None]:
        """Speak TLS from here on. The certificate is not judged: one that ran out must not take every node away."""
        import ssl  # only who asks over TLS pays for it

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        name = self.target.host.partition(":")[0] or None
        # OpenSSL never has the socket: it would read on for as long as something comes that is no data.
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        yield from self._speak(self._tls.do_handshake)

    def _speak(self, step: t.Callable[[], t.Any]) -> t.Generator[int, None, t.Any]:
        """Take a step of TLS, and return what comes of it."""
        import ssl

        while True:
            result, done = None, False
            with contextlib.suppress(ssl.SSLWantReadError):
                result, done = step(), True
            pending = self._out.read()
            while pending:
                try:
                    pending = pending[self.connection.send(pending) :]
                except BlockingIOError:
                    yield WRITE
            if done:
                return result
            yield READ
            part = self._arrived()
            self._in.write(part) if part else self._in.write_eof()
