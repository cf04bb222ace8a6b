# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test stand for the watcher: a fake nginx, the watcher as a process of its own, and the two files between."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import typing as t
from pathlib import Path

from delivered import delivered, part

from harness import waiting

FAKE = Path(__file__).with_name("fake_nginx.py")
TIMEOUT = 10.0
PEER = "127.0.0.2"


def eventually(condition: t.Callable[[], bool], what: str | t.Callable[[], str], *, within: float = TIMEOUT) -> float:
    """Wait until it holds and return how many seconds that took; fails with ``what`` when it never does."""
    return waiting.eventually(condition, within=within, saying=what, every=0.002)


class Harness:
    def __init__(self, folder: Path) -> None:
        self.track = folder / "track"
        self.track.mkdir()
        self.pid_file = folder / "nginx.pid"
        self.config = folder / "watcher.json"
        self.log = folder / "log"
        self.events = folder / "events"
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.processes: list[subprocess.Popen[bytes]] = []
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.settimeout(TIMEOUT)
        self.configure()

    def configure(
        self,
        *,
        patience: float = 0,
        checks: t.Sequence[t.Any] = (),
        address: str = "192.0.2.100",
        ports: str = "",
        **probe: t.Any,
    ) -> None:
        """Write the settings; ``address`` is the shared one, which this machine has not, and keepalived has let go.

        ``ports`` is the file of the service's ports.
        """
        each = {"interval": 0.05, "timeout": 0.5, "fall": 2, "rise": 2}
        settings = {"interval": 0.05, "timeout": 0.1, "fall": 2, "rise": 2, **probe}
        question = {"address": "127.0.0.1", "port": self.port, "host": "health.invalid", "path": "/health"}
        self.config.write_text(
            json.dumps(
                {
                    "track_dir": str(self.track),
                    "addresses": [{"address": address, "interface": "lo"}],
                    "events": str(self.events),
                    "ports": ports,
                    "nginx": {"unit": "nginx.service", "pid_file": str(self.pid_file), "patience": patience},
                    "probe": {**question, **settings},
                    "checks": [{**each, **check} for check in checks],
                }
            )
        )

    def nginx(self, status: int = 204, delay: float = 0.0) -> subprocess.Popen[bytes]:
        """Start a fake nginx and return it when it serves and stands in the pid file."""
        return self._nginx("127.0.0.1", self.pid_file, status, delay)

    def peer(self, status: int = 403) -> subprocess.Popen[bytes]:
        """Start the fake nginx of another node and return it when it serves; the watcher has to be told of PEER."""
        return self._nginx(PEER, self.pid_file.with_name("peer.pid"), status, 0.0)

    def _nginx(self, address: str, pid_file: Path, status: int, delay: float) -> subprocess.Popen[bytes]:
        before = pid_file.read_text() if pid_file.exists() else ""
        process = self._start(str(FAKE), address, str(self.port), str(pid_file), str(status), str(delay))
        eventually(lambda: pid_file.exists() and pid_file.read_text() != before, "nginx has started")
        return process

    def watcher(self, prelude: str = "") -> subprocess.Popen[bytes]:
        """Start the watcher, after a piece of Python, and return it when it is ready, as systemd sees it."""
        python, *program = part("watcher", str(self.config))
        if prelude:
            run = "import runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
            process = self._start("-c", f"{prelude}\n{run}", *program[program.index(delivered()) :])
        else:
            process = self._start(*program)
        while b"READY=1" not in self.notified.recv(4096):
            pass
        return process

    def _start(self, *args: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *args],
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self.notified.getsockname())},
            )
        self.processes.append(process)
        return process

    @property
    def files(self) -> tuple[str, str]:
        """What stands in nginx_crash and nginx_probe."""
        crash, probe = (self.track / name for name in ("nginx_crash", "nginx_probe"))
        return crash.read_text() if crash.exists() else "-", probe.read_text() if probe.exists() else "-"

    def file(self, name: str) -> str:
        """What stands in one track file."""
        path = self.track / name
        return path.read_text().strip() if path.exists() else "-"

    def says(self, name: str, number: int) -> float:
        """Wait until a track file says so."""
        return eventually(
            lambda: self.file(name) == str(number),
            lambda: f"{name} is {number} (it is {self.file(name)}; {self.log.read_text()})",
        )

    def tells(self, words: str) -> None:
        """Wait until the watcher has told it: a file is written first."""
        eventually(lambda: words in self.log.read_text(), lambda: f"{words} (it told: {self.log.read_text()})")

    def becomes(self, crash: int, probe: int) -> float:
        wanted = (f"{crash}\n", f"{probe}\n")
        return eventually(
            lambda: self.files == wanted, lambda: f"{wanted} (they are {self.files}; {self.log.read_text()})"
        )

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.notified.close()
