# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A third host forges adverts: the address does not move, no request is lost, and members come and go meanwhile.

Behind one firewall by the seed, and behind each with HOLDFAST_ALL.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.client import client
from harness.holders import watching
from harness.node import Node
from harness.playing import play
from harness.waiting import eventually

HERE = Path(__file__).parents[1]
VIP, VIP6, SITE = "10.89.50.100", "fd00:89:50::100", "blog.example.com"
INVENTORIES = ("--inventory=inventory/lab", f"--inventory={HERE / 'inventory'}")
SEED = os.environ.get("HOLDFAST_SEED") or str(secrets.randbelow(10**6))
RATES = (10, 50, 200)  # forged adverts a second to each balancer
SECONDS = 4.0
TABLE = "nft --stateless list table inet holdfast_vrrp"
APT = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
IPTABLES = "; ".join(
    f"{program} -A INPUT {rule} -j ACCEPT"
    for program in ("iptables", "ip6tables")
    for rule in ("-m conntrack --ctstate RELATED,ESTABLISHED", "-i lo", "-p tcp --dport 22", "-p icmp", "-p ipv6-icmp")
)
# How each is put on a host, and taken off again.
FIREWALLS: dict[str, tuple[str, str]] = {
    "none": ("true", "true"),
    "nftables": ("nft -f /root/nftables.conf", "nft delete table inet filter"),
    "iptables": (
        f"{IPTABLES}; iptables -P INPUT DROP; ip6tables -P INPUT DROP",
        "for one in iptables ip6tables; do $one -P INPUT ACCEPT; $one -F INPUT; done",
    ),
    "ufw": (f"{APT} ufw; ufw allow 22/tcp; ufw --force enable", "ufw --force disable"),
    "firewalld": (f"{APT} firewalld; systemctl start firewalld", "systemctl stop firewalld"),
}
DRAWN = sorted(FIREWALLS) if os.environ.get("HOLDFAST_ALL") else [random.Random(SEED).choice(sorted(FIREWALLS))]


class Target(t.NamedTuple):
    """A balancer as the forger knows it, and its peer."""

    number: int
    peer: int

    def told(self) -> dict[str, str]:
        own, peer = self.number, self.peer
        return {
            **{"mac": f"02:89:50:00:00:{own:02x}", "address": f"10.89.50.{own}", "address6": f"fd00:89:50::{own}"},
            **{"peer_mac": f"02:89:50:00:00:{peer:02x}", "peer": f"10.89.50.{peer}", "peer6": f"fd00:89:50::{peer}"},
        }


def forge(kind: str, rate: int, seconds: float) -> str:
    """Return the command that forges on web1."""
    detector = json.loads(Node("lb1").run("cat /etc/holdfast/detector.json"))
    told = {
        **{"kind": kind, "seed": f"{SEED}/{rate}", "rate": rate, "seconds": seconds, "interface": "eth0"},
        **{"router_ids": [one["router_id"] for one in detector["instances"]], "vips": [VIP, VIP6]},
        "group": "224.0.0.18",
        "targets": [Target(11, 12).told(), Target(12, 11).told()],
    }
    return f"python3 -I /root/forger.py '{json.dumps(told)}'"


@pytest.fixture(scope="module")
def pair() -> tuple[Node, Node]:
    print(f"HOLDFAST_SEED={SEED}")
    lb1, lb2, third = Node("lb1"), Node("lb2"), Node("web1")
    for node, name in ((third, "forger.py"), (lb1, "nftables.conf"), (lb2, "nftables.conf")):
        node.run(f"cat >/root/{name} <<'END'\n{(HERE / 'files' / name).read_text()}\nEND")
    return lb1, lb2


@contextmanager
def nothing_moves(pair: t.Sequence[Node], saying: str, *, lost: int = 0) -> t.Iterator[None]:
    """See that lb1 holds the address alone all the time, and that no request to it is lost."""
    with watching(VIP, pair) as holders, watching(VIP6, pair) as holders6, client(VIP, SITE) as window:
        yield
        window.settle(1.0)
    seen = window.summary()
    figures = ", ".join(f"{name} {seen[name]}" for name in ("gap_ms", "failed_total", "slow"))
    print(f"MEASURED {saying}: {holders.moves()} moves, {figures}")
    for seen_by in (holders, holders6):
        assert seen_by.moves() == 0, str(seen_by)
        assert seen_by.longest(at_least=2) == seen_by.longest(at_most=0) == 0, str(seen_by)
    assert seen["failed_total"] <= lost, figures


@pytest.mark.parametrize("firewall", DRAWN, ids=lambda name: f"seed {SEED} {name}")
def test_forged_adverts_move_nothing(pair: tuple[Node, Node], firewall: str) -> None:
    begin, end = FIREWALLS[firewall]
    for node in pair:
        node.run(begin)
    try:
        if firewall != "none":
            play(str(HERE / "firewall.yml"), *INVENTORIES)
        eventually(lambda: [node.holds(VIP) for node in pair] == [True, False], within=30, saying="lb1 alone holds it")
        for rate in RATES:
            with nothing_moves(pair, f"{firewall}, {rate} forged adverts a second"):
                sent = json.loads(Node("web1").run(forge("adverts", rate, SECONDS)))
            assert sent["sent"] >= rate * SECONDS * 1.8, sent
            assert sent["refused"] == 0
    finally:
        for node in pair:
            node.run(end)
            node.run(TABLE)  # whatever firewall goes, this one stays
        if firewall != "none":
            play(str(HERE / "firewall.yml"), *INVENTORIES)


def test_forged_arp_and_neighbour_discovery_move_nothing(pair: tuple[Node, Node]) -> None:
    # A client believes whoever claims the address last, so it is not asked what it saw.
    with nothing_moves(pair, "50 forged claims a second", lost=10**6):
        sent = json.loads(Node("web1").run(forge("neighbours", 50, SECONDS)))
    assert sent["sent"] >= 50 * SECONDS * 1.8, sent
    # Hosts believed them, too: the backends would answer whoever lied last, and this host asks again in its own time.
    for name in ("lb1", "lb2", "web1", "web2", "web3"):
        Node(name).run("ip neigh flush dev eth0")
    eventually(lambda: all(map(answers, ("10.89.50.11", "10.89.50.12"))), within=120, saying="ssh reaches both")


def answers(address: str) -> bool:
    try:
        socket.create_connection((address, 22), timeout=2).close()
    except OSError:
        return False
    return True


def own_addresses(numbers: t.Iterable[int]) -> set[str]:
    return {address for one in numbers for address in (f"10.89.50.{one}", f"fd00:89:50::{one}")}


def heard_by(node: Node) -> set[str]:
    """Return the senders whose adverts reach keepalived on a node."""
    found = node.run(TABLE + " | sed -n 's/.*ip6* saddr \\([^ ]*\\).*/\\1/p'")
    return set(found.split())


def test_a_member_comes_and_goes_under_forged_adverts(pair: tuple[Node, Node]) -> None:
    lb3 = Node("lb3")
    third = Node("web1")
    third.run(f"systemd-run --quiet --collect --unit=forger {forge('adverts', 10, 900)}")
    try:
        with nothing_moves((*pair, lb3), "a member comes"):
            # Those that are there learn of it first: else it would hear nobody and take itself for the only one.
            for limit in ("lb1:lb2", "lb3"):
                joined = f"--inventory={HERE / 'joined'}"
                play("site.yml", *INVENTORIES, joined, "--tags=balancer", "--skip-tags=prove", f"--limit={limit}")
        assert not lb3.holds(VIP)
        for node, number in ((pair[0], 11), (pair[1], 12), (lb3, 13)):
            assert heard_by(node) == own_addresses({11, 12, 13} - {number})
        with nothing_moves((*pair, lb3), "a member goes"):
            lb3.run("systemctl disable --now keepalived")
            play("site.yml", *INVENTORIES, "--tags=balancer", "--skip-tags=prove")
        assert [heard_by(node) for node in pair] == [own_addresses({12}), own_addresses({11})]
    finally:
        third.run("systemctl stop forger")
