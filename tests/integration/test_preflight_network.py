# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight looks at the network: who has the addresses already, and who speaks for them and is no member."""

from __future__ import annotations

import json
import typing as t

import pytest
from real_hosts import Args, Host

from harness.foreign_adverts import SENDER, Sender

OURS, PEER, OTHER = "10.89.78.11", "10.89.78.12", "10.89.78.13"
VIP, EXCLUDED, SIX = "10.89.78.100", "10.89.78.101", "fd00:89:78::100"
OURS6, PEER6 = "fd00:89:78::11", "fd00:89:78::12"
STATE = "/run/holdfast/state/split_brain.json"
MAC = "02:89:78:00:00:17"
IN = "ip netns exec other"
NETWORK = f"""
set -e
ip netns add other
ip link add eth9 type veth peer name wire9 netns other
ip link set eth9 up
ip address add {OURS}/24 dev eth9
ip address add {OURS6}/64 dev eth9 nodad
{IN} ip link set wire9 address {MAC} up
"""
GONE = "systemctl stop test-adverts || true; ip link del eth9; ip netns del other"


def instance(name: str, own: str, peer: str, addresses: t.Sequence[str], router_id: int) -> Args:
    return {
        "name": name,
        "virtual_router_id": router_id,
        "unicast_src_ip": own,
        "unicast_peer": [peer],
        "virtual_ipaddress": [addresses[0]],
        "virtual_ipaddress_excluded": list(addresses[1:]),
    }


def detected(one: Args) -> Args:
    return {
        "name": one["name"],
        "router_id": one["virtual_router_id"],
        "advert_int": 0.1,
        "detection": 0.4,
        "address": one["unicast_src_ip"],
        "peers": one["unicast_peer"],
        "vips": [vip.split("/")[0] for vip in (*one["virtual_ipaddress"], *one["virtual_ipaddress_excluded"])],
    }


INSTANCES = [
    instance("VI_1", OURS, PEER, [f"{VIP}/24", f"{EXCLUDED}/24"], 51),
    instance("VI_6", OURS6, PEER6, [f"{SIX}/64"], 52),
]
ASKED: Args = {"instances": INSTANCES, "detected": [detected(one) for one in INSTANCES]}


@pytest.fixture
def node(host: Host) -> t.Iterator[Host]:
    """A host that is alone on a network, but for a namespace that may have any address."""
    host.run(NETWORK)
    yield host
    host.run(GONE)


def give(node: Host, *addresses: str) -> None:
    for address in addresses:
        six = ":" in address
        node.run(f"{IN} ip address add {address}/{64 if six else 24} dev wire9 {'nodad' if six else ''}")


def speak(node: Host, source: str, **more: t.Any) -> None:
    """Let the other one send adverts from one of its addresses."""
    said = Sender(**{"router_id": 51, "addresses": [VIP], "destinations": [OURS], "source": source, **more})
    node.write("/run/sender.py", SENDER)
    node.write("/run/sender.json", json.dumps(said._asdict()))
    node.run(
        "systemd-run --quiet --collect --unit=test-adverts sh -c "
        f"'{IN} python3 /run/sender.py \"$(cat /run/sender.json)\"'"
    )
    seen = f"timeout 5 {IN} python3 -c 'import socket; socket.socket(2, 3, 112)' && systemctl is-active test-adverts"
    node.eventually(lambda: node.attempt(seen).stdout.strip() == "active", "adverts are sent")


def test_an_empty_network_is_fine(node: Host) -> None:
    assert "warnings" not in node.ok("preflight", ASKED)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("address", [VIP, EXCLUDED, SIX])
def test_an_address_that_another_host_has_is_refused(node: Host, address: str, check: bool) -> None:
    give(node, address)
    words = node.refused("preflight", ASKED, check=check)
    assert words.startswith(
        f"{address} of VI_{6 if address == SIX else 1} belongs to another host: {MAC} answers for it"
    )
    assert words.endswith(" | Nothing was changed.")
    assert words.count("|") == 1


@pytest.mark.parametrize(("address", "peer"), [(VIP, PEER), (EXCLUDED, PEER), (SIX, PEER6)])
def test_a_member_that_holds_it_is_fine(node: Host, address: str, peer: str) -> None:
    give(node, address, peer)
    node.ok("preflight", ASKED)


@pytest.mark.parametrize(
    ("mac", "address"), [("00:00:5e:00:01:33", VIP), ("00:00:5e:00:02:34", SIX), ("00:00:5e:00:01:33", EXCLUDED)]
)
def test_a_holder_with_a_virtual_mac_is_fine(node: Host, mac: str, address: str) -> None:
    node.run(f"{IN} ip link set wire9 down; {IN} ip link set wire9 address {mac}; {IN} ip link set wire9 up")
    give(node, address)
    node.ok("preflight", ASKED)


@pytest.mark.parametrize("address", [OURS, OURS6])
def test_an_own_address_that_is_there_twice_is_refused(node: Host, address: str) -> None:
    give(node, address)
    assert f"{address} is the address of this node, and {MAC} on eth9 answers for it as well" in node.refused(
        "preflight", ASKED
    )


@pytest.mark.parametrize("destination", [OURS, "224.0.0.18"])
@pytest.mark.parametrize("firewall", ["true", "iptables --insert INPUT --protocol 112 --jump DROP"])
def test_adverts_of_one_that_is_no_member_are_refused(node: Host, destination: str, firewall: str) -> None:
    give(node, OTHER, VIP)
    node.run(firewall)
    try:
        speak(node, OTHER, priority=240, destinations=[destination])
        words = node.refused("preflight", ASKED)
    finally:
        node.run("iptables --flush INPUT")
    assert words.startswith(
        f"{OTHER} ({MAC}) on eth9 is no member of the cluster and sends adverts with router id 51 and priority 240 for "
        f"{VIP} of VI_1, so it is a second holder: stop keepalived there for good"
    )


def test_adverts_of_a_member_are_fine(node: Host) -> None:
    give(node, PEER)
    speak(node, PEER)
    node.ok("preflight", ASKED)


@pytest.mark.parametrize(
    ("addresses", "words"), [([VIP], "find out who forges them"), (["10.89.78.200"], "keepalived_virtual_router_id")]
)
def test_adverts_alone_are_warned_of(node: Host, addresses: list[str], words: str) -> None:
    """Anybody can forge them, and must not keep a cluster from being changed."""
    give(node, OTHER)
    speak(node, OTHER, addresses=addresses, destinations=["224.0.0.18"])
    assert any(words in one for one in node.ok("preflight", ASKED)["warnings"])


def test_a_peer_that_has_left_is_warned_of(node: Host) -> None:
    node.ok("keepalived_config", {"instances": [dict(INSTANCES[0], unicast_peer=[PEER, OTHER])]})
    give(node, OTHER)
    told = node.ok("preflight", ASKED)["warnings"]
    assert any(one.startswith(f"{OTHER} ({MAC}) was a peer of this node and is no member any more") for one in told)


def test_a_network_that_cannot_be_looked_at_is_told_of(node: Host) -> None:
    node.run("ip link set eth9 down")
    told = node.ok("preflight", {"instances": INSTANCES[:1], "detected": ASKED["detected"][:1]})["warnings"]
    assert any("this host cannot look at its network (Network is down)" in one for one in told)


@pytest.mark.parametrize("part", ["all", "noticed"])
def test_the_doctor_sees_them_without_a_detector(node: Host, part: str) -> None:
    node.ok("keepalived_config", {"instances": INSTANCES})
    give(node, EXCLUDED, SIX)
    asked = {"addresses": [VIP, EXCLUDED, SIX], "detected": ASKED["detected"], "part": part}
    facts = node.ok("vrrp_doctor", asked)["facts"]
    assert [(one["kind"], one["mac"], one["addresses"]) for one in facts["foreign_routers"]] == [
        ("holder", MAC, [EXCLUDED]),
        ("holder", MAC, [SIX]),
    ]
    assert (facts["split_brain"], facts["detector_tells"]) == ([], False)


def test_what_the_detector_has_forgotten_is_waited_for(node: Host) -> None:
    node.run("systemd-run --quiet --unit=holdfast-detector sleep 60; mkdir -p /run/holdfast/state")
    node.write(STATE, '{"findings": [{"event": "foreign_adverts"}]}')
    asked = {"addresses": [VIP], "part": "noticed"}
    try:
        facts = node.ok("vrrp_doctor", {**asked, "patience": 1})["facts"]
        assert facts["split_brain"] == [{"event": "foreign_adverts"}]
        node.write("/run/holdfast/clear.json", '{"findings": []}')
        node.run(f"systemd-run --quiet --on-active=2 mv /run/holdfast/clear.json {STATE}")
        assert node.ok("vrrp_doctor", {**asked, "patience": 30})["facts"]["split_brain"] == []
    finally:
        node.run("systemctl stop holdfast-detector; rm -r /run/holdfast")
