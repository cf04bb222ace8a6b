# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's own log file: it gets everything, nothing stands in two files, and rotation does not stop it."""

from __future__ import annotations

import time
import typing as t

from harness.node import Node
from harness.waiting import eventually

Pair = t.Tuple[Node, Node]

LOG, EVERYTHING = "/var/log/keepalived.log", "/var/log/syslog"


def content(node: Node, path: str) -> str:
    return node.run(f"cat {path}")


def test_a_change_of_state_stands_in_the_file_and_nowhere_else(balancers: Pair) -> None:
    _lb1, lb2 = balancers
    before = content(lb2, LOG).count("Entering MASTER STATE")
    balancers[0].run("systemctl stop nginx")
    eventually(
        lambda: content(lb2, LOG).count("Entering MASTER STATE") == before + 1, within=10, saying="the change is logged"
    )
    eventually(lambda: "holdfast-notify" in content(lb2, LOG), within=5, saying="the services are logged, too")
    other = f"other-{time.time()}"
    lb2.run(f"logger --tag somebody {other}")
    eventually(lambda: other in content(lb2, EVERYTHING), within=5, saying="others are logged as before")
    assert other not in content(lb2, LOG)
    for path in (EVERYTHING, "/var/log/daemon.log", "/var/log/messages"):
        if lb2.host.file(path).exists:
            assert "Entering MASTER STATE" not in content(lb2, path)
            assert "holdfast-notify[" not in content(lb2, path)


def test_it_belongs_to_those_who_read_logs(balancers: Pair) -> None:
    found = balancers[0].host.file(LOG)
    assert (found.mode, found.user, found.group) == (0o640, "root", "adm")


def test_rotation_keeps_the_lines_flowing(balancers: Pair) -> None:
    _lb1, lb2 = balancers
    before, after = (f"{word}-{time.time()}" for word in ("before", "after"))
    lb2.run(f"logger --tag holdfast-test {before}")
    eventually(lambda: before in content(lb2, LOG), within=5, saying="the line is logged")
    lb2.run("logrotate --force /etc/logrotate.d/holdfast-keepalived")
    lb2.run(f"logger --tag holdfast-test {after}")
    eventually(lambda: after in content(lb2, LOG), within=5, saying="the new file gets the line")
    assert before in content(lb2, f"{LOG}.1")
    assert after not in content(lb2, f"{LOG}.1")
    found = lb2.host.file(LOG)
    assert (found.mode, found.user, found.group) == (0o640, "root", "adm")
