# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers for an address, and which adverts pass by: the sockets of the detector, of which none waits."""

from __future__ import annotations

import contextlib
import socket
import struct
import typing as t

from ..._system.addresses import packed
from ..._system.netlink import mac_text
from ..._vrrp.frames import (
    ADVERTISEMENT,
    ARP,
    BROADCAST,
    ETH_P_ALL,
    ETH_P_ARP,
    ETH_P_IP,
    ETH_P_IPV6,
    ICMP6,
    JUMP_EQUAL,
    LINK_PROTOCOL,
    LOAD_BYTE,
    LOAD_HALF,
    LOAD_WORD,
    RETURN,
    TARGET_LINK_LAYER,
    attach,
    is_of_a_host,
    link_layer_address,
    neighbour_packet,
    question,
)
from .adverts import VRRP, Advert, Seen, advert_of_packet, read_advert

MOST = 256  # packets that are read from one socket in one tick: a flood is not followed
IP_PKTINFO, ICMP6_FILTER = 8, 1
PACKET_OUTGOING = 4
OVERRIDE = 0x20000000
ALL_NODES = b"\xff\x02" + b"\0" * 13 + b"\x01"
ONLY_VRRP = (
    (LOAD_HALF, 0, 0, LINK_PROTOCOL),
    (JUMP_EQUAL, 0, 2, ETH_P_IP),
    (LOAD_BYTE, 0, 0, 9),
    (JUMP_EQUAL, 3, 4, VRRP),
    (JUMP_EQUAL, 0, 3, ETH_P_IPV6),
    (LOAD_BYTE, 0, 0, 6),
    (JUMP_EQUAL, 0, 1, VRRP),
    (RETURN, 0, 0, 0xFFFF),
    (RETURN, 0, 0, 0),
)


def only_about(vips: t.Iterable[str]) -> list[tuple[int, int, int, int]]:
    """Return the filter of ARP packets whose sender claims one of these addresses."""
    program = [(LOAD_WORD, 0, 0, 14)]
    for vip in vips:
        program += [(JUMP_EQUAL, 0, 1, struct.unpack("!I", socket.inet_aton(vip))[0]), (RETURN, 0, 0, 0xFFFF)]
    return [*program, (RETURN, 0, 0, 0)]


def only_icmp6(connection: socket.socket, kind: int) -> None:
    """Let the kernel hand over only ICMPv6 messages of this type (RFC 3542, section 3.2)."""
    blocked = [0xFFFFFFFF] * 8
    blocked[kind >> 5] &= ~(1 << (kind & 31))
    connection.setsockopt(ICMP6, ICMP6_FILTER, struct.pack("=8I", *blocked))


def drain(connection: socket.socket, size: int = 2048) -> t.Iterator[tuple[bytes, t.Any, t.Any]]:
    """Yield (data, ancillary data, sender) of what has arrived, never waiting, and not without end."""
    for _count in range(MOST):
        try:
            data, ancillary, _flags, sender = connection.recvmsg(size, 128)
        except (BlockingIOError, InterruptedError):
            return
        yield data, ancillary, sender


class Looked(t.NamedTuple):
    """What was seen between two moments: on the wire, own adverts included, and what came through the firewall."""

    since: float
    until: float
    wire: Seen
    passed: Seen


class Wire:
    """A look at all that passes by, before any firewall, for a short time; ``known`` are senders that belong here."""

    def __init__(self, now: float, seconds: float, known: t.Container[str]) -> None:
        self.looked = Looked(now, now + seconds, Seen(known), Seen(known))
        self.connection = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.connection.setblocking(False)
        attach(self.connection, ONLY_VRRP)

    def read(self) -> None:
        for data, _ancillary, sender in drain(self.connection):
            with contextlib.suppress(ValueError, struct.error, IndexError):
                advert = advert_of_packet(data, sender[0], sent_by_us=sender[2] == PACKET_OUTGOING)
                self.looked.wire.add(advert._replace(mac=mac_text(sender[4])))

    def close(self) -> None:
        self.connection.close()


class Listener:
    """Adverts that came through the firewall, of one family, from a raw socket."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.names: dict[int, str] = {}  # of interfaces, by index, until one changes
        self.connection = socket.socket(family, socket.SOCK_RAW, VRRP)
        self.connection.setblocking(False)
        if family == socket.AF_INET:
            self.connection.setsockopt(socket.SOL_IP, IP_PKTINFO, 1)
        else:
            self.connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self.connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)

    def read(self) -> t.Iterator[Advert]:
        for data, ancillary, sender in drain(self.connection):
            with contextlib.suppress(ValueError, struct.error, IndexError, KeyError, OSError):
                parts = {kind: value for _level, kind, value in ancillary}
                if self.family == socket.AF_INET:
                    index = struct.unpack_from("=i", parts[IP_PKTINFO])[0]
                    yield advert_of_packet(data, self.name(index), sent_by_us=False)
                else:
                    packed, index = struct.unpack_from("=16si", parts[socket.IPV6_PKTINFO])
                    yield read_advert(
                        data,
                        interface=self.name(index),
                        source=sender[0].partition("%")[0],
                        destination=socket.inet_ntop(socket.AF_INET6, packed),
                        ttl=struct.unpack("=i", parts[socket.IPV6_HOPLIMIT])[0],
                    )

    def name(self, index: int) -> str:
        if index not in self.names:
            self.names[index] = socket.if_indextoname(index)
        return self.names[index]


class Prober:
    """Asks on one interface who else has an address; raises OSError where there is no such interface (any more)."""

    def __init__(self, interface: str, vips: t.Sequence[str]) -> None:
        four = [vip for vip in vips if ":" not in vip]
        self.arp = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.arp.setblocking(False)
        attach(self.arp, only_about(four))
        self.arp.bind((interface, ETH_P_ARP))
        self.mac: bytes = self.arp.getsockname()[4]
        self.interface = interface
        self.six: socket.socket | None = None
        if len(four) < len(vips):
            self.six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, ICMP6)
            self.six.setblocking(False)
            self.six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            only_icmp6(self.six, ADVERTISEMENT)

    def ask(self, address: str, source: str) -> None:
        """Ask everybody on the network; ``source`` is an IPv6 address of this host's own, which the answer goes to."""
        packet, protocol, destination = question(address, self.mac, source)
        if packet:
            self.arp.sendto(packet, (self.interface, protocol, 0, 0, destination))

    def read(self) -> t.Iterator[tuple[str, str]]:
        """Yield (address, MAC) of everybody who claims one."""
        for data, _ancillary, _sender in drain(self.arp):
            yield from arp_claim(data)
        for data, ancillary, _sender in drain(self.six) if self.six else ():
            yield from neighbour_claim(data, [struct.unpack("=i", value)[0] for _level, _kind, value in ancillary])

    def announce(self, address: str) -> None:
        """Tell everybody on the network that this host has an address: gratuitous ARP, or an unsolicited advertisement.

        The form of keepalived (RFC 5227, section 3; RFC 4861, section 7.2.6): who knows the address believes it.
        """
        own = packed(address)
        if len(own) == 4:
            packet = ARP.pack(1, ETH_P_IP, 6, 4, 1, self.mac, own, BROADCAST, own)
            self.arp.sendto(packet, (self.interface, ETH_P_ARP, 0, 0, BROADCAST))
        else:
            packet = advertisement(own, self.mac)
            self.arp.sendto(packet, (self.interface, ETH_P_IPV6, 0, 0, b"\x33\x33" + ALL_NODES[12:]))

    def sockets(self) -> list[socket.socket]:
        return [self.arp, self.six] if self.six else [self.arp]

    def close(self) -> None:
        for connection in self.sockets():
            connection.close()


def advertisement(address: bytes, mac: bytes) -> bytes:
    """Return the IPv6 packet that tells all nodes who has an address from now on (RFC 4861, section 4.4)."""
    body = struct.pack("!BBHI", ADVERTISEMENT, 0, 0, OVERRIDE) + address + bytes((TARGET_LINK_LAYER, 1)) + mac
    return neighbour_packet(address, ALL_NODES, body)


def arp_claim(data: bytes) -> t.Iterator[tuple[str, str]]:
    """Yield address and MAC of who sends an ARP packet, nothing where it is no right one of IPv4 over Ethernet."""
    if len(data) >= ARP.size:
        *form, operation, mac, address, _target_mac, _target = ARP.unpack_from(data)
        if form == [1, ETH_P_IP, 6, 4] and operation in (1, 2) and is_of_a_host(mac):
            yield socket.inet_ntoa(address), mac_text(mac)


def neighbour_claim(data: bytes, hop_limits: t.Sequence[int]) -> t.Iterator[tuple[str, str]]:
    """Yield address and MAC in a neighbour advertisement, nothing where it is no valid one (RFC 4861, section 7.1.2).

    The kernel has looked at the checksum.
    """
    if len(data) >= 24 and data[:2] == bytes((ADVERTISEMENT, 0)) and data[8] != 0xFF and list(hop_limits) == [255]:
        mac = link_layer_address(data)
        if is_of_a_host(mac):
            yield socket.inet_ntop(socket.AF_INET6, data[8:24]), mac_text(mac)
