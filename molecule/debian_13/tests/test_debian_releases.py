# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair on another release of Debian, of the scenario that has called this: its packages, its faults, a change."""

from __future__ import annotations

import json
import os
import socket
import typing as t
from pathlib import Path

import pytest

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.fault_injection import SINGLE_RUN, inject_fault
from harness.faults import named
from harness.node import Node
from harness.playing import ROOT, play
from lab.inventory import nodes_of, read_inventory

SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]).name
INVENTORIES = (ROOT / "inventory" / "lab", ROOT / "molecule" / SCENARIO / "inventory")
RELEASE = SCENARIO.rpartition("_")[2]
PACKAGES = {
    "11": {"nginx": "1.18.0-", "keepalived": "1:2.1.5-"},
    "13": {"nginx": "1.26.3-", "keepalived": "1:2.3.3-"},
}


def site(**variables: t.Any) -> str:
    """Run site.yml with these variables, which must succeed, and return what was printed."""
    options = [f"--inventory={path}" for path in INVENTORIES]
    return play("site.yml", *options, "--extra-vars", json.dumps(variables))


def test_every_host_is_of_this_release_and_has_its_packages() -> None:
    for node in map(Node, (one.name for one in nodes_of(read_inventory(INVENTORIES)))):
        assert f'VERSION_ID="{RELEASE}"' in node.run("cat /etc/os-release")
    for node in (Node("lb1"), Node("lb2")):
        for package, version in PACKAGES[RELEASE].items():
            assert node.run(f"dpkg-query --show --showformat='${{Version}}' {package}").startswith(version)


def test_all_is_well_and_every_backend_answers(pair: Cluster) -> None:
    assert pair.audit() == []
    with client(VIP, SITE) as window:
        window.settle(1.0)
    assert window.summary()["failed_total"] == 0
    assert set(window.summary()["served_by"]) == {"web1", "web2", "web3"}


@pytest.mark.parametrize(
    "name", ["nginx killed", "nginx stopped", "keepalived killed", "every packet lost", "host killed"]
)
def test_the_address_moves_within_its_budget_and_comes_back(pair: Cluster, name: str) -> None:
    fault = named(name)
    seen = inject_fault(pair, lambda: fault.inject(pair.lb1), successor=pair.lb2, isolated=fault.isolated)
    print(f"MEASURED {seen.figures(f'{name}, Debian {RELEASE}')}")
    seen.assert_within(SINGLE_RUN * fault.gap, SINGLE_RUN * fault.lost)
    seen.assert_one_holder(isolated=fault.isolated)
    assert pair.audit() == []


def test_a_port_is_added_without_a_lost_request_and_the_module_comes_with_it(pair: Cluster) -> None:
    with client(VIP, SITE) as window:
        site(
            balancer_stream_upstreams=[{"name": "raw", "servers_from": "backend", "port": 8080}],
            balancer_streams=[{"name": "raw", "listen": ["7080"], "upstream": "raw"}],
        )
        window.settle(1.0)
    assert window.summary()["failed_total"] == 0
    assert "libnginx-mod-stream" in pair.lb1.run("dpkg-query --show 'libnginx-mod-stream*'")
    with socket.create_connection((VIP, 7080), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: backend\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    site()
    assert "changed=0" in site().split("lb1")[-1]
