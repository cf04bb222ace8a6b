# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx, kept inside a folder: asked whether a configuration is right, and asked over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import Build, parse_build

__all__ = ("Nginx", "make_certificate")

LIMIT = 10.0


class Nginx:
    """The binary that HOLDFAST_NGINX names, at work in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.binary = os.environ.get("HOLDFAST_NGINX", "")
        # A run without the binary must not look like a success.
        assert os.access(self.binary, os.X_OK), "HOLDFAST_NGINX must name the binary of nginx"
        self.folder = folder

    def build(self) -> Build:
        return parse_build(self._run("-V")[1])

    def main(self, http: str = "", stream: str = "") -> str:
        """Return a whole configuration around the insides of http and stream."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        private = [Block(f"{kind}_temp_path", (str(self.folder / kind),)) for kind in kinds]
        # As packages lay it out, and as tests/lab/daemons.py does.
        home = Path(self.binary).parents[1]
        modules = [home / folder / "ngx_stream_module.so" for folder in ("lib/nginx/modules", "modules")]
        blocks = [
            *(Block("load_module", (str(path),)) for path in modules if stream and path.exists()),
            Block("daemon", ("off",)),
            Block("master_process", ("off",)),
            Block("pid", (str(self.folder / "pid"),)),
            Block("events", (), ()),
        ]
        inside = render([Block("access_log", ("off",)), *private])
        return f"{render(blocks)}http {{\n{inside}{http}\n}}\n" + (f"stream {{\n{stream}\n}}\n" if stream else "")

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return str(path)

    def test(self, text: str) -> tuple[bool, str]:
        """Return whether nginx takes a whole configuration, and its words."""
        code, words = self._run("-t", "-q", *self._arguments(text))
        return code == 0, words

    def dump(self, text: str) -> str:
        """Return what nginx prints of a whole configuration and the files that it includes."""
        command = [self.binary, "-T", "-q", *self._arguments(text)]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()

    def accepts(self, text: str) -> bool:
        return self.test(text)[0]

    @contextmanager
    def running(self, text: str, path: str) -> t.Iterator[None]:
        """Run with a whole configuration, from when it answers at the socket ``path`` until it has ended."""
        process = subprocess.Popen([self.binary, *self._arguments(text)], stderr=subprocess.PIPE)
        try:
            self._wait(process, path)
            yield
        finally:
            process.terminate()
            process.communicate()

    def ask(self, path: str, uri: str) -> bytes:
        """Return the body of the answer to one request at the socket ``path``."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT)
            connection.connect(path)
            connection.sendall(f"GET {uri} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return answer.partition(b"\r\n\r\n")[2]

    def _arguments(self, text: str) -> tuple[str, ...]:
        return "-e", "stderr", "-p", str(self.folder), "-c", self.write("nginx.conf", text)

    def _run(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run([self.binary, *arguments], capture_output=True, timeout=60, check=False)
        return done.returncode, done.stderr.decode("utf-8", "replace")

    def _wait(self, process: subprocess.Popen[bytes], path: str) -> None:
        deadline = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.ask(path, "/")
                return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.002)
        process.kill()
        pytest.fail(f"nginx does not start: {process.communicate()[1].decode(errors='replace')}")


def make_certificate(folder: Path) -> str:
    """Return the path of a file with a key and its certificate."""
    path = folder / "certificate.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x")
    command = ["openssl", "req", "-x509", *curve, "-keyout", f"{path}.key", "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(Path(f"{path}.key").read_text() + Path(f"{path}.crt").read_text())
    return str(path)
