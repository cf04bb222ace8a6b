# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that say who they are and what they see of the client, one line of JSON for each line or datagram.

TCP at 9000 and UDP at 9053; TCP behind a PROXY header (version 1) at 9001; TLS at 9443; a long answer at 9002; HTTP
at 9080.
"""

from __future__ import annotations

import json
import socketserver
import ssl
import sys
import threading

NAME = sys.argv[1]
LONG = 60_000
Address = tuple[str, int]


def said(client: Address, **more: object) -> bytes:
    return json.dumps({"backend": NAME, "client": client[0], "port": client[1], **more}).encode() + b"\n"


class Lines(socketserver.StreamRequestHandler):
    """An answer to each line of a connection; behind a PROXY header, with what it says."""

    def head(self) -> list[str]:
        return []

    def handle(self) -> None:
        told = self.head()
        for line in self.rfile:
            self.wfile.write(said(self.client_address, line=line.decode().strip(), told=told))


class Told(Lines):
    def head(self) -> list[str]:
        return self.rfile.readline().decode().split()


class Tls(Lines):
    """The same inside of TLS, with the name that the client wants."""

    def setup(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/etc/layer4.pem")
        context.sni_callback = self.remember
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def remember(self, _socket: object, name: object, _context: object) -> None:
        self.name = name

    def handle(self) -> None:
        for _line in self.rfile:
            self.wfile.write(said(self.client_address, name=self.name))


class Long(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"x" * LONG)


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, own = self.request
        own.sendto(said(self.client_address, line=data.decode()), self.client_address)


class Http(socketserver.StreamRequestHandler):
    """What a site passes on as the client's address."""

    def handle(self) -> None:
        headers = dict(
            line.decode().rstrip().lower().split(": ", 1)
            for line in iter(self.rfile.readline, b"\r\n")
            if b": " in line
        )
        body = said(self.client_address, real=headers.get("x-real-ip"), forwarded=headers.get("x-forwarded-for"))
        self.wfile.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True


SERVERS = [
    Tcp(("", 9000), Lines),
    Tcp(("", 9001), Told),
    Tcp(("", 9002), Long),
    Tcp(("", 9080), Http),
    Tcp(("", 9443), Tls),
    Udp(("", 9053), Datagrams),
]
for server in SERVERS[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
SERVERS[0].serve_forever()
