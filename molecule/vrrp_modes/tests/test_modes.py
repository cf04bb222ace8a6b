# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pair in several modes. After each change: one holder an address, it answers, it moves in time and comes back."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from harness.clients import FAST, STANDARD, clients, watched
from harness.cluster import Cluster
from harness.node import Node
from harness.waiting import eventually

ROOT = Path(__file__).parents[3]
SETTINGS = ROOT / "molecule" / "vrrp_modes" / "settings"
ADDRESS = "10.89.50.100"
MANY = [f"10.89.50.{number}" for number in range(100, 131)]
ASKED = [MANY[0], MANY[1], MANY[2], MANY[-1]]
INSTANCE = "/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"


LEADS = (5, 15, 30)  # seconds until all nodes change; a busy machine may need the longer ones


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook on the lab."""
    command = ["ansible-playbook", playbook, "--inventory", "inventory/lab", "--diff", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def together(*arguments: str) -> str:
    """Bring settings onto all nodes in the same second, and return what was printed."""
    for lead in LEADS:
        done = play("playbooks/together.yml", *arguments, "--extra-vars", f"holdfast_lead={lead}")
        if "choose a later one" not in done.stdout:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def laid_over(name: str) -> tuple[str, str]:
    return "--inventory", str(SETTINGS / name)


@pytest.fixture(scope="module")
def pair() -> Cluster:
    pair = Cluster()
    pair.recover()
    return pair


def in_file(node: Node, keyword: str) -> str:
    return node.run(f"sed -n 's/ *{keyword} //p' {INSTANCE}").strip()


def test_multicast_to_a_group_of_ones_own_without_preemption(pair: Cluster) -> None:
    together(*laid_over("multicast"))
    eventually(lambda: pair.placement([ADDRESS])[ADDRESS] in pair.nodes, within=10, saying="one node holds the address")
    # Nobody is preferred where nobody preempts: either of them may have it.
    holder = pair[pair.placement([ADDRESS])[ADDRESS]]
    [standby] = [node for node in pair if node is not holder]
    assert "> 239.89.50.18: VRRPv3" in standby.run("timeout 10 tcpdump -nni eth0 -c 1 ip proto 112 2>/dev/null")
    with watched([ADDRESS], pair) as holders:
        with clients([ADDRESS]) as broken:
            holder.kill()
            pair.placed({ADDRESS: standby.name}, within=5)
            broken.settle(1.0)
        with clients([ADDRESS]) as recovered:
            holder.revive()
            holders.follow(holder)
            eventually(lambda: "BACKUP STATE" in states(holder), within=30, saying=f"{holder} stands by")
            recovered.settle(3.0)
    broken.assert_within(FAST.host_gone, f"multicast, {holder} killed")
    # It stays where it is, though the other node is well again.
    assert pair.placement([ADDRESS]) == {ADDRESS: standby.name}
    assert holders.moves(ADDRESS) == 1
    recovered.assert_within(FAST.service_gone, f"nopreempt, {holder} back")
    with clients([ADDRESS]) as back:
        standby.run("systemctl stop nginx")
        pair.placed({ADDRESS: holder.name}, within=5)
        back.settle(1.0)
    standby.run("systemctl start nginx")
    back.assert_within(FAST.service_gone, f"nopreempt, nginx stopped on {standby}")


def states(node: Node) -> str:
    return node.run("journalctl --boot --unit keepalived --output cat")


@pytest.fixture
def tracked(pair: Cluster) -> t.Iterator[Cluster]:
    """An interface and a file of the user's own on both nodes."""
    for node in pair:
        node.run("ip link add uplink0 type veth peer name uplink1 && ip link set uplink0 up && ip link set uplink1 up")
        node.run("echo 0 >/run/ready")
    yield pair
    # Nobody may track them any more when they go.
    together()
    for node in pair:
        node.run("ip link delete uplink0; rm -f /run/ready")


def test_many_addresses_and_all_that_follows_them(tracked: Cluster) -> None:
    pair, everywhere = tracked, dict.fromkeys(MANY, "lb1")
    together(*laid_over("addresses"))
    done = play("molecule/vrrp_modes/role.yml", *laid_over("addresses"))
    assert done.returncode == 0, done.stdout + done.stderr
    pair.placed(everywhere, within=15)
    assert "scope global secondary eth0:1" in pair["lb1"].run("ip address show eth0 to 10.89.50.102")
    assert "10.89.50.101/32" in pair["lb1"].run("ip address show eth0 to 10.89.50.101")
    assert_followed_by_routes(pair, holder="lb1", standby="lb2")
    moved = dict.fromkeys(MANY, "lb2")
    with watched([MANY[0], MANY[-1]], pair) as holders, clients(ASKED) as frozen:
        pair["lb1"].freeze()
        pair.placed(moved, within=10)
        frozen.settle(1.0)
        pair["lb1"].thaw()
        pair.placed(everywhere, within=20)
        frozen.settle(1.0)
    frozen.assert_within(STANDARD.host_gone, "31 addresses, standard timing, lb1 frozen")
    assert holders.split() <= STANDARD.host_gone
    for fails, well in (
        ("ip link set uplink1 down", "ip link set uplink1 up"),
        ("echo 1 >/run/ready", "echo 0 >/run/ready"),
    ):
        with clients(ASKED) as unfit:
            pair["lb1"].run(fails)
            pair.placed(moved, within=5)
            unfit.settle(1.0)
        assert_followed_by_routes(pair, holder="lb2", standby="lb1")
        pair["lb1"].run(well)
        # It has been well for preempt_delay before it takes them back.
        assert eventually(lambda: pair.placement(MANY) == everywhere, within=20, saying="lb1 has all back") >= 4
        unfit.assert_within(STANDARD.service_gone, f"31 addresses, {fails}")


def assert_followed_by_routes(pair: Cluster, *, holder: str, standby: str) -> None:
    for command, sign in (("ip route show 198.51.100.0/24", "via 10.89.50.1"), ("ip rule show", "from 10.89.50.100")):
        assert sign in pair[holder].run(command)
        assert sign not in pair[standby].run(command)


def test_version_2_with_a_password_out_of_a_vault(pair: Cluster, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("throw-away\n")
    vars_file = tmp_path / "vault.yml"
    vars_file.write_text("vaulted_password: bat+tery\n")
    vault = ["ansible-vault", "encrypt", "--vault-password-file", str(tmp_path / "key"), str(vars_file)]
    subprocess.run(vault, cwd=ROOT, check=True, capture_output=True)
    key = ("--vault-password-file", str(tmp_path / "key"), "--extra-vars", f"@{vars_file}")
    printed = together(*laid_over("version2"), *key)
    pair.placed({ADDRESS: "lb1"}, within=15)
    assert "bat+tery" not in printed
    assert {(in_file(node, "version"), in_file(node, "auth_pass")) for node in pair} == {("2", "bat+tery")}
    with clients([ADDRESS]) as frozen:
        pair["lb1"].freeze()
        pair.placed({ADDRESS: "lb2"}, within=10)
        frozen.settle(1.0)
        pair["lb1"].thaw()
        pair.placed({ADDRESS: "lb1"}, within=20)
        frozen.settle(1.0)
    frozen.assert_within(STANDARD.host_gone, "version 2, lb1 frozen")
    with clients([ADDRESS]) as stopped:
        pair["lb1"].run("systemctl stop nginx")
        pair.placed({ADDRESS: "lb2"}, within=5)
        stopped.settle(1.0)
        pair["lb1"].run("systemctl start nginx")
        pair.placed({ADDRESS: "lb1"}, within=20)
        stopped.settle(1.0)
    stopped.assert_within(STANDARD.service_gone, "version 2, nginx stopped")
