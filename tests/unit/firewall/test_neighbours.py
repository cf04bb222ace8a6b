# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MAC of a peer that was replaced by an announcement is put back, and asked whether it is still there."""

from __future__ import annotations

import random
import socket
import struct

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.firewall.neighbours import Neighbours

PEER, PEER6, OTHER = "10.0.0.12", "fd00::12", "10.0.0.99"
MAC, FORGED = b"\x02\0\0\0\0\x0c", b"\x02\x66\0\0\0\x01"
REACHABLE, STALE, PROBE, FAILED = 0x02, 0x04, 0x10, 0x20
NEW, GONE = 28, 29


@pytest.fixture
def watched() -> Neighbours:
    """The peers' entries, without the kernel's."""
    made = Neighbours.__new__(Neighbours)
    made.peers, made.known = frozenset({PEER, PEER6}), {}
    return made


def told(address: str, mac: bytes, state: int = REACHABLE, *, kind: int = NEW, interface: int = 2) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = struct.pack("=B3xiHBB", family, interface, state, 0, 1)
    for number, value in ((1, socket.inet_pton(family, address)), (2, mac)):
        if value:
            body += struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


@pytest.mark.parametrize("address", [PEER, PEER6])
def test_a_mac_that_was_replaced_is_put_back_and_asked(watched: Neighbours, address: str) -> None:
    assert list(watched.judge(told(address, MAC))) == []
    assert list(watched.judge(told(address, MAC, STALE))) == []
    [(message, words)] = watched.judge(told(address, FORGED, STALE))
    assert words == f"02:66:00:00:00:01 was announced for {address}: 02:00:00:00:00:0c, which has it, is asked first"
    # What goes to the kernel is of the form of what comes from it, and replaces.
    length, kind, flags = struct.unpack_from("=IHH", message)
    assert (length, kind, flags) == (len(message), NEW, 0x101)
    family, interface, state = struct.unpack_from("=B3xiH", message, 16)
    assert (family, interface, state) == (told(address, MAC)[16], 2, PROBE)
    assert message[28:] == told(address, MAC)[28:]
    assert list(watched.judge(told(address, MAC, PROBE))) == []


@pytest.mark.parametrize("end", [told(PEER, b"", FAILED), told(PEER, MAC, kind=GONE)])
def test_a_peer_that_answers_no_longer_may_have_another(watched: Neighbours, end: bytes) -> None:
    assert list(watched.judge(told(PEER, MAC) + end + told(PEER, FORGED))) == []
    [(_message, words)] = watched.judge(told(PEER, MAC))
    assert "which has it" in words


def test_of_others_and_on_other_interfaces_nothing_is_done(watched: Neighbours) -> None:
    assert list(watched.judge(told(OTHER, MAC) + told(OTHER, FORGED))) == []
    assert list(watched.judge(told(PEER, MAC) + told(PEER, FORGED, interface=3))) == []


def test_whatever_arrives_is_borne(watched: Neighbours) -> None:
    chance = random.Random(3)
    for _message in range(5_000):
        data = bytearray(told(PEER, chance.choice([MAC, FORGED, b""])))
        for _change in range(chance.randrange(5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        list(watched.judge(bytes(data[: chance.randrange(len(data) + 1)])))
    assert {address for _interface, address in watched.known} <= {PEER, PEER6}
