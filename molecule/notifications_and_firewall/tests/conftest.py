# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy pair for every test, and a mail server on a third host."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from harness.node import Node
from harness.waiting import eventually

VIP = "10.89.50.100"
STATES = ("master", "backup", "fault", "stop")
TOLD = "/var/lib/around/told"
STATE = "/var/lib/holdfast/notify/state.json"
SINK = Path(__file__).parents[1] / "files" / "mail_sink.py"


def recover(lb1: Node, lb2: Node) -> None:
    for node in (lb1, lb2):
        node.run("systemctl start nginx keepalived holdfast-watcher holdfast-notify")
    eventually(lambda: lb1.holds(VIP) and not lb2.holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")
    # Commands run after the events: what the test before caused must not be taken for what this one causes.
    for node, state in ((lb1, "master"), (lb2, "backup")):
        eventually(lambda: told(node)[-1:] == [state], within=60, saying=f"{node} was told that it is {state}")  # noqa: B023


def told(node: Node) -> list[str]:
    """Return the states of VI_1 that the command on a node was told, in their order."""
    lines = [line.split() for line in node.run(f"cat {TOLD} 2>/dev/null || true").split("\n")]
    return [words[1] for words in lines if words[2:3] == ["VI_1"] and words[1] in STATES]


@pytest.fixture
def balancers() -> t.Iterator[tuple[Node, Node]]:
    """The balancers, the holder of the address first."""
    lb1, lb2 = Node("lb1"), Node("lb2")
    recover(lb1, lb2)
    yield lb1, lb2
    recover(lb1, lb2)


@pytest.fixture(scope="session")
def mail_sink() -> t.Iterator[Node]:
    """The host whose /run/mails gets the subject of every mail."""
    node = Node("web1")
    subprocess.run(["podman", "cp", str(SINK), f"{node.container}:/run/mail_sink.py"], check=True)
    node.run("systemd-run --quiet --unit=mail-sink python3 /run/mail_sink.py 2525 /run/mails")
    for balancer in (Node("lb1"), Node("lb2")):
        balancer.run("systemctl reload holdfast-notify")  # what waits goes at once
        told = f"grep --quiet '\"mails\": \\[\\]' {STATE}"
        eventually(lambda: balancer.host.run(told).rc == 0, within=30, saying=f"the mails of {balancer} have gone")  # noqa: B023
    yield node
    node.run("systemctl stop mail-sink")
