# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a test plants: every form in which one can be found again, and where on a host it was."""

from __future__ import annotations

import base64
import json
import shlex
import typing as t
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from harness.node import Node

__all__ = ("Planted", "Readable", "sampled")

FOLDERS = ("/var/lib", "/run", "/tmp", "/var/tmp", "/var/log", "/etc", "/root", "/home", "/dev/shm", "/usr/local")
SAMPLES = "/dev/shm/sampled"
PATTERNS = "/dev/shm/patterns"

# Whatever a process is started with, and its environment: each once. It knows no secret, and is none itself.
SAMPLER = """
import glob, time
seen, out = set(), open(%r, "wb", 0)
while True:
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            said = open(path, "rb").read()
        except OSError:
            continue
        if said not in seen:
            seen.add(said)
            out.write(said + b"\\n")
    time.sleep(0.02)
"""


class Readable(t.NamedTuple):
    """A file that holds a secret: whose it is, and its permission bits."""

    path: str
    owner: str
    mode: int


class Planted:
    """Some secrets."""

    def __init__(self, *secrets: str) -> None:
        self.forms = sorted({form for secret in secrets for form in forms(secret)})

    def within(self, text: str) -> list[str]:
        """Return the forms that are in a text."""
        return [form for form in self.forms if form in text]

    def on(self, node: Node) -> list[Readable]:
        """Return every file of a node in which one stands."""
        self._hand(node)
        found = node.run(
            f"grep -rlaFs -f {PATTERNS} --exclude={PATTERNS.rpartition('/')[2]} --exclude={SAMPLES.rpartition('/')[2]} "
            f"--exclude-dir=holdfast-test {' '.join(FOLDERS)} | sort -u | xargs -r -d '\\n' stat -c '%a %U %n'; true"
        )
        lines = [line.split(" ", 2) for line in found.split("\n") if line]
        return [Readable(path, owner, int(mode, 8)) for mode, owner, path in lines]

    def told_by(self, node: Node) -> str:
        """Return the lines of the node's journal in which one stands."""
        self._hand(node)
        return node.run(f"journalctl --no-pager --all --output=verbose | grep -aF -f {PATTERNS} | head -20; true")

    def started_on(self, node: Node) -> str:
        """Return what of the sampled processes and environments holds one."""
        self._hand(node)
        return node.run(f"tr '\\000' ' ' <{SAMPLES} | grep -aF -f {PATTERNS} | head -20; true")

    def _hand(self, node: Node) -> None:
        lines = "\n".join(self.forms)
        node.run(f"umask 077; printf '%s\\n' {shlex.quote(lines)} >{PATTERNS}")


def forms(secret: str) -> t.Iterator[str]:
    """Yield a secret as it is, as JSON, URLs and XML write it, and in base64 at whatever place of a longer text."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield secret.encode().hex()
    for before in range(3):
        coded = base64.b64encode(b"." * before + secret.encode() + b"...").decode()
        # Only whole groups of its own: what stands around it colours the first and the last.
        first, last = (4 if before else 0), (before + len(secret.encode())) // 3 * 4
        if last - first >= 8:
            yield coded[first:last]


@contextmanager
def sampled(nodes: t.Sequence[Node]) -> t.Iterator[None]:
    """Gather on the nodes, as long as the body lasts, what processes are started with."""
    unit = "test-sampler"
    for node in nodes:
        node.run(f"rm -f {SAMPLES}; systemd-run -q --collect --unit={unit} python3 -c {shlex.quote(SAMPLER % SAMPLES)}")
    try:
        yield
    finally:
        for node in nodes:
            node.run(f"systemctl stop {unit}")
