# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents and the shipped inventories show is taken by the real nginx and the real keepalived.

And it needs nothing that is not there.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import Documents
from documented import ROOT
from examples import Example, Task, tasks, variables
from inventory_builder import InventoryBuilder
from real_hosts import Host
from shipped_inventories import INVENTORIES, shipped

# The networks and interfaces that the documents speak of, and the FIFO that systemd makes.
WIRES = """
for name in eth1; do ip link add $name type veth peer name wire-$name 2>/dev/null; ip link set $name up; done
for address in 192.0.2.11/24 192.0.2.31/24 10.89.50.11/24 172.29.19.19/24; do ip address replace $address dev eth0; done
sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0
ip address replace 2001:db8::11/64 dev eth0 nodad
mkdir -p /etc/ssl/blog.example.com && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj /CN=blog.example.com -addext subjectAltName=DNS:blog.example.com -keyout /etc/ssl/blog.example.com/privkey.pem \
  -out /etc/ssl/blog.example.com/fullchain.pem 2>/dev/null
mkdir -p /etc/holdfast/certificates && cp -r /etc/ssl/blog.example.com /etc/holdfast/certificates/
mkdir -p /run/holdfast && { [ -p /run/holdfast/notify.fifo ] || mkfifo -m 0600 /run/holdfast/notify.fifo; }
"""
PROGRAM = "mkdir -p {folder} && printf '#!/bin/sh\\nexit 0\\n' >{path} && chmod 0755 {path}"

ELSEWHERE = {
    "clock_offset": "runs on the controller",
    "fleet_plan": "runs on the controller",
    "fleet_waves": "runs on the controller",
    "planned_move": "runs on the controller",
    "rollout_progress": "runs on the controller",
    "rollout_lock": "knows of the run from the controller",
    "vrrp_diagnosis": "runs on the controller",
    "staged_change": "needs a change that was staged",
    "tracker_proof": "needs a pair",
}


@pytest.fixture(scope="module")
def documented(fleet: t.Mapping[str, Host]) -> Host:
    fleet["normal"].reset()
    fleet["normal"].run(WIRES)
    return fleet["normal"]


@pytest.mark.parametrize("example", list(variables()), ids=lambda example: example.place)
def test_an_example_is_taken_by_both_daemons(documented: Host, example: Example) -> None:
    inventory = InventoryBuilder(example.everywhere, groups=example.groups, **example.hosts)
    host = next(iter(example.groups["master"]))
    assert not [one for one in inventory.findings() if one.severity == "error"]
    taken(documented, inventory.documents(host))


@pytest.mark.parametrize("folder", INVENTORIES, ids=lambda folder: str(folder.relative_to(ROOT / "inventory")))
def test_a_shipped_inventory_is_taken_by_both_daemons(documented: Host, folder: Path) -> None:
    inventory = shipped(folder)
    taken(documented, inventory.documents(inventory.groups["master"][0]))


def taken(documented: Host, roles: Documents) -> None:
    """Let both daemons of a host test what a balancer has."""
    fit = {name: roles["keepalived"]["preflight"][name] for name in ("scripts", "script_users")}
    for path in fit["scripts"].values():
        documented.run(PROGRAM.format(folder=path.rpartition("/")[0], path=path))
    documented.ok("preflight", fit)
    for role, section in (("keepalived", "keepalived"), ("balancer", "nginx")):
        wanted = {name: roles[role]["state"][name] for name in ("files", section) if name in roles[role]["state"]}
        assert documented.ok("host_state", wanted, check=True)["sections"][section]["validated"] == "daemon"


@pytest.mark.parametrize("task", list(tasks()), ids=lambda task: task.place)
def test_an_example_of_a_module_runs(documented: Host, task: Task) -> None:
    if task.module in ELSEWHERE:
        pytest.skip(ELSEWHERE[task.module])
    documented.ok(task.module, task.arguments, check=True)


def test_a_user_of_scripts_who_is_not_there_is_told_before_anything_is_changed(documented: Host) -> None:
    said = {
        "keepalived_global_options": {"script_user": ["keepalived_script"]},
        "keepalived_vrrp_scripts": [{"name": "uplink", "script": "/usr/bin/true"}],
    }
    wanted = InventoryBuilder(said).documents("lb1")["keepalived"]["preflight"]
    told = documented.refused("preflight", {name: wanted[name] for name in ("scripts", "script_users")})
    assert "there is no user keepalived_script to run /usr/bin/true: create it" in told
