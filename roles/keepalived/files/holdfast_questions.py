# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question over the network: a socket that an event loop advances, so that nobody waits for the answer."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import typing as t

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


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
