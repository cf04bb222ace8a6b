# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who claims an address: only a right packet says so, whatever else is sent, in every field and length."""

from __future__ import annotations

import random
import socket
import struct

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.packets import (
    advertisement,
    arp_claim,
    neighbour_claim,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import ARP

VIP, VIP6, MAC = "10.0.0.100", "fd00::100", "02:00:00:00:00:0c"
B_MAC, NOBODY = bytes.fromhex(MAC.replace(":", "")), b"\0" * 6
REQUEST, REPLY = 1, 2


def arp(*form: int, operation: int = REPLY, mac: bytes = B_MAC) -> bytes:
    said = [*form, *(1, 0x0800, 6, 4)[len(form) :]]
    return ARP.pack(*said, operation, mac, socket.inet_aton(VIP), NOBODY, bytes(4))


@pytest.mark.parametrize("operation", [REQUEST, REPLY])
def test_a_right_arp_packet_is_a_claim_with_padding_or_without(operation: int) -> None:
    for padding in (0, 18):
        assert list(arp_claim(arp(operation=operation) + bytes(padding))) == [(VIP, MAC)]


@pytest.mark.parametrize(
    "packet",
    [
        arp(6),
        arp(1, 0x86DD),
        arp(1, 0x0800, 8),
        arp(1, 0x0800, 6, 16),
        arp(operation=0),
        arp(operation=3),
        arp(operation=9),
        arp(mac=NOBODY),
        arp(mac=b"\xff" * 6),
        arp(mac=b"\x01\x00\x5e\x00\x00\x12"),
        *(arp()[:size] for size in range(ARP.size)),
    ],
)
def test_a_malformed_arp_packet_is_none(packet: bytes) -> None:
    assert list(arp_claim(packet)) == []


def neighbour(flags: int = 0x20000000, code: int = 0, option: bytes = b"\x02\x01" + B_MAC, target: str = VIP6) -> bytes:
    return struct.pack("!BBHI", 136, code, 0, flags) + socket.inet_pton(socket.AF_INET6, target) + option


def test_a_right_neighbour_advertisement_is_a_claim() -> None:
    assert list(neighbour_claim(neighbour(), [255])) == [(VIP6, MAC)]
    packed = socket.inet_pton(socket.AF_INET6, VIP6)
    assert list(neighbour_claim(advertisement(packed, B_MAC)[40:], [255])) == [(VIP6, MAC)]
    assert list(neighbour_claim(neighbour(option=bytes((14, 1)) + bytes(6) + b"\x02\x01" + B_MAC), [255])) == [
        (VIP6, MAC)
    ]


@pytest.mark.parametrize(
    ("message", "limits"),
    [
        (neighbour(), [64]),
        (neighbour(), [254]),
        (neighbour(), []),
        (neighbour(code=1), [255]),
        (neighbour(target="ff02::1"), [255]),
        (neighbour(option=b""), [255]),
        (neighbour(option=b"\x02\x00" + B_MAC), [255]),
        (neighbour(option=b"\x01\x01" + B_MAC), [255]),
        (neighbour(option=b"\x02\x01" + b"\x33" * 6), [255]),
        (neighbour(option=b"\x02\x01" + NOBODY), [255]),
        (b"\x87" + neighbour()[1:], [255]),
        *((neighbour()[:size], [255]) for size in range(len(neighbour()))),
    ],
)
def test_an_invalid_neighbour_advertisement_is_none(message: bytes, limits: list[int]) -> None:
    assert list(neighbour_claim(message, limits)) == []


def test_whatever_arrives_is_a_right_claim_or_none() -> None:
    chance = random.Random(7)
    for _packet in range(20_000):
        data = bytearray(chance.choice([arp(), neighbour(), neighbour(option=b"\x0e\x02" + bytes(14)), b""]))
        for _change in range(chance.randrange(6)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        cut = bytes(data[: chance.randrange(len(data) + 1)]) + chance.randbytes(chance.choice([0, 0, 7, 1400]))
        for _address, mac in [*arp_claim(cut), *neighbour_claim(cut, [255])]:
            assert not int(mac[:2], 16) & 1
            assert mac != "00:00:00:00:00:00"
