# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why two nodes hold one address: from adverts to a reason and a sentence."""

from __future__ import annotations

import socket
import struct
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.adverts import (
    Advert,
    read_advert,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import InstanceConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.reasons import explain
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import family_of

US, PEER, FOREIGN = "10.0.0.11", "10.0.0.12", "10.0.0.99"
VIP, MAC = "10.0.0.100", "02:00:00:00:00:0d"
WATCHED = InstanceConfig(
    name="VI_1",
    interface="eth0",
    router_id=51,
    version=3,
    advert_int=0.1,
    detection=0.3,
    address=US,
    peers=(PEER,),
    vips=(VIP,),
)


def advert(source: str = PEER, **more: t.Any) -> t.Any:
    seen: dict[str, t.Any] = {
        "interface": "eth0",
        "source": source,
        "destination": US if source != US else PEER,
        "ttl": 255,
        "version": 3,
        "router_id": 51,
        "priority": 240 if source != US else 250,
        "interval": 0.1,
        "addresses": (VIP,),
        "secret": 0,
        "sent_by_us": source == US,
    }
    return Advert(**{**seen, **more})


OURS = advert(US)


class Case(t.NamedTuple):
    reason: str
    says: str
    wire: list[t.Any]
    passed: list[t.Any]
    foreign_mac: bool = False


def heard(reason: str, says: str, **more: t.Any) -> Case:
    """A peer's advert that came through the firewall."""
    return Case(reason, says, [OURS, advert(**more)], [advert(**more)])


MULTICAST = {"destination": "224.0.0.18"}
CASES = {
    "dead here": Case("not_sending", "No advert leaves this node", [advert()], [advert()]),
    "nothing arrives": Case("no_adverts", f"No advert of {PEER} reaches eth0", [OURS], []),
    "a firewall here": Case("local_firewall", f"let IP protocol 112 in from {PEER}", [OURS, advert()], []),
    "deaf over there": heard("peer_is_deaf", f"{PEER} does not hear this node"),
    "deaf here": heard("not_accepted", "keepalived here does not give way", priority=255),
    "another version": heard("version", "speaks VRRP version 2 and this node version 3", version=2),
    "another password": heard("password", "uses another password", secret=7),
    "other addresses": heard("addresses", "announces 10.0.0.101 and this node 10.0.0.100", addresses=("10.0.0.101",)),
    "no addresses": heard("addresses", "announces no address and this node", addresses=()),
    "routed": heard("ttl", "TTL 254 instead of 255", ttl=254),
    "version 3 adapts to another interval": heard("peer_is_deaf", "does not hear", interval=1.0),
    "version 2 does not": Case(
        "advert_int",
        "an interval of 2 s and this node one of 1 s",
        [advert(US, version=2, interval=1.0), advert(version=2, interval=2.0)],
        [advert(version=2, interval=2.0)],
    ),
    "multicast there, unicast here": heard("destination", "sends to 224.0.0.18 and this node to", **MULTICAST),
    "two groups": Case(
        "destination",
        "the same multicast group",
        [advert(US, destination="224.0.0.18"), advert(destination="224.0.0.200")],
        [],
    ),
    "another interface": Case(
        "wrong_interface", "arrive on eth1, and this node speaks on eth0", [OURS, advert(interface="eth1")], []
    ),
    "somebody else with our id": Case(
        "router_id_clash",
        f"{FOREIGN} ({MAC}), which is no peer, sends adverts with router id 51 and priority 240 on eth0 for the same "
        "address: stop keepalived there for good",
        [OURS, advert(FOREIGN, mac=MAC)],
        [],
    ),
    "another cluster with our id": Case(
        "router_id_clash",
        "for 10.0.0.200: give one of the two another id",
        [OURS, advert(FOREIGN, addresses=("10.0.0.200",))],
        [],
    ),
    "somebody else with our id on another network": Case(
        "no_adverts", "No advert of", [OURS, advert(FOREIGN, interface="eth1")], []
    ),
    "a foreign router beside a peer that is kept out": Case(
        "local_firewall", PEER, [OURS, advert(FOREIGN), advert()], [advert(FOREIGN)]
    ),
    "another id there": Case(
        "router_id_differs", "with router id 52, and this node with 51", [OURS, advert(router_id=52)], []
    ),
    "another id for other addresses": Case(
        "no_adverts", "No advert of", [OURS, advert(router_id=52, addresses=("10.0.0.101",))], []
    ),
    "a host that has nothing to do with it": Case("foreign_host", "none of the peers", [OURS], [], True),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason_is_named(name: str) -> None:
    case = CASES[name]
    reason = explain(WATCHED, case.wire, case.passed, foreign_mac=case.foreign_mac)
    assert reason.name == case.reason
    assert case.says in reason.message
    assert reason.message.endswith(".")


def version_2(secret: bytes, router_id: int = 51) -> bytes:
    return struct.pack("!BBBBBBH4s8s", 0x21, router_id, 100, 1, 1, 1, 0, bytes([10, 0, 0, 100]), secret)


def read(data: bytes, source: str = PEER) -> t.Any:
    return read_advert(data, interface="eth0", source=source, destination=US, ttl=255)


def test_version_2_is_read_and_its_password_is_not_kept() -> None:
    seen = read(version_2(b"geheim\0\0"))
    assert (seen.version, seen.router_id, seen.priority, seen.interval, seen.addresses) == (2, 51, 100, 1.0, (VIP,))
    assert "geheim" not in repr(seen)
    assert seen.secret == read(version_2(b"geheim\0\0")).secret != read(version_2(b"anderes\0")).secret


@pytest.mark.parametrize(("source", "address"), [(PEER, VIP), ("fd00::12", "fd00::100")])
def test_version_3_is_read(source: str, address: str) -> None:
    packed = socket.inet_pton(family_of(address), address)
    seen = read(struct.pack("!BBBBHH", 0x31, 7, 250, 1, 0x000A, 0) + packed, source)
    assert (seen.version, seen.router_id, seen.interval, seen.addresses) == (3, 7, 0.1, (address,))


@pytest.mark.parametrize("data", [b"", b"\x31", b"\x41" * 20, b"\x22" * 20, version_2(b"")[:11]])
def test_what_is_no_advert_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="advertisement|shorter"):
        read(data)
