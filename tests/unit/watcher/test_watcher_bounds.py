# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever answers a check, and however long: the watcher stays small, asks on, and watches nginx beside it."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import Harness, eventually

HANDSHAKES = 30
FEW = 8 * 1024  # kB of memory
BUSY = 0.5  # of a second of processor time for that, far below the seconds that it takes to read on to the time limit


class Endless:
    """Sends to whoever connects, for as long as it is heard: first ``begin``, then ``part`` again and again."""

    def __init__(self, begin: bytes, part: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.begin, self.part, self.tls = begin, part, tls
        self.heard = 0
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.speak, args=(connection,), daemon=True).start()

    def speak(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                connection.sendall(self.begin)
                while True:
                    connection.sendall(self.part)
        except OSError:
            self.heard += 1


def certificate(folder: Path) -> ssl.SSLContext:
    key, cert = folder / "key", folder / "certificate"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*made, "-subj", "/CN=shop.example.com", "-days", "1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def memory(pid: int) -> int:
    """Return the most memory in kB that a process has ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().split("\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def busy(pid: int) -> float:
    """Return the seconds for which a process has used a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("begin", "part", "tls"),
    [
        pytest.param(b"", b"x" * 65536, False, id="no line"),
        pytest.param(b"HTTP/1.1 2", b"0" * 65536, False, id="a status without end"),
        pytest.param(b"HTTP/1.1 " + b"9" * 4000 + b" Many\r\n\r\n", b"x", False, id="a status of 4,000 digits"),
        pytest.param(b"", b"x" * 65536, True, id="no line over TLS"),
        pytest.param(b"\x16\x03\x03\x40\x00", b"\x0b\x00\x00\x00" * 4096, False, id="no TLS where it is wanted"),
    ],
)
def test_an_answer_without_end(harness: Harness, tmp_path: Path, begin: bytes, part: bytes, tls: bool) -> None:
    server = Endless(begin, part, certificate(tmp_path) if tls else None)
    wanted = tls or begin.startswith(b"\x16")
    asked = {"address": "127.0.0.1", "port": server.port, "tls": wanted, "host": "shop.example.com", "path": "/"}
    harness.nginx()
    # What TLS itself needs is there before the measure is taken.
    warm = {"name": "warm", "kind": "url", **asked, "port": harness.port, "tls": True, "interval": 60}
    harness.configure(checks=[warm])
    watcher = harness.watcher()
    harness.says("check_warm", 1)
    before = memory(watcher.pid)
    check = {"name": "endless", "kind": "url", **asked, "interval": 0.05, "timeout": 5}
    harness.configure(checks=[warm, check])
    watcher.send_signal(1)
    harness.says("check_endless", 1)
    used = busy(watcher.pid)
    heard = server.heard
    eventually(lambda: server.heard >= heard + HANDSHAKES, "it is asked on, and never heard to the time limit")
    assert busy(watcher.pid) - used < BUSY
    assert memory(watcher.pid) - before < FEW
    assert harness.files == ("0\n", "0\n")
    server.listener.close()
    assert max(map(len, harness.log.read_text().split("\n"))) < 2000


def test_a_banner_without_end_is_not_read(harness: Harness) -> None:
    server = Endless(b"", b"220 \n" * 10000)
    harness.configure(checks=[{"name": "port", "kind": "port", "address": "127.0.0.1", "port": server.port}])
    harness.nginx()
    watcher = harness.watcher()
    harness.says("check_port", 0)
    before, heard = memory(watcher.pid), server.heard
    eventually(lambda: server.heard >= heard + HANDSHAKES, "it is asked on")
    assert memory(watcher.pid) - before < 1024
    server.listener.close()


def test_a_command_that_prints_without_end(harness: Harness) -> None:
    printing = {"name": "yes", "kind": "command", "command": [shutil.which("yes") or "yes"], "timeout": 0.5}
    harness.configure(checks=[printing])
    harness.nginx()
    watcher = harness.watcher()
    before = memory(watcher.pid)
    harness.says("check_yes", 1)
    assert memory(watcher.pid) - before < 1024
    assert harness.files == ("0\n", "0\n")


@pytest.mark.parametrize("ends", ["exit 1", "sleep 600"], ids=["ends", "hangs"])
def test_what_a_command_started_ends_with_it_in_every_session(harness: Harness, tmp_path: Path, ends: str) -> None:
    program = tmp_path / "script"
    begins = f"setsid sh -c 'echo $$ >>{tmp_path}/pids; sleep 600' &"
    waits = f"while [ ! -s {tmp_path}/pids ]; do sleep 0.01; done"
    program.write_text("\n".join(["#!/bin/sh", begins, waits, ends, ""]))
    program.chmod(0o755)
    check = {"name": "own", "kind": "command", "command": [str(program)], "interval": 60, "timeout": 5, "fall": 1}
    harness.configure(checks=[check])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 1)
    (pid,) = (tmp_path / "pids").read_text().split()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "it has ended")


@pytest.mark.parametrize("kind", ["pipe", "zeros"])
def test_a_pid_file_without_end_holds_up_nobody(harness: Harness, kind: str) -> None:
    os.mkfifo(harness.pid_file) if kind == "pipe" else harness.pid_file.symlink_to("/dev/zero")
    harness.watcher()
    harness.becomes(1, 0)


def test_a_pipe_in_the_place_of_a_track_file_holds_up_nobody(harness: Harness, tmp_path: Path) -> None:
    os.mkfifo(harness.track / "check_own")
    check: dict[str, t.Any] = {"name": "own", "kind": "command", "command": ["/bin/true"]}
    harness.configure(checks=[check])
    nginx = harness.nginx()
    harness.watcher()
    eventually(lambda: "check_own cannot be written, keepalived learns nothing" in harness.log.read_text(), "a warning")
    nginx.kill()
    harness.says("nginx_crash", 1)
