# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where root may not mount, the pair is as good: a bad configuration is refused, and a dead nginx moves the address."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.client import client
from harness.fault_injection import BUSY_RUN
from harness.node import Node
from harness.waiting import eventually

ROOT = Path(__file__).parents[3]
VIP, SITE = "10.89.50.100", "blog.example.com"


@pytest.fixture(scope="module")
def nodes() -> list[Node]:
    nodes = [Node("lb1"), Node("lb2")]
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")
    return nodes


def module(name: str, arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ansible", "lb1", "--inventory=inventory/lab", f"--module-name=holdfast.nginx_ha.{name}"]
    return subprocess.run([*command, f"--args={arguments}"], cwd=ROOT, capture_output=True, text=True, check=False)


def test_root_may_not_mount_here(nodes: list[Node]) -> None:
    assert nodes[0].host.run("unshare --mount true").rc != 0


def test_a_configuration_is_tested_on_a_copy(nodes: list[Node]) -> None:
    done = module("nginx_upstream", '{"name": "spare", "servers": [{"address": "192.0.2.1", "port": 80}]}')
    assert done.returncode == 0, done.stdout
    assert '"staged_with": "copy"' in done.stdout
    assert "holdfast-50-upstream-spare.conf" in nodes[0].run("ls /etc/nginx/conf.d")


def test_what_nginx_refuses_is_not_written(nodes: list[Node]) -> None:
    done = module("nginx_upstream", '{"name": "worse", "servers": [{"address": "no.such.name.invalid", "port": 80}]}')
    assert done.returncode != 0
    assert "no.such.name.invalid" in done.stdout
    assert "worse" not in nodes[0].run("ls -A /etc/nginx/conf.d")


def test_a_dead_nginx_moves_the_address(nodes: list[Node]) -> None:
    with client(VIP, SITE) as window:
        nodes[0].run("systemctl kill --kill-who=main --signal=KILL nginx")
        eventually(lambda: nodes[1].holds(VIP) and not nodes[0].holds(VIP), within=5, saying=f"lb2 alone holds {VIP}")
        window.settle(1.0)
    seen = window.summary()
    assert seen["gap_ms"] <= BUSY_RUN * 200
    assert seen["failed_total"] + seen["slow"] <= BUSY_RUN * 40
