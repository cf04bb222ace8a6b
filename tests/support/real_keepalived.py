# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real keepalived in a network of its own: asked whether a configuration is right."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

__all__ = ("INTERFACE", "Keepalived")

LIMIT = 20
INTERFACE = "eth0"
# A pair of interfaces that lives until the input ends; keepalived's helper files go nowhere.
NETWORK = f"""
mount -t tmpfs none /run && ip link add {INTERFACE} type veth peer name eth1 && ip link set {INTERFACE} up || exit
echo $$
read -r _
"""


class Keepalived:
    """The binary that HOLDFAST_KEEPALIVED names, which reads its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.binary = os.environ.get("HOLDFAST_KEEPALIVED", "")
        # A run without the binary must not look like a success.
        assert os.access(self.binary, os.X_OK), "HOLDFAST_KEEPALIVED must name the binary of keepalived"
        self.folder = folder
        self._sudo = ["sudo"] * (os.geteuid() != 0)
        command = [*self._sudo, "unshare", "--mount", "--net", "sh", "-c", NETWORK]
        self._network = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._pid = t.cast("t.IO[str]", self._network.stdout).readline().strip()
        assert self._pid, "the network of the test could not be made"

    def close(self) -> None:
        self._network.communicate()

    def test(self, text: str) -> tuple[int, str]:
        """Return exit code and words for a configuration. Of 2.2.7, the test must be process 1 (see its issue 2182)."""
        path = self.folder / "keepalived.conf"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        enter = [*self._sudo, "nsenter", f"--target={self._pid}", "--mount", "--net"]
        alone = ["timeout", "--signal=KILL", str(LIMIT), "unshare", "--pid", "--fork", "--kill-child"]
        test = [self.binary, "-t", "-f", str(path), "-i", "nowhere"]
        done = subprocess.run([*enter, *alone, *test], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape")
