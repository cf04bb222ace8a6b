# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a live pair is changed, and at no time do two nodes hold the address."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
from fleet_under_test import Node, client, eventually, watching

ROOT = Path(__file__).parents[3]
VIP, SITE = "10.89.50.100", "blog.example.com"
INSTANCE = "/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"


def run(playbook: str, password: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook as a person would, with another password than the inventory's."""
    command = ["ansible-playbook", playbook, "--diff"]
    for inventory in ("inventory/lab", "molecule/together/inventory"):
        command += ["--inventory", inventory]
    command += ["--extra-vars", f"keepalived_auth_pass={password}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def change_together(password: str) -> subprocess.CompletedProcess[str]:
    return run("playbooks/together.yml", password)


def password_on(node: Node) -> str:
    return node.run(f"sed -n 's/ *auth_pass //p' {INSTANCE}").strip()


@pytest.fixture
def nodes() -> t.Iterator[list[Node]]:
    nodes = [Node("lb1"), Node("lb2")]
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")
    yield nodes
    for node in nodes:
        node.run("iptables --flush OUTPUT")
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")


def test_the_password_changes_and_two_holders_are_never_seen(nodes: list[Node]) -> None:
    old, new = password_on(nodes[0]), "later"
    assert password_on(nodes[1]) == old != new
    with watching(VIP, nodes) as holders, client(VIP, SITE) as window:
        done = change_together(new)
        window.settle(5.0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [password_on(node) for node in nodes] == [new, new]
    assert holders.longest(at_least=2) == 0
    assert holders.longest(at_most=0) == 0
    assert holders.moves() == 0
    seen = window.summary()
    print(f"MEASURED password changed: gap {seen['gap_ms']} ms, {seen['failed_total']} failed, {seen['slow']} slow")
    assert seen["failed_total"] == 0
    assert new not in done.stdout
    assert old not in done.stdout


def test_nodes_that_do_not_hear_each_other_go_back_to_what_they_had(nodes: list[Node]) -> None:
    had = [password_on(node) for node in nodes]
    for node in nodes:
        # What blocks what comes in would be mended by the role at once.
        node.run("iptables --insert OUTPUT --protocol 112 --jump DROP")
    done = change_together("never")
    assert done.returncode != 0
    assert "The change was undone on all nodes" in done.stdout
    assert [password_on(node) for node in nodes] == had
    for node in nodes:
        assert node.run("ls /var/lib/holdfast/keepalived").split() == ["manifest.json"]
        assert "0 timers listed" in node.run("systemctl list-timers 'holdfast-*'")


def test_node_by_node_it_is_refused_before_anything_is_changed(nodes: list[Node]) -> None:
    had = [password_on(node) for node in nodes]
    done = run("site.yml", "bynode")
    assert done.returncode != 0
    assert "VI_1: authentication" in done.stdout
    assert "run playbooks/together.yml" in done.stdout
    assert "changed=0" in done.stdout
    assert not re.search(r"changed=[1-9]", done.stdout)
    assert "bynode" not in done.stdout
    assert [password_on(node) for node in nodes] == had
