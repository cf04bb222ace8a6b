# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets by which hosts ask for an address and claim it, and the filters of packet sockets. Private.

The detector imports this file too, and it is copied to a host with it: so it imports nothing of the collection.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct
import typing as t

__all__ = (
    "ADVERTISEMENT",
    "ARP",
    "BROADCAST",
    "ETH_P_ALL",
    "ETH_P_ARP",
    "ETH_P_IP",
    "ETH_P_IPV6",
    "ICMP6",
    "JUMP_EQUAL",
    "LINK_PROTOCOL",
    "LOAD_BYTE",
    "LOAD_HALF",
    "LOAD_WORD",
    "RETURN",
    "TARGET_LINK_LAYER",
    "attach",
    "internet_checksum",
    "is_of_a_host",
    "link_layer_address",
    "neighbour_packet",
    "own_macs",
    "question",
    "solicitation",
)

ICMP6 = 58
ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
SO_ATTACH_FILTER = 26
SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE_LINK_LAYER, TARGET_LINK_LAYER = 1, 2
BROADCAST = b"\xff" * 6
ARP = struct.Struct("!HHBBH6s4s6s4s")
INTERFACES = "/sys/class/net"

# Classic BPF, and what it calls the protocol of a packet: SKF_AD_OFF + SKF_AD_PROTOCOL.
LOAD_BYTE, LOAD_HALF, LOAD_WORD, JUMP_EQUAL, RETURN = 0x30, 0x28, 0x20, 0x15, 0x06
LINK_PROTOCOL = 0xFFFFF000


def own_macs() -> set[str]:
    """Return the MACs of all interfaces of this host: where two are on one network, each answers for the other."""
    result = set()
    for name in os.listdir(INTERFACES):
        with contextlib.suppress(OSError), open(f"{INTERFACES}/{name}/address", encoding="ascii") as stream:
            result.add(stream.read().strip())
    return result


def attach(connection: socket.socket, program: t.Sequence[tuple[int, int, int, int]]) -> None:
    """Let the kernel hand over only what this classic BPF program accepts."""
    code = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in program))
    where, _length = code.buffer_info()
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), where))


def question(address: str, mac: bytes, source: str) -> tuple[bytes, int, bytes]:
    """Return packet, protocol and destination of the question who has an address, put to everybody on the network.

    ``source`` is an IPv6 address of this host's own, which the answer goes to; without one there is no packet. Whoever
    else has the address answers this host alone: an ARP probe (RFC 5227), or a neighbour solicitation (RFC 4861). A
    solicitation from the unspecified address, as for duplicate address detection, would be answered to all
    (RFC 4861, section 7.2.4), and every client would believe a holder that has just been replaced.
    """
    if ":" not in address:
        packed = socket.inet_aton(address)
        return ARP.pack(1, ETH_P_IP, 6, 4, 1, mac, b"\0" * 4, b"\0" * 6, packed), ETH_P_ARP, BROADCAST
    if not source:
        return b"", ETH_P_IPV6, b""
    packed = socket.inet_pton(socket.AF_INET6, address)
    group = b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + packed[13:]
    packet = solicitation(socket.inet_pton(socket.AF_INET6, source), mac, group, packed)
    return packet, ETH_P_IPV6, b"\x33\x33" + group[12:]


def solicitation(source: bytes, mac: bytes, group: bytes, target: bytes) -> bytes:
    """Return the IPv6 packet that asks a group who has an address (RFC 4861, section 4.3)."""
    body = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + target + bytes((SOURCE_LINK_LAYER, 1)) + mac
    return neighbour_packet(source, group, body)


def neighbour_packet(source: bytes, destination: bytes, body: bytes) -> bytes:
    """Return an ICMPv6 message, whose checksum is 0 so far, as a packet that no router forwards."""
    total = internet_checksum(source + destination + struct.pack("!II", len(body), ICMP6) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), ICMP6, 255) + source + destination + body


def internet_checksum(data: bytes) -> int:
    """Return the checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_of_a_host(mac: bytes) -> bool:
    """Whether it can be the MAC of one host: none is empty, and none stands for several."""
    return len(mac) == 6 and any(mac) and not mac[0] & 1


def link_layer_address(data: bytes) -> bytes:
    """Return the MAC in a neighbour advertisement, nothing where it has none."""
    options = data[24:]
    while len(options) >= 8 and options[1]:
        if options[0] == TARGET_LINK_LAYER:
            return options[2:8]
        options = options[options[1] * 8 :]
    return b""
