# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites that the real nginx serves, backends that tell what they were asked, and a client."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import typing as t
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files, site_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from real_nginx import Nginx

__all__ = ("Answer", "Backend", "Sites", "backend")

LIMIT = 10.0
Options = t.Dict[str, t.Any]


class Answer(t.NamedTuple):
    """What came back: the status, the header lines by name in small letters, and the body."""

    status: int
    headers: t.Mapping[str, list[str]]
    body: str

    @property
    def told(self) -> t.Any:
        """What a backend has told of the request that it got."""
        return json.loads(self.body)


class Backend(socketserver.ThreadingTCPServer):
    """Answers each request with its own name and what it was asked; a change of protocol it accepts and echoes."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, name: str, status: int = 200, headers: t.Mapping[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name, self.status, self.more = name, status, dict(headers or {})
        self.asked = 0
        self.connections = 0

    @property
    def server(self) -> Options:
        """The backend as a server of an upstream."""
        return {"address": "127.0.0.1", "port": self.server_address[1]}


class _Handler(socketserver.StreamRequestHandler):
    server: Backend

    def handle(self) -> None:
        self.server.connections += 1
        while True:
            line = self.rfile.readline().decode().split()
            if len(line) < 2:
                return
            headers: dict[str, list[str]] = {}
            for raw in iter(self.rfile.readline, b"\r\n"):
                name, _colon, value = raw.decode().partition(":")
                headers.setdefault(name.lower(), []).append(value.strip())
            self.rfile.read(int(headers.get("content-length", ["0"])[0]))
            self.server.asked += 1
            if headers.get("upgrade") == ["websocket"] and headers.get("connection") == ["upgrade"]:
                self.wfile.write(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                self.wfile.write(self.rfile.readline())
                return
            body = json.dumps({"backend": self.server.name, "method": line[0], "uri": line[1], "headers": headers})
            more = "".join(f"{name}: {value}\r\n" for name, value in self.server.more.items())
            self.wfile.write(
                f"HTTP/1.1 {self.server.status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n{body}".encode()
            )


@contextmanager
def backend(name: str, status: int = 200, headers: t.Mapping[str, str] | None = None) -> t.Iterator[Backend]:
    """Run a backend on a port of its own."""
    with Backend(name, status, headers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class Sites:
    """What nginx serves of the options of nginx_config, each server on a socket of its name below ``folder``."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.nginx = Nginx(folder)
        self.config = NginxConfig.from_options(options, version=self.nginx.build().version, folder=str(folder))
        self.folder = folder

    @contextmanager
    def running(self) -> t.Iterator[Sites]:
        beside = {name: file.text for name, file in site_files(self.config).items()}
        for name, text in {**files(self.config), **beside}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        ready = f"server {{ listen unix:{self.folder}/ready; return 204; }}\n"
        with self.nginx.running(self.nginx.main(f"{ready}include conf.d/*.conf;"), f"{self.folder}/ready"):
            yield self

    def connect(self, at: str) -> socket.socket:
        """Return a connection to ``host:port`` or to a socket below the folder."""
        host, colon, port = at.rpartition(":")
        connection = socket.socket(socket.AF_INET if colon else socket.AF_UNIX)
        connection.settimeout(LIMIT)
        connection.connect((host, int(port)) if colon else str(self.folder / at))
        return connection

    def ask(self, at: str, uri: str = "/", *, host: str = "a.example", method: str = "GET", **headers: str) -> Answer:
        """Return the answer to one request; ``X_Name`` among the headers stands for X-Name. Status 0: closed."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        with self.connect(at) as connection:
            connection.sendall(f"{method} {uri} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode())
            raw = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        head, _blank, body = raw.partition("\r\n\r\n")
        status, *rest = head.split("\r\n")
        found: dict[str, list[str]] = {}
        for line in rest:
            name, _colon, value = line.partition(":")
            found.setdefault(name.lower(), []).append(value.strip())
        if found.get("transfer-encoding") == ["chunked"]:
            body = _joined(body)
        return Answer(int(status.split()[1]) if status else 0, found, body)


def _joined(chunks: str) -> str:
    """Return what was sent in chunks, which are of ASCII here."""
    found = ""
    while chunks:
        size, _end, chunks = chunks.partition("\r\n")
        found += chunks[: int(size, 16)]
        chunks = chunks[int(size, 16) + 2 :]
    return found
