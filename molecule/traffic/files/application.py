# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that says who it is and what it was asked; /run/traffic-mode makes it slow, failing or unhealthy."""

import json
import socketserver
import sys
import time
from pathlib import Path

MODE = Path("/run/traffic-mode")


class Handler(socketserver.StreamRequestHandler):
    """Requests over one connection, one after the other."""

    def handle(self) -> None:
        while True:
            line = self.rfile.readline().decode().split()
            if len(line) < 2:
                return
            headers: dict[str, str] = {}
            for raw in iter(self.rfile.readline, b"\r\n"):
                name, _colon, value = raw.decode().partition(":")
                headers[name.lower()] = value.strip()
            self.rfile.read(int(headers.get("content-length", "0")))
            mode = MODE.read_text().strip() if MODE.exists() else ""
            if mode == "slow":
                time.sleep(10)
            if headers.get("upgrade") == "websocket" and headers.get("connection") == "upgrade":
                self.wfile.write(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                for message in self.rfile:
                    self.wfile.write(message)
                return
            status = int(mode) if mode.isdigit() else 200
            said = {"backend": NAME, "uri": line[1], "method": line[0], "headers": headers}
            body = json.dumps(said).encode()
            head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)


NAME, PORT = sys.argv[1], int(sys.argv[2])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(("", PORT), Handler) as server:
    server.serve_forever()
