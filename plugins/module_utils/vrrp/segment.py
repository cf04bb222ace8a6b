# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is on a network: who answers for an address, and who sends adverts. Private to this collection.

The questions are those of the detector (holdfast_packets.py), which runs where there are no module utilities: an ARP
probe (RFC 5227) or a neighbour solicitation (RFC 4861), answered to this host alone. What arrives is read before any
firewall sees it.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import struct
import time
import typing as t
from ipaddress import ip_address

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError

__all__ = ("Claim", "Seen", "Speaker", "look", "own_macs", "question", "read")

AGAIN = 0.2
"""Seconds between two questions: neighbours answer within milliseconds, and one packet may be lost."""

_VRRP, _ICMP6 = 112, 58
_ALL, _IP, _ARP, _IP6 = 0x0003, 0x0800, 0x0806, 0x86DD
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER = 1, 2
_FOR_US = 0, 1, 2  # PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST of packet(7)
_PACKET = struct.Struct("!HHBBH6s4s6s4s")
_BYTE, _HALF, _EQUAL, _RETURN = 0x30, 0x28, 0x15, 0x06
_SO_ATTACH_FILTER = 26
# Classic BPF: ARP, protocol 112 of both families, neighbour advertisements.
_FILTER = (
    (_HALF, 0, 0, 0xFFFFF000),  # SKF_AD_OFF + SKF_AD_PROTOCOL
    (_EQUAL, 9, 0, _ARP),
    (_EQUAL, 1, 0, _IP),
    (_EQUAL, 2, 8, _IP6),
    (_BYTE, 0, 0, 9),
    (_EQUAL, 5, 6, _VRRP),
    (_BYTE, 0, 0, 6),
    (_EQUAL, 3, 0, _VRRP),
    (_EQUAL, 0, 3, _ICMP6),
    (_BYTE, 0, 0, 40),
    (_EQUAL, 0, 1, _ADVERTISEMENT),
    (_RETURN, 0, 0, 0xFFFF),
    (_RETURN, 0, 0, 0),
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


def own_macs(folder: str = "/sys/class/net") -> set[str]:
    """Return the MACs of all interfaces of this host: where two are on one network, each answers for the other."""
    found = set()
    for name in os.listdir(folder):
        with contextlib.suppress(OSError), open(f"{folder}/{name}/address", encoding="ascii") as stream:
            found.add(stream.read().strip())
    return found


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
                for one, interface in sockets.items():
                    _ask(one, interface, asked[interface], sources.get(interface, ""))
            wait = max(0.0, min(end, again) - time.monotonic())
            for one in select.select(list(sockets), [], [], wait)[0]:
                for packet, protocol, mac in _arrived(one):
                    with contextlib.suppress(ValueError, struct.error, IndexError):
                        found = read(packet, protocol, sockets[one], mac)
                        if isinstance(found, Claim):
                            claims[found] = None
                        elif found is not None:
                            speakers[found.source, found.mac, found.router_id] = found
    except OSError as error:
        raise HoldfastError(
            f"this host cannot look at its network ({error.strerror}), so nobody knows who else has an address there"
        ) from error
    finally:
        for one in sockets:
            one.close()
    return Seen(list(claims), list(speakers.values()))


def question(address: str, mac: bytes, source: str) -> tuple[bytes, int, bytes]:
    """Return packet, protocol and destination of the question who has an address; no packet without a ``source``."""
    packed = ip_address(address).packed
    if len(packed) == 4:
        return _PACKET.pack(1, _IP, 6, 4, 1, mac, b"\0" * 4, b"\0" * 6, packed), _ARP, b"\xff" * 6
    if not source:
        return b"", _IP6, b""
    group = b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + packed[13:]
    body = struct.pack("!BBHI", _SOLICITATION, 0, 0, 0) + packed + bytes((_SOURCE_LINK_LAYER, 1)) + mac
    ends = ip_address(source).packed + group
    total = _checksum(ends + struct.pack("!II", len(body), _ICMP6) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), _ICMP6, 255) + ends + body, _IP6, b"\x33\x33" + group[12:]


def read(packet: bytes, protocol: int, interface: str, mac: str) -> Claim | Speaker | None:
    """Return what a packet says, None where that is nothing of interest; what is cut or forged badly raises."""
    if protocol == _ARP:
        *head, sender, address, _target, _ip = _PACKET.unpack_from(packet)
        right = head in ([1, _IP, 6, 4, 1], [1, _IP, 6, 4, 2]) and any(sender) and not sender[0] & 1
        return Claim(interface, str(ip_address(address)), _text(sender)) if right and any(address) else None
    if protocol == _IP:
        header, length = (packet[0] & 0x0F) * 4, struct.unpack_from("!H", packet, 2)[0]
        return _advert(packet[header:length], str(ip_address(packet[12:16])), interface, mac)
    payload = packet[40 : 40 + struct.unpack_from("!H", packet, 4)[0]]
    if packet[6] == _VRRP:
        return _advert(payload, str(ip_address(packet[8:24])), interface, mac)
    return Claim(interface, str(ip_address(payload[8:24])), _text(_link_layer(payload)) or mac)


def _advert(data: bytes, source: str, interface: str, mac: str) -> Speaker:
    """Read an advertisement (RFC 3768 and RFC 5798, section 5)."""
    size = 16 if ":" in source else 4
    if data[0] & 0x0F != 1 or len(data) < 8 + data[3] * size:
        raise ValueError("no advertisement")
    addresses = tuple(str(ip_address(data[at : at + size])) for at in range(8, 8 + data[3] * size, size))
    return Speaker(interface, source, mac, data[1], data[2], addresses)


def _opened(interface: str) -> socket.socket:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    one.setblocking(False)
    code = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in _FILTER))
    one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(_FILTER), code.buffer_info()[0]))
    one.bind((interface, _ALL))
    return one


def _ask(one: socket.socket, interface: str, addresses: t.Iterable[str], source: str) -> None:
    for address in addresses:
        packet, protocol, destination = question(address, one.getsockname()[4], source)
        if packet:
            one.sendto(packet, (interface, protocol, 0, 0, destination))


def _arrived(one: socket.socket) -> t.Iterator[tuple[bytes, int, str]]:
    """Yield packet, protocol and MAC of the sender of what others sent to this host, never waiting."""
    for _count in range(256):
        try:
            packet, sender = one.recvfrom(2048)
        except (BlockingIOError, InterruptedError):
            return
        if sender[2] in _FOR_US:
            yield packet, sender[1], _text(sender[4])


def _text(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)


def _link_layer(data: bytes) -> bytes:
    """Return the MAC in a neighbour advertisement, nothing where it has none."""
    options = data[24:]
    while len(options) >= 8 and options[1]:
        if options[0] == _TARGET_LINK_LAYER:
            return options[2:8]
        options = options[options[1] * 8 :]
    return b""


def _checksum(data: bytes) -> int:
    """Return the checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
