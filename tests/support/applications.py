# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications that speak FastCGI or uwsgi, and answer with the parameters that they got."""

from __future__ import annotations

import json
import socketserver
import struct
import sys
import threading
import typing as t
from contextlib import contextmanager

__all__ = ("fastcgi", "uwsgi")

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


class _FastCgi(socketserver.StreamRequestHandler):
    """One request after the other over one connection (https://fastcgi-archives.github.io/FastCGI_Specification.html)."""

    def handle(self) -> None:
        keeps = True
        while keeps:
            raw = b""
            kind, length = 0, 0
            while kind != STDIN or length:
                head = self.rfile.read(8)
                if len(head) < 8:
                    return
                _version, kind, request, length, padding = struct.unpack(">BBHHBx", head)
                content = self.rfile.read(length + padding)[:length]
                raw += content if kind == PARAMS else b""
                keeps = bool(content[2] & 1) if kind == BEGIN else keeps
            body = b"Content-Type: application/json\r\n\r\n" + json.dumps(dict(self._pairs(raw))).encode()
            for number, text in ((STDOUT, body), (STDOUT, b""), (END, bytes(8))):
                self.wfile.write(struct.pack(">BBHHBx", 1, number, request, len(text), 0) + text)

    def _pairs(self, raw: bytes) -> t.Iterator[tuple[str, str]]:
        while raw:
            sizes = []
            for _twice in range(2):
                if raw[0] < 128:
                    sizes.append(raw[0])
                    raw = raw[1:]
                else:
                    sizes.append(struct.unpack(">I", raw[:4])[0] & 0x7FFFFFFF)
                    raw = raw[4:]
            name, value = raw[: sizes[0]], raw[sizes[0] : sum(sizes)]
            yield name.decode(), value.decode()
            raw = raw[sum(sizes) :]


class _Uwsgi(socketserver.StreamRequestHandler):
    """One request a connection (https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html)."""

    def handle(self) -> None:
        _modifier, size, _other = struct.unpack("<BHB", self.rfile.read(4))
        raw = self.rfile.read(size)
        words = []
        while raw:
            (length,) = struct.unpack("<H", raw[:2])
            words.append(raw[2 : 2 + length].decode())
            raw = raw[2 + length :]
        body = json.dumps(dict(zip(words[::2], words[1::2])))
        self.wfile.write(f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}".encode())


@contextmanager
def _running(handler: type[socketserver.StreamRequestHandler]) -> t.Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def fastcgi() -> t.ContextManager[int]:
    """Run a FastCGI application and give its port."""
    return _running(_FastCgi)


def uwsgi() -> t.ContextManager[int]:
    """Run a uwsgi application and give its port."""
    return _running(_Uwsgi)


if __name__ == "__main__":  # applications.py NAME PORT: FastCGI for other hosts, as a scenario has it
    with socketserver.ThreadingTCPServer(("", int(sys.argv[2])), _FastCgi) as application:
        application.serve_forever()
