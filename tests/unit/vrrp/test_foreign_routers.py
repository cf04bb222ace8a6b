# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is a foreign router on the network of a cluster, and who is not: from packets to sentences."""

from __future__ import annotations

import socket
import struct
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp import frames
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.foreign_routers import (
    Segment,
    foreign_routers,
    former_peers,
    sentence,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import question
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.segment import (
    Claim,
    Seen,
    Speaker,
    read,
)

VIP, EXCLUDED, SIX = "10.0.0.100", "10.0.0.101", "fd00::100"
OURS, PEER, WEB, OLD = "02:00:00:00:00:0b", "02:00:00:00:00:0c", "02:00:00:00:00:17", "02:00:00:00:00:0d"
FOUR: dict[str, t.Any] = {
    "name": "VI_1",
    "router_id": 51,
    "advert_int": 0.1,
    "address": "10.0.0.11",
    "peers": ["10.0.0.12"],
    "vips": [VIP, EXCLUDED],
}
SIXTH: dict[str, t.Any] = {
    "name": "VI_6",
    "router_id": 52,
    "advert_int": 1.0,
    "address": "fd00::11",
    "peers": ["fd00::12"],
    "vips": [SIX],
}
HOMES = {VIP: "eth0", EXCLUDED: "eth1", SIX: "eth0"}
WELL = [Claim("eth0", "10.0.0.12", PEER), Claim("eth0", "fd00::12", PEER), Claim("eth1", "10.0.0.12", PEER)]


def segment(**more: t.Any) -> Segment:
    return Segment([FOUR, SIXTH], HOMES, {OURS}, **more)


def speaker(source: str, mac: str, *addresses: str, router_id: int = 51, priority: int = 100) -> Speaker:
    return Speaker("eth0", source, mac, router_id, priority, addresses)


def said(*claims: Claim, speakers: t.Sequence[Speaker] = ()) -> list[str]:
    return [sentence(one) for one in foreign_routers(segment(), Seen([*WELL, *claims], list(speakers)))]


def test_every_address_is_asked_for_where_it_will_be() -> None:
    asked = segment().questions()
    assert asked == {
        "eth0": [VIP, "10.0.0.11", "10.0.0.12", SIX, "fd00::11", "fd00::12"],
        "eth1": [EXCLUDED, "10.0.0.11", "10.0.0.12"],
    }


def test_three_adverts_of_the_slowest_are_waited_for() -> None:
    assert segment().seconds == 3.0
    assert segment(intervals={51: 2.0}).seconds == 6.0
    assert segment(intervals={51: 200.0}).seconds == 10.0
    assert Segment([FOUR], HOMES, {OURS}).seconds == 0.5


@pytest.mark.parametrize(
    ("claims", "speakers"),
    [
        ([], []),
        ([Claim("eth0", VIP, PEER)], []),
        ([Claim("eth0", VIP, OURS)], []),
        ([Claim("eth0", VIP, "00:00:5e:00:01:33")], []),
        ([Claim("eth0", SIX, "00:00:5e:00:02:34")], []),
        ([Claim("eth0", "10.0.0.77", WEB)], []),
        ([], [speaker("10.0.0.12", PEER, VIP)]),
        # A member that gets another address still speaks from the old one.
        ([], [speaker("10.0.0.19", PEER, VIP)]),
        ([], [speaker("fe80::c", PEER, SIX, router_id=52)]),
        ([], [speaker("fe80::5e:200", "00:00:5e:00:02:34", SIX, router_id=52)]),
        ([], [speaker("10.0.0.99", WEB, "10.0.0.200", router_id=99)]),
        ([], [speaker("10.0.0.99", WEB, VIP, priority=0)]),
    ],
)
def test_members_and_others_that_are_none_of_our_business(claims: list[Claim], speakers: list[Speaker]) -> None:
    assert said(*claims, speakers=speakers) == []


@pytest.mark.parametrize(
    ("interface", "address", "name"), [("eth0", VIP, "VI_1"), ("eth1", EXCLUDED, "VI_1"), ("eth0", SIX, "VI_6")]
)
def test_an_address_that_another_host_has(interface: str, address: str, name: str) -> None:
    assert said(Claim(interface, address, WEB)) == [
        f"{address} of {name} belongs to another host: {WEB} answers for it on {interface}, and is neither this node "
        "nor a member of the cluster: take the address off that host, or choose a free one (keepalived_vips)"
    ]


def test_a_virtual_mac_of_another_router_id_is_a_stranger() -> None:
    assert len(said(Claim("eth0", VIP, "00:00:5e:00:01:63"))) == 1


@pytest.mark.parametrize("mac", [WEB, PEER])
@pytest.mark.parametrize("address", ["10.0.0.11", "fd00::11"])
def test_the_address_of_the_node_is_there_twice(address: str, mac: str) -> None:
    found = said(Claim("eth0", address, mac))
    assert len(found) == 1
    assert found[0].startswith(f"{address} is the address of this node, and {mac} on eth0 answers for it as well:")


def test_a_second_holder_is_told_once_with_all_that_is_known_of_it() -> None:
    one = speaker("10.0.0.13", OLD, VIP, priority=240)
    assert said(Claim("eth0", VIP, OLD), speakers=[one]) == [
        f"10.0.0.13 ({OLD}) on eth0 is no member of the cluster and sends adverts with router id 51 and priority 240 "
        f"for {VIP} of VI_1, so it is a second holder: stop keepalived there for good (systemctl disable --now "
        "keepalived), or bring it back into the inventory"
    ]


def test_our_address_under_another_router_id() -> None:
    found = said(Claim("eth0", EXCLUDED, OLD), speakers=[speaker("10.0.0.13", OLD, VIP, router_id=77)])
    assert "router id 77 and priority 100" in found[0]
    assert "is a second holder" in found[0]


def test_one_that_only_speaks_may_be_forged_unless_it_was_a_peer() -> None:
    one = speaker("10.0.0.13", OLD, VIP)
    for peers, kind in (([], "speaker"), (["10.0.0.13"], "holder")):
        [found] = foreign_routers(segment(peers=peers), Seen(WELL, [one]))
        assert found.kind == kind
        assert ("find out who forges them" in sentence(found)) is (kind == "speaker")


def test_another_cluster_with_our_router_id() -> None:
    found = said(speakers=[speaker("10.0.0.99", WEB, "10.0.0.200")])
    assert len(found) == 1
    assert f"10.0.0.99 ({WEB}) on eth0 is no member of the cluster" in found[0]
    assert "keepalived_virtual_router_id" in found[0]
    assert "stop keepalived" not in found[0]


def test_a_former_peer_that_is_still_there() -> None:
    its = segment(peers=["10.0.0.12", "10.0.0.13", "10.0.0.19"])
    assert its.former == ["10.0.0.13", "10.0.0.19"]
    assert "10.0.0.13" in its.questions()["eth0"]
    # .19 is an address that a member had before.
    seen = Seen([*WELL, Claim("eth0", "10.0.0.13", OLD), Claim("eth0", "10.0.0.19", PEER)], [])
    told = former_peers(its, seen)
    assert len(told) == 1
    assert told[0].startswith(f"10.0.0.13 ({OLD}) was a peer of this node and is no member any more:")


def test_an_address_is_asked_for() -> None:
    mac, source = bytes.fromhex("02000000000b"), "fe80::b"
    asked, protocol, destination = question(VIP, mac, "")
    assert asked == frames.ARP.pack(1, 0x0800, 6, 4, 1, mac, b"\0" * 4, b"\0" * 6, socket.inet_aton(VIP))
    assert (protocol, destination) == (frames.ETH_P_ARP, frames.BROADCAST)
    packed = socket.inet_pton(socket.AF_INET6, SIX)
    group = b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + packed[13:]
    asked, protocol, destination = question(SIX, mac, source)
    assert asked == frames.solicitation(socket.inet_pton(socket.AF_INET6, source), mac, group, packed)
    assert (protocol, destination) == (frames.ETH_P_IPV6, b"\x33\x33\xff" + packed[13:])
    assert question(SIX, mac, "")[0] == b""


def test_packets_are_read() -> None:
    mac = bytes.fromhex("020000000017")
    reply = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, mac, socket.inet_aton(VIP), b"\0" * 6, b"\0" * 4)
    assert read(reply, 0x0806, "eth0", OLD) == Claim("eth0", VIP, WEB)
    probe = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, b"\0" * 4, b"\0" * 6, socket.inet_aton(VIP))
    assert read(probe, 0x0806, "eth0", OLD) is None
    for at, wrong in ((0, b"\0\6"), (2, b"\0\0"), (6, b"\0\3"), (8, b"\0" * 6), (8, b"\xff" * 6)):
        assert read(reply[:at] + wrong + reply[at + len(wrong) :], 0x0806, "eth0", OLD) is None
    advert = bytes((0x31, 51, 240, 1, 0, 10, 0, 0)) + socket.inet_aton(VIP)
    ends = socket.inet_aton("10.0.0.13") + socket.inet_aton("224.0.0.18")
    packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(advert), 0, 0, 255, 112, 0) + ends + advert
    assert read(packet, 0x0800, "eth0", OLD) == Speaker("eth0", "10.0.0.13", OLD, 51, 240, (VIP,))
    target = socket.inet_pton(socket.AF_INET6, SIX)
    body = struct.pack("!BBHI", 136, 0, 0, 0) + target
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + socket.inet_pton(socket.AF_INET6, SIX) + target
    assert read(head + body, 0x86DD, "eth0", OLD) == Claim("eth0", SIX, OLD)
    option = bytes((2, 1)) + mac
    head = struct.pack("!IHBB", 6 << 28, len(body) + 8, 58, 255) + socket.inet_pton(socket.AF_INET6, SIX) + target
    assert read(head + body + option, 0x86DD, "eth0", OLD) == Claim("eth0", SIX, WEB)
    for cut in (packet[:30], packet[:20]):
        with pytest.raises((ValueError, struct.error, IndexError)):
            read(cut, 0x0800, "eth0", OLD)
