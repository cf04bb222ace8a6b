# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes that do not hear each other: both say so and why, and one of them lets go as soon as they hear again."""

from __future__ import annotations

import time
import typing as t

import pytest

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.node import Node
from harness.waiting import eventually

NOTICED = 10.0  # seconds until a split is told of, on a busy machine; 2 to 3 on an idle one
CONVERGED = 1.0  # seconds from the end of the fault until one node holds the address

IPTABLES_IN = "iptables --insert INPUT --protocol 112 --jump DROP"
IPTABLES_OUT = "iptables --insert OUTPUT --protocol 112 --jump DROP"
NFT_IN = (
    "nft 'add table inet holdfast_test; "
    "add chain inet holdfast_test input { type filter hook input priority 0; }; "
    "add rule inet holdfast_test input ip protocol 112 drop'"
)
MENDED = "iptables --flush; nft delete table inet holdfast_test 2>/dev/null || true; date +%s.%N"


class Cut(t.NamedTuple):
    """What is run on lb1 and on lb2, and the reason that each has to name."""

    on_lb1: str
    on_lb2: str
    reason_of_lb1: str
    reason_of_lb2: str


CUTS = {
    "both deaf": Cut(IPTABLES_IN, IPTABLES_IN, "local_firewall", "local_firewall"),
    "both deaf by nft": Cut(NFT_IN, NFT_IN, "local_firewall", "local_firewall"),
    "both dumb": Cut(IPTABLES_OUT, IPTABLES_OUT, "not_sending", "not_sending"),
    "the standby is deaf": Cut("true", IPTABLES_IN, "peer_is_deaf", "local_firewall"),
    "the holder is dumb": Cut(IPTABLES_OUT, "true", "not_sending", "no_adverts"),
}


def journal(node: Node, since: str) -> str:
    """Return what the detector of a node wrote into the journal since then."""
    return node.run(f"journalctl --quiet --unit=holdfast-detector --output=cat --since='{since}'")


@pytest.mark.parametrize("name", CUTS)
def test_both_name_the_reason_and_one_holds_the_address_once_healed(pair: Cluster, name: str) -> None:
    cut = CUTS[name]
    with watching(VIP, pair.balancers) as holders:
        began = time.monotonic()
        pair.lb2.run(cut.on_lb2)
        pair.lb1.run(cut.on_lb1)
        for node, reason in ((pair.lb1, cut.reason_of_lb1), (pair.lb2, cut.reason_of_lb2)):
            pair.raised(node, "split_brain", reason, within=NOTICED)
        noticed = time.monotonic() - began
        assert pair.holder() == "lb1+lb2"
        recovered = max(float(node.run(MENDED)) for node in pair.balancers)
        pair.settled()
        with client(VIP, SITE) as window:
            window.settle(2.0)
    two = max((end for _begin, end, names in holders.timeline() if len(names) == 2), default=0.0)
    seen = window.summary()
    print(
        f"MEASURED split, {name}: told after {noticed:.1f} s, "
        f"one holder {max(0.0, two - recovered):.3f} s after recovery, "
        f"{seen['failed_total']} failed after it"
    )
    assert two - recovered <= CONVERGED
    assert seen["failed_total"] == 0


def test_a_holder_that_hears_nobody_is_no_split(pair: Cluster) -> None:
    began = pair.lb1.run("date '+%F %T'").strip()
    with watching(VIP, pair.balancers) as holders:
        pair.lb1.run(IPTABLES_IN)
        time.sleep(5)  # that nothing happens can only be waited for
    assert holders.moves() == 0
    assert holders.longest(at_least=2) == 0
    for node in pair.balancers:
        assert "is held here and by" not in journal(node, began)


def test_an_address_that_somebody_set_by_hand_is_a_second_holder(pair: Cluster) -> None:
    pair.lb2.run(f"ip address add {VIP}/24 dev eth0")
    try:
        expected: list[tuple[Node, str]] = [(pair.lb1, "no_adverts"), (pair.lb2, "not_sending")]
        for node, reason in expected:
            pair.raised(node, "split_brain", reason, within=NOTICED)
    finally:
        pair.lb2.run(f"ip address del {VIP}/24 dev eth0")


def test_a_stranger_with_the_same_id_is_told_of_and_moves_nothing(pair: Cluster) -> None:
    """The firewall lets in what the peer sends, as it should; the detector sees what it keeps out."""
    for node, peer in ((pair.lb1, "10.89.50.12"), (pair.lb2, "10.89.50.11")):
        node.run(f"iptables --append INPUT --protocol 112 --source {peer} --jump ACCEPT")
        node.run("iptables --append INPUT --protocol 112 --jump DROP")
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        with pair.foreign_router(254, "10.89.50.11", "10.89.50.12", "224.0.0.18"):
            for node in pair.balancers:
                pair.raised(node, "foreign_adverts", "router_id_clash", within=15)
                assert "split_brain" not in pair.findings(node)
        window.settle(1.0)
    assert holders.moves() == 0
    assert window.summary()["failed_total"] == 0
    for node in pair.balancers:
        pair.cleared(node, "foreign_adverts", within=60)


def test_ordinary_failovers_and_reloads_raise_no_alarm(pair: Cluster) -> None:
    began = pair.lb1.run("date '+%F %T'").strip()
    pids = [node.run("systemctl show --property=MainPID --value holdfast-detector") for node in pair.balancers]
    for _round in range(5):
        pair.lb1.run("systemctl stop keepalived")
        eventually(lambda: pair.holder() == "lb2", within=10, saying="lb2 takes over")
        pair.lb1.run("systemctl start keepalived")
        eventually(lambda: pair.holder() == "lb1", within=30, saying="lb1 takes it back")
    for _round in range(5):
        pair.lb1.run("systemctl kill --kill-who=main --signal=KILL nginx")
        eventually(lambda: pair.holder() == "lb2", within=10, saying="lb2 takes over")
        eventually(lambda: pair.holder() == "lb1", within=30, saying="lb1 takes it back")
    for node in pair.balancers:
        node.run("systemctl reload keepalived")
    time.sleep(3)  # that nothing happens can only be waited for
    for node in pair.balancers:
        assert "is held here and by" not in journal(node, began)
    assert pids == [node.run("systemctl show --property=MainPID --value holdfast-detector") for node in pair.balancers]


@pytest.mark.parametrize("name", ["lb1", "lb2"])
def test_it_costs_next_to_nothing(pair: Cluster, name: str) -> None:
    node = {"lb1": pair.lb1, "lb2": pair.lb2}[name]
    pid = node.run("systemctl show --property=MainPID --value holdfast-detector").strip()

    def used() -> float:
        return float(node.run(f"cut -d' ' -f1 /proc/{pid}/schedstat")) / 1e9

    began, before = time.monotonic(), used()
    time.sleep(20)
    share = (used() - before) / (time.monotonic() - began)
    memory = int(node.run(f"awk '/VmRSS/ {{print $2}}' /proc/{pid}/status")) / 1024
    print(f"MEASURED detector on {name}: {share:.2%} of a core, {memory:.1f} MB")
    assert share < 0.005
    assert memory < 20
