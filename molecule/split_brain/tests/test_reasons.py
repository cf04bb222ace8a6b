# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second detector, on lb1, for an address that web1 has as well: both send whatever adverts a test wants."""

from __future__ import annotations

import json
import typing as t
from contextlib import contextmanager

import pytest

from harness.cluster import Cluster
from harness.foreign_adverts import Sender, sending
from harness.node import Node
from harness.waiting import eventually

UNIT, FOLDER = "holdfast-test-detector", "/run/holdfast-test"
DETECTOR = "/usr/bin/python3 -I -S -B /usr/local/lib/holdfast/agent detector"
FOUR = {"vip": "10.89.50.77", "prefix": "32", "us": "10.89.50.11", "peer": "10.89.50.21", "other": "10.89.50.12"}
SIX = {"vip": "fd00:89:50::77", "prefix": "128", "us": "fd00:89:50::11", "peer": "fd00:89:50::21", "other": "fd00::12"}
ID = 77


@contextmanager
def detector(node: Node, place: t.Mapping[str, str], peer: str) -> t.Iterator[t.Callable[[], dict[str, t.Any]]]:
    """Run it beside the one of the role; what is yielded returns its findings by event."""
    instance = {"name": "VI_T", "interface": "eth0", "router_id": ID, "version": 3, "advert_int": 0.1}
    instance.update(detection=0.3, address=place["us"], peers=[peer], vips=[place["vip"]])
    instance.update(witnesses=[], gateways=False, track_file="")
    config = {"state_file": f"{FOLDER}/state.json", "events": f"{FOLDER}/events", "interval": 1.0}
    config.update(known_file=f"{FOLDER}/witnesses.json", changes=f"{FOLDER}/changes")
    text = json.dumps({**config, "instances": [instance]})
    node.run(f"mkdir -p {FOLDER}; echo '{text}' >{FOLDER}/detector.json")
    node.run(f"systemd-run --quiet --collect --unit={UNIT} {DETECTOR} {FOLDER}/detector.json")

    def findings() -> dict[str, t.Any]:
        state = json.loads(node.run(f"cat {FOLDER}/state.json || echo '{{\"findings\": []}}'"))
        return {one["event"]: one for one in state["findings"]}

    try:
        yield findings
    finally:
        node.run(f"systemctl stop {UNIT}; rm -r {FOLDER}")


@contextmanager
def two_holders(pair: Cluster, place: t.Mapping[str, str]) -> t.Iterator[None]:
    """Bind the address on lb1 and on web1."""
    address = f"{place['vip']}/{place['prefix']} dev eth0"
    for node in (pair.lb1, pair.third):
        node.run(f"ip address add {address} {'nodad' if ':' in place['vip'] else ''}")
    try:
        yield
    finally:
        for node in (pair.lb1, pair.third):
            node.run(f"ip address del {address}")


@contextmanager
def unfiltered(node: Node) -> t.Iterator[None]:
    """Let what web1 sends reach a node, as what a peer sends; the filter of the role is for lb2 alone."""
    node.run("systemctl stop holdfast-firewall; nft flush chain inet holdfast_vrrp input")
    try:
        yield
    finally:
        node.run("systemctl start holdfast-firewall")


class Case(t.NamedTuple):
    """What differs between the two that send; None where one is silent. ``stranger``: web1 is none of the peers."""

    ours: dict[str, t.Any] | None
    theirs: dict[str, t.Any] | None
    reason: str
    stranger: bool = False


CASES = {
    "nothing is sent there": Case({}, None, "no_adverts"),
    "nothing is sent here": Case(None, {}, "not_sending"),
    "all in order": Case({"priority": 200}, {}, "peer_is_deaf"),
    "a better peer is not followed": Case({}, {"priority": 200}, "not_accepted"),
    "two versions": Case({}, {"version": 2}, "version"),
    "two passwords": Case({"version": 2, "secret": "earlier"}, {"version": 2, "secret": "later"}, "password"),
    "one password": Case({"version": 2, "secret": "s", "priority": 200}, {"version": 2, "secret": "s"}, "peer_is_deaf"),
    "two lists of addresses": Case({}, {"addresses": ["10.89.50.77", "10.89.50.78"]}, "addresses"),
    "routed": Case({}, {"ttl": 64}, "ttl"),
    "two ids": Case({}, {"router_id": ID + 1}, "router_id_differs"),
    "multicast and unicast": Case({}, {"destinations": ["224.0.0.18"]}, "destination"),
    "a host that has nothing to do with it": Case({}, None, "foreign_host", True),
    "a foreign router with our id": Case({}, {}, "router_id_clash", True),
}


def sender(
    place: t.Mapping[str, str], differs: dict[str, t.Any] | None, *, source: str, destination: str
) -> Sender | None:
    if differs is None:
        return None
    return Sender(ID, [place["vip"]], [destination], source=source)._replace(**differs)


def raised(pair: Cluster, place: t.Mapping[str, str], case: Case) -> None:
    pair.lb1.run(f"ping -c 1 -W 1 {place['peer']}; ping -c 1 -W 1 {place['other']} || true")
    ours = sender(place, case.ours, source=place["us"], destination=place["peer"])
    theirs = sender(place, case.theirs, source=place["peer"], destination=place["us"])
    peer = place["other"] if case.stranger else place["peer"]
    both_send = sending(pair.lb1, ours), sending(pair.third, theirs)
    everybody = two_holders(pair, place), unfiltered(pair.lb1)
    with everybody[0], everybody[1], both_send[0], both_send[1], detector(pair.lb1, place, peer) as findings:
        eventually(
            lambda: findings().get("split_brain", {}).get("reason") == case.reason,
            within=20,
            saying=f"{case.reason} is raised, and not {findings()}",
        )
        assert ("foreign_adverts" in findings()) == (case.reason == "router_id_clash")
        told = pair.lb1.run(f"journalctl --unit={UNIT} --output=cat")
        assert "later" not in told
        assert findings()["split_brain"]["other_mac"] in pair.third.run("ip link show eth0")


@pytest.mark.parametrize("name", CASES)
def test_the_reason_is_named(pair: Cluster, name: str) -> None:
    raised(pair, FOUR, CASES[name])


@pytest.mark.parametrize("name", ["nothing is sent there", "nothing is sent here", "all in order", "two ids"])
def test_the_reason_is_named_for_ipv6(pair: Cluster, name: str) -> None:
    raised(pair, SIX, CASES[name])
