# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of gRPC that says who it is and what it was asked; what it is asked to fail fails.

HTTP/2 as far as a balancer and this service need it (RFC 9113): what headers a request has is not looked at.
"""

import socketserver
import struct
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
OK = b"\x88"  # `:status: 200` of the static table (RFC 7541)
NOT_FOUND = "5"


def header(name: str, value: str) -> bytes:
    """Return a header as a literal that no table keeps."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


TYPE = header("content-type", "application/grpc")


class Handler(socketserver.StreamRequestHandler):
    """A connection with its streams."""

    def handle(self) -> None:
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self.send(SETTINGS, 0, 0)
        asked: dict[int, bytes] = {}
        while True:
            head = self.rfile.read(9)
            if len(head) < 9:
                return
            length, kind, flags, stream = (
                int.from_bytes(head[:3], "big"),
                head[3],
                head[4],
                int.from_bytes(head[5:], "big"),
            )
            payload = self.rfile.read(length)
            if kind == GOAWAY:
                return
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.send(kind, ACK, 0, payload if kind == PING else b"")
            if kind == DATA:
                asked[stream] = asked.get(stream, b"") + payload
                if payload:
                    self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", length))
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self.answer(stream, asked.pop(stream, b"")[5:].decode())

    def answer(self, stream: int, message: str) -> None:
        if message == "fail":
            fault = header("grpc-status", NOT_FOUND) + header("grpc-message", f"not on {NAME}")
            self.send(HEADERS, END_HEADERS | END_STREAM, stream, OK + TYPE + fault)
            return
        text = f"{NAME} got {message}".encode()
        self.send(HEADERS, END_HEADERS, stream, OK + TYPE)
        self.send(DATA, 0, stream, b"\0" + struct.pack(">I", len(text)) + text)
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, header("grpc-status", "0"))

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream)
        self.wfile.write(head + payload)


NAME, PORT = sys.argv[1], int(sys.argv[2])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(("", PORT), Handler) as server:
    server.serve_forever()
