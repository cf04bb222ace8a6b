# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 is held, found and asked like IPv4; two families of one sync group move together."""

from __future__ import annotations

import json
import typing as t

import pytest

from harness.clients import FAST, clients, fails_and_returns, watched
from harness.cluster import Cluster, healthy
from harness.node import Node

GROUP = {"10.89.50.100": "lb1", "fd00:89:50::100": "lb1"}
ALONE = {"fd00:89:50::200": "lb2"}
SPREAD = {**GROUP, **ALONE}


@pytest.fixture
def pair() -> t.Iterator[Cluster]:
    with healthy(SPREAD) as cluster:
        yield cluster


def assert_known_to_a_third_host(pair: Cluster) -> None:
    """Ask every address from a backend, and see that it went to the interface of the holder."""
    third = Node("web1")
    for address, name in pair.placement(SPREAD).items():
        url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
        third.run(f"curl --silent --fail --output /dev/null --header 'Host: blog.example.com' '{url}'")
        learned = json.loads(third.run(f"ip -json neighbour show {address}"))[0]["lladdr"]
        assert learned == json.loads(pair[name].run("ip -json link show eth0"))[0]["address"], address


def test_a_third_host_learns_who_holds_each_address(pair: Cluster) -> None:
    assert_known_to_a_third_host(pair)
    pair["lb1"].run("systemctl stop nginx")
    pair.placed(dict.fromkeys(SPREAD, "lb2"), within=5)
    assert_known_to_a_third_host(pair)


@pytest.mark.parametrize(("failing", "left"), [("lb1", "lb2"), ("lb2", "lb1")])
def test_both_families_move_and_come_back(pair: Cluster, failing: str, left: str) -> None:
    fails_and_returns(pair, failing, left, SPREAD)


def test_a_holder_that_freezes_does_not_get_its_address_back(pair: Cluster) -> None:
    """Its kernel still answers for the address; what the detector asks must not send the clients there again."""
    with clients(ALONE) as seen:
        pair["lb2"].run("systemctl kill --signal=STOP nginx keepalived")
        pair.placed(dict.fromkeys(ALONE, "lb1+lb2"), within=5)
        seen.settle(3.0)
    seen.assert_within(FAST.host_gone, "lb2 frozen but for its kernel")


def test_the_group_moves_as_one_when_one_family_is_deaf(pair: Cluster) -> None:
    """The holder that cannot speak one family lets go of neither, and the standby takes neither alone."""
    with watched(GROUP, pair) as holders, clients(GROUP) as seen:
        pair["lb2"].run("ip6tables --insert INPUT --protocol 112 --jump DROP")
        try:
            seen.settle(2.0)
        finally:
            pair["lb2"].run("ip6tables --flush INPUT")
    assert {address: holders.moves(address) for address in GROUP} == dict.fromkeys(GROUP, 0)
    assert holders.split() == 0.0
    seen.assert_within(FAST.service_gone, "lb2 hears no IPv6 adverts")


def test_a_standby_that_hears_nothing_keeps_no_client(pair: Cluster) -> None:
    """It takes the address and announces it; the holder, whose question it does not hear, calls the clients back."""
    with clients(ALONE) as seen:
        pair["lb1"].run("ip6tables --insert INPUT --in-interface eth0 --jump DROP")
        try:
            pair.placed(dict.fromkeys(ALONE, "lb1+lb2"), within=5)
            seen.settle(3.0)
        finally:
            pair["lb1"].run("ip6tables --flush INPUT")
    seen.assert_within(FAST.host_gone, "lb1 hears nothing over IPv6")
