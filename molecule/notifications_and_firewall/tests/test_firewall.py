# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that turn everything away, lb1 by nftables and lb2 by ufw: the pair fails over, and never splits."""

from __future__ import annotations

import typing as t

from harness.client import client
from harness.fault_injection import BUSY_RUN
from harness.holders import watching
from harness.node import Node
from harness.waiting import eventually

VIP, SITE = "10.89.50.100", "blog.example.com"
ADDRESSES = {"lb1": "10.89.50.11", "lb2": "10.89.50.12"}
SPLIT = 0.4  # seconds: within this a dead host is missed

Pair = t.Tuple[Node, Node]
# Hears VRRP packets of one source for a second, and says so.
EAR = """
import socket, sys, time
ear = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
end, heard = time.monotonic() + 1, False
while not heard and time.monotonic() < end:
    ear.settimeout(max(end - time.monotonic(), 0.01))
    try:
        heard = ear.recvfrom(2048)[1][0] == sys.argv[1]
    except socket.timeout:
        pass
print("heard" if heard else "silence")
"""
# Advertises a version that nobody speaks, which keepalived drops, ten times a second for a while.
MOUTH = """
import socket, sys, time
mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
for _advert in range(15):
    mouth.sendto(bytes(20), (sys.argv[1], 0))
    time.sleep(0.1)
"""


def hears(node: Node, source: str) -> bool:
    node.run(f"cat >/run/ear.py <<'END'\n{EAR}\nEND")
    return node.run(f"python3 -I /run/ear.py {source}") == "heard"


def rules_of(node: Node) -> str:
    """Return the rules of a balancer without their counters."""
    return node.run(
        "nft --stateless list table inet filter"
        if node.name == "lb1"
        else "iptables -S | sort; grep -h holdfast /etc/ufw/*.rules"
    )


def test_both_turn_away_what_nobody_let_in(balancers: Pair) -> None:
    third = Node("web2")
    for node in balancers:
        node.run("systemctl is-active nftables" if node.name == "lb1" else "ufw status | grep -q 'Status: active'")
        node.run("systemd-run --quiet --collect --unit=around-closed python3 -m http.server 8099")
        refused = f"curl --silent --max-time 1 --output /dev/null http://{ADDRESSES[node.name]}:8099/ || echo refused"
        assert third.run(refused) == "refused"
        node.run("systemctl stop around-closed")


def test_only_the_peer_is_heard(balancers: Pair) -> None:
    lb1, lb2 = balancers
    # lb1 holds the address and speaks, so lb2 hears it; what web1 sends is an advert like any other.
    assert hears(lb2, ADDRESSES["lb1"])
    third = Node("web1")
    third.run(f"cat >/run/mouth.py <<'END'\n{MOUTH}\nEND")
    for node in (lb1, lb2):
        third.run(f"systemd-run --quiet --collect python3 -I /run/mouth.py {ADDRESSES[node.name]}")
        assert not hears(node, "10.89.50.21")


def test_it_fails_over_within_its_budget_and_never_splits(balancers: Pair) -> None:
    lb1, lb2 = balancers
    with watching(VIP, balancers) as holders, client(VIP, SITE) as window:
        lb1.run("systemctl kill --signal=KILL nginx")
        window.settle(1.0)
        lb1.run("systemctl stop keepalived")
        eventually(lambda: lb2.holds(VIP), within=10, saying=f"lb2 holds {VIP}")
        window.settle(1.0)
        lb1.run("systemctl start keepalived")
        eventually(lambda: lb1.holds(VIP) and not lb2.holds(VIP), within=30, saying=f"lb1 alone holds {VIP} again")
    seen = window.summary()
    assert not seen["ended_in_outage"]
    assert seen["gap_ms"] <= BUSY_RUN * 200
    assert seen["failed_total"] + seen["slow"] <= BUSY_RUN * 40
    assert holders.longest(at_least=2) <= SPLIT


def test_a_firewall_that_is_loaded_anew_moves_nothing(balancers: Pair) -> None:
    lb1, lb2 = balancers
    loaded = [(lb1, "systemctl reload nftables"), (lb1, "systemctl restart nftables"), (lb2, "ufw reload")]
    before = {"lb1": rules_of(lb1), "lb2": rules_of(lb2)}
    with watching(VIP, balancers) as holders:
        for node, command in loaded:
            node.run(command)

            def as_before(node: Node = node) -> bool:
                return rules_of(node) == before[node.name]

            eventually(as_before, within=10, saying=f"{node} has its rules after {command}")
    assert holders.moves() == 0
    assert holders.longest(at_least=2) == 0
