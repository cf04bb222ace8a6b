# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on the loopback interface that misbehaves on demand."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import typing as t

Behaviour = t.Callable[[socket.socket], None]


class Service(socketserver.ThreadingTCPServer):
    """Reads each request, then does what ``behaviour`` says at that moment."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024
    behaviour: Behaviour
    requests: list[bytes]
    wrap: t.Callable[[socket.socket], socket.socket] = staticmethod(lambda connection: connection)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        service = t.cast(Service, self.server)
        with contextlib.suppress(OSError), service.wrap(self.request) as connection:  # the client may give up
            received = b""
            while b"\r\n\r\n" not in received:
                part = connection.recv(65536)
                if not part:
                    return
                received += part
            service.requests.append(received)
            service.behaviour(connection)


def answering(text: bytes) -> Behaviour:
    return lambda connection: connection.sendall(text)


def page(body: bytes = b"hello\n", status: bytes = b"200 OK", headers: bytes = b"") -> Behaviour:
    length = str(len(body)).encode()
    return answering(b"HTTP/1.1 " + status + b"\r\n" + headers + b"Content-Length: " + length + b"\r\n\r\n" + body)


def resetting(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stalling(connection: socket.socket) -> None:
    connection.recv(1)  # until the client gives up
