# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is on a network: who answers for an address, and who sends adverts. Private to this collection.

What arrives is read before any firewall sees it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
import typing as t
from ipaddress import ip_address

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.frames import (
    ADVERTISEMENT,
    ARP,
    ETH_P_ALL,
    ETH_P_ARP,
    ETH_P_IP,
    ETH_P_IPV6,
    ICMP6,
    JUMP_EQUAL,
    LINK_PROTOCOL,
    LOAD_BYTE,
    LOAD_HALF,
    RETURN,
    attach,
    is_of_a_host,
    link_layer_address,
    question,
)

__all__ = ("Claim", "Seen", "Speaker", "look", "read")

AGAIN = 0.2
"""Seconds between two questions: neighbours answer within milliseconds, and one packet may be lost."""

_VRRP = 112
_FOR_US = 0, 1, 2  # PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST of packet(7)
# ARP, protocol 112 of both families, neighbour advertisements.
_FILTER = (
    (LOAD_HALF, 0, 0, LINK_PROTOCOL),
    (JUMP_EQUAL, 9, 0, ETH_P_ARP),
    (JUMP_EQUAL, 1, 0, ETH_P_IP),
    (JUMP_EQUAL, 2, 8, ETH_P_IPV6),
    (LOAD_BYTE, 0, 0, 9),
    (JUMP_EQUAL, 5, 6, _VRRP),
    (LOAD_BYTE, 0, 0, 6),
    (JUMP_EQUAL, 3, 0, _VRRP),
    (JUMP_EQUAL, 0, 3, ICMP6),
    (LOAD_BYTE, 0, 0, 40),
    (JUMP_EQUAL, 0, 1, ADVERTISEMENT),
    (RETURN, 0, 0, 0xFFFF),
    (RETURN, 0, 0, 0),
)


class Claim(t.NamedTuple):
    """A host of this MAC says on this interface that it has the address."""

    interface: str
    address: str
    mac: str


class Speaker(t.NamedTuple):
    """A host sends adverts; what it announces is in its own words."""

    interface: str
    source: str
    mac: str
    router_id: int
    priority: int
    addresses: tuple[str, ...]


class Seen(t.NamedTuple):
    """What arrived, each claim once, and of each speaker and router id the last advert."""

    claims: list[Claim]
    speakers: list[Speaker]


def look(asked: t.Mapping[str, t.Collection[str]], sources: t.Mapping[str, str], seconds: float) -> Seen:
    """Ask on each interface for its addresses, and return what arrives there within ``seconds``.

    ``sources`` has by interface the IPv6 address of this host that answers are sent to; without one, no IPv6 address
    is asked for there. Raises HoldfastError where this host lets nobody look.
    """
    sockets: dict[socket.socket, str] = {}
    claims: dict[Claim, None] = {}
    speakers: dict[tuple[str, str, int], Speaker] = {}
    try:
        for interface in asked:
            sockets[_opened(interface)] = interface
        end, again = time.monotonic() + seconds, 0.0
        while sockets and time.monotonic() < end:
            if time.monotonic() >= again:
                again = time.monotonic() + AGAIN
                for name, interface in sockets.items():
                    _ask(name, interface, asked[interface], sources.get(interface, ""))
            wait = max(0.0, min(end, again) - time.monotonic())
            for item in select.select(list(sockets), [], [], wait)[0]:
                for packet, protocol, mac in _arrived(item):
                    with contextlib.suppress(ValueError, struct.error, IndexError):
                        result = read(packet, protocol, sockets[item], mac)
                        if isinstance(result, Claim):
                            claims[result] = None
                        elif result is not None:
                            speakers[result.source, result.mac, result.router_id] = result
    except OSError as error:
        raise HoldfastError(
            f"this host cannot look at its network ({error.strerror}), so nobody knows who else has an address there"
        ) from error
    finally:
        for item in sockets:
            item.close()
    return Seen(list(claims), list(speakers.values()))


def read(packet: bytes, protocol: int, interface: str, mac: str) -> Claim | Speaker | None:
    """Return what a packet says, None where that is nothing of interest; what is cut or forged badly raises."""
    if protocol == ETH_P_ARP:
        *head, sender, address, _target, _ip = ARP.unpack_from(packet)
        right = head in ([1, ETH_P_IP, 6, 4, 1], [1, ETH_P_IP, 6, 4, 2]) and is_of_a_host(sender)
        return Claim(interface, str(ip_address(address)), _text(sender)) if right and any(address) else None
    if protocol == ETH_P_IP:
        header, length = (packet[0] & 0x0F) * 4, struct.unpack_from("!H", packet, 2)[0]
        return _advert(packet[header:length], str(ip_address(packet[12:16])), interface, mac)
    payload = packet[40 : 40 + struct.unpack_from("!H", packet, 4)[0]]
    if packet[6] == _VRRP:
        return _advert(payload, str(ip_address(packet[8:24])), interface, mac)
    return Claim(interface, str(ip_address(payload[8:24])), _text(link_layer_address(payload)) or mac)


def _advert(data: bytes, source: str, interface: str, mac: str) -> Speaker:
    """Read an advertisement (RFC 3768 and RFC 5798, section 5)."""
    size = 16 if ":" in source else 4
    if data[0] & 0x0F != 1 or len(data) < 8 + data[3] * size:
        raise ValueError("no advertisement")
    addresses = tuple(str(ip_address(data[index : index + size])) for index in range(8, 8 + data[3] * size, size))
    return Speaker(interface, source, mac, data[1], data[2], addresses)


def _opened(interface: str) -> socket.socket:
    item = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    item.setblocking(False)
    attach(item, _FILTER)
    item.bind((interface, ETH_P_ALL))
    return item


def _ask(item: socket.socket, interface: str, addresses: t.Iterable[str], source: str) -> None:
    for address in addresses:
        packet, protocol, destination = question(address, item.getsockname()[4], source)
        if packet:
            item.sendto(packet, (interface, protocol, 0, 0, destination))


def _arrived(item: socket.socket) -> t.Iterator[tuple[bytes, int, str]]:
    """Yield packet, protocol and MAC of the sender of what others sent to this host, never waiting."""
    for _count in range(256):
        try:
            packet, sender = item.recvfrom(2048)
        except (BlockingIOError, InterruptedError):
            return
        if sender[2] in _FOR_US:
            yield packet, sender[1], _text(sender[4])


def _text(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)
