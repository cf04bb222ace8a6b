#!/usr/bin/python3
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices when two nodes hold an address at once, and says why they do not hear each other.

While this node holds an address it asks now and then who else answers for it: an ARP probe (RFC 5227) or a neighbour
solicitation from the unspecified address, neither of which changes a cache. Adverts of others that get through the
firewall are read all the time, from a raw socket that costs nothing for other traffic. Only when something is amiss,
and for a moment every few seconds, is the wire itself looked at: there one sees what this node sends, and what arrives
before a firewall drops it. What both sides really send is compared, so no password has to be known here, and none is
kept or shown.

A split lasts longer than a takeover can. It becomes a line in the journal, a state file, and an event.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
import typing as t

# The interpreter is started without any folder to import from.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from holdfast_service import ERROR, NOTICE, WARNING, faults_in_words, log, notify, serve, tell

CONFIG = "/etc/holdfast/detector.json"
TICK = 0.25
PING = 1.0
LOOK_LEAST = 1.0
ROUTINE = 10.0
AGAIN = 2.0  # seconds between two looks while something is raised: its reason may change
SETTLE = 0.5
HOLD_LEAST = 1.0
FORGET_STRANGER = 2.5 * ROUTINE
AT_ONCE = 8  # addresses of an instance that are asked for in one round
MOST = 256  # packets that are read from one socket in one tick: a flood is not followed

VRRP, ICMP6 = 112, 58
ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
SO_ATTACH_FILTER = 26
IP_PKTINFO, ICMP6_FILTER = 8, 1
PACKET_OUTGOING = 4
INTERFACES = "/sys/class/net"
SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE_LINK_LAYER, TARGET_LINK_LAYER = 1, 2
BROADCAST = b"\xff" * 6

# rtnetlink(7)
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_GETADDR, RTM_GETNEIGH = 22, 30
NLM_F_REQUEST_DUMP = 0x301
RTMGRP_ADDRESSES = 0x10 | 0x100
IFA_ADDRESS, IFA_LOCAL, NDA_DST, NDA_LLADDR = 1, 2, 1, 2
HEADER = struct.Struct("=IHHII")
IFADDRMSG = struct.Struct("=BBBBI")
NDMSG = struct.Struct("=BBHiHBB")
RTATTR = struct.Struct("=HH")
ARP = struct.Struct("!HHBBH6s4s6s4s")


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def canonical(address: str) -> str:
    """Return an address in its one spelling; OSError where it is none."""
    return socket.inet_ntop(family_of(address), socket.inet_pton(family_of(address), address))


# What is decided: no input, no output, no clock


class Watched(t.NamedTuple):
    """One VRRP instance of this node. ``detection`` is how long its standby waits in silence, in seconds."""

    name: str
    interface: str
    router_id: int
    version: int
    advert_int: float
    detection: float
    address: str
    peers: tuple[str, ...]
    vips: tuple[str, ...]

    @property
    def hold(self) -> float:
        """Seconds for which two holders are a takeover, and no split."""
        return max(HOLD_LEAST, self.detection + SETTLE)

    @property
    def look(self) -> float:
        """Seconds in which at least two adverts must have passed by."""
        return max(LOOK_LEAST, 2.5 * self.advert_int)

    @property
    def family(self) -> int:
        return family_of(self.address)

    def knows(self, source: str) -> bool:
        """Whether this is a peer; multicast of IPv6 comes from link-local addresses, of which that cannot be told."""
        return source in self.peers or source.startswith("fe80:")


class Advert(t.NamedTuple):
    """A VRRP advertisement as it was seen. ``secret`` tells whether two authentications are the same, and no more."""

    interface: str
    source: str
    destination: str
    ttl: int
    version: int
    router_id: int
    priority: int
    interval: float
    addresses: tuple[str, ...]
    secret: int
    sent_by_us: bool = False


class Reason(t.NamedTuple):
    """Why two nodes hold one address: its name, and what to know and to do in words."""

    name: str
    message: str


def read_advert(data: bytes, *, interface: str, source: str, destination: str, ttl: int, **more: t.Any) -> Advert:
    """Read the payload of protocol 112 (RFC 3768 and RFC 5798, section 5); ValueError where it is no advertisement."""
    if len(data) < 8 or data[0] & 0x0F != 1 or data[0] >> 4 not in (2, 3):
        raise ValueError("no advertisement of VRRP version 2 or 3")
    version, size = data[0] >> 4, 16 if ":" in source else 4
    family = family_of(source)
    listed = data[8 : 8 + data[3] * size]
    if len(listed) != data[3] * size:
        raise ValueError("shorter than the addresses that it announces")
    return Advert(
        interface=interface,
        source=source,
        destination=destination,
        ttl=ttl,
        version=version,
        router_id=data[1],
        priority=data[2],
        interval=float(data[5]) if version == 2 else (struct.unpack_from("!H", data, 4)[0] & 0x0FFF) / 100,
        addresses=tuple(socket.inet_ntop(family, listed[at : at + size]) for at in range(0, len(listed), size)),
        # Salted anew in every process, and cannot be turned back.
        secret=hash((data[4], data[8 + len(listed) :][:8])) if version == 2 else 0,
        **more,
    )


def is_multicast(address: str) -> bool:
    first = socket.inet_pton(family_of(address), address)[0]
    return first == 0xFF if ":" in address else 224 <= first <= 239


def explain(
    watched: Watched, wire: t.Sequence[Advert], passed: t.Sequence[Advert], *, foreign_mac: bool = False
) -> Reason:
    """Say why a second node holds the address of this one.

    ``wire`` is what was seen before the firewall, own adverts included; ``passed`` what came through it;
    ``foreign_mac`` whether who answers for the address is known to be none of the peers.
    """
    own = next((one for one in reversed(wire) if one.sent_by_us and one.router_id == watched.router_id), None)
    others = [one for one in wire if not one.sent_by_us and family_of(one.source) == watched.family]
    if own is None:
        return Reason(
            "not_sending",
            "No advert leaves this node: keepalived does not run, hangs, or does not hold the address, which somebody "
            "else has left behind, or a firewall rule drops IP protocol 112 on its way out. Look at systemctl status "
            "keepalived and at the rules of the firewall.",
        )
    same = [one for one in others if one.router_id == watched.router_id]
    of_peers = [one for one in same if watched.knows(one.source)]
    here = [one for one in of_peers if one.interface == own.interface]
    if here:
        heard = {one.source for one in passed if one.router_id == watched.router_id}
        return _why_not_accepted(own, here[-1], through=here[-1].source in heard)
    if of_peers:
        one = of_peers[-1]
        return Reason(
            "wrong_interface",
            f"Adverts of {one.source} arrive on {one.interface}, and this node speaks on {own.interface}: "
            "let both use the same network (keepalived_interface).",
        )
    strangers = [one for one in same if one.interface == own.interface]  # no peers: those were told above
    if strangers:
        one = strangers[-1]
        return Reason(
            "router_id_clash",
            f"{one.source} is no peer and uses router id {one.router_id} on {one.interface} as well: "
            "give one of the two another id (keepalived_virtual_router_id).",
        )
    for one in others:
        if one.source in watched.peers and set(one.addresses) & set(own.addresses):
            return Reason(
                "router_id_differs",
                f"{one.source} announces the same address with router id {one.router_id}, and this node with "
                f"{own.router_id}: bring the same configuration to both.",
            )
    if foreign_mac:
        return Reason(
            "foreign_host", "Who answers is none of the peers: find the host with this MAC and take the address off it."
        )
    return Reason(
        "no_adverts",
        f"No advert of {' or '.join(watched.peers) or 'a peer'} reaches {own.interface}: something on the way, or the "
        "firewall there, drops IP protocol 112, or keepalived there is dead and has left the address behind.",
    )


def _why_not_accepted(own: Advert, other: Advert, *, through: bool) -> Reason:
    """Say why adverts of a peer that reach the interface do not end this: ``through`` the firewall they came or not."""
    where = other.source
    aims = is_multicast(own.destination), is_multicast(other.destination)
    if aims[0] != aims[1] or (all(aims) and own.destination != other.destination):
        return Reason(
            "destination",
            f"{where} sends to {other.destination} and this node to {own.destination}: "
            "both need unicast, or the same multicast group.",
        )
    if not through:
        return Reason(
            "local_firewall",
            f"Adverts of {where} reach {own.interface}, and a firewall rule of this node drops them: "
            f"let IP protocol 112 in from {where}.",
        )
    if own.version != other.version:
        return Reason(
            "version",
            f"{where} speaks VRRP version {other.version} and this node version {own.version}: "
            "bring the same configuration to both (keepalived_timing).",
        )
    if own.secret != other.secret:
        return Reason(
            "password",
            f"{where} uses another password, or another kind of authentication, than this node: "
            "bring the same keepalived_auth_pass to both.",
        )
    if sorted(own.addresses) != sorted(other.addresses):
        return Reason(
            "addresses",
            f"{where} announces {_listed(other.addresses)} and this node {_listed(own.addresses)}: "
            "bring the same keepalived_vips to both.",
        )
    if own.version == 2 and own.interval != other.interval:
        return Reason(
            "advert_int",
            f"{where} announces an interval of {other.interval:g} s and this node one of {own.interval:g} s: "
            "bring the same keepalived_timing to both.",
        )
    if other.ttl != 255:
        return Reason(
            "ttl",
            f"Adverts of {where} arrive with TTL {other.ttl} instead of 255, so they were routed or forged: "
            "both nodes must be on one network.",
        )
    if (own.priority, socket.inet_pton(family_of(own.source), own.source)) > (
        other.priority,
        socket.inet_pton(family_of(where), where),
    ):
        return Reason(
            "peer_is_deaf",
            f"Adverts of {where} arrive and are in order, and those of this node should end them: {where} does not "
            "hear this node. Look at its firewall and its keepalived.",
        )
    return Reason(
        "not_accepted",
        f"Adverts of {where} arrive, are in order and of higher priority, and keepalived here does not give way: "
        "journalctl -u keepalived says why; restart it.",
    )


def _listed(addresses: t.Sequence[str]) -> str:
    return ", ".join(sorted(addresses)) or "no address"


class Claim:
    """Somebody else acts as the holder; seen first and last at these moments, and due again within ``period``."""

    def __init__(self, address: str, mac: str, source: str) -> None:
        self.address, self.mac, self.source = address, mac, source
        self.first: float | None = None
        self.last = self.period = 0.0

    def seen(self, now: float, period: float) -> None:
        if self.first is None or now - self.last > 2.5 * self.period:
            self.first = now
        self.last, self.period = now, period

    def lives(self, now: float) -> bool:
        return self.first is not None and now - self.last <= 2.5 * self.period

    def lasted(self) -> float:
        return 0.0 if self.first is None else self.last - self.first


class Judge:
    """Collects what is seen of one instance and decides whether that is a split."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.held: tuple[str, ...] = ()
        self.claims: dict[str, Claim] = {}
        self.strangers: dict[str, tuple[float, Advert]] = {}

    @property
    def holds(self) -> bool:
        return bool(self.held)

    def holding(self, held: t.Container[str]) -> None:
        """Which addresses of the host are there now; what was claimed of one that is not is of no interest."""
        self.held = tuple(vip for vip in self.watched.vips if vip in held)
        if not self.held:
            self.claims.clear()

    def answered(self, now: float, address: str, mac: str, period: float) -> None:
        """A MAC that is not ours answers for an address."""
        if address in self.held:
            self.claims.setdefault(mac, Claim(address, mac, "")).seen(now, period)

    def advertised(self, now: float, advert: Advert) -> None:
        """An advert came in: of a peer that is master, or of somebody who must not use our id."""
        if advert.router_id != self.watched.router_id or family_of(advert.source) != self.watched.family:
            return
        if not self.watched.knows(advert.source):
            # On another network the number is another virtual router's.
            if advert.interface == self.watched.interface and advert.source != self.watched.address:
                self.strangers[advert.source] = (now, advert)
        elif self.held and advert.priority > 0:
            claim = self.claims.setdefault(advert.source, Claim(self.held[0], "", advert.source))
            claim.seen(now, max(advert.interval, TICK * 2))

    def suspected_since(self, now: float) -> float | None:
        """Return when the youngest of the claims that still stand was made first, None where there is none."""
        return max((claim.first for claim in self.claims.values() if claim.first and claim.lives(now)), default=None)

    def split(self, now: float) -> Claim | None:
        """Return the claim that has lasted longer than any takeover, one with a MAC if there is one."""
        self.claims = {other: claim for other, claim in self.claims.items() if claim.lives(now)}
        lasting = [claim for claim in self.claims.values() if claim.lasted() >= self.watched.hold]
        return min(lasting, key=lambda claim: (not claim.mac, claim.first or 0.0), default=None)

    def foreign(self, now: float) -> Advert | None:
        """Return the last advert of a stranger with our id, None where there was none for a while."""
        for source, (seen, _advert) in list(self.strangers.items()):
            if now - seen > FORGET_STRANGER:
                del self.strangers[source]
        return max(self.strangers.values(), key=lambda one: one[0])[1] if self.strangers else None


# What is seen: sockets


class Bound(t.NamedTuple):
    """An address that stands on an interface of this host."""

    interface: int
    address: str


def addresses() -> list[Bound]:
    """Return every address of this host."""
    found = []
    for payload in _dump(RTM_GETADDR, IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        family, _prefix, _flags, _scope, index = IFADDRMSG.unpack_from(payload)
        parts = dict(_attributes(payload[IFADDRMSG.size :]))
        address = parts.get(IFA_LOCAL, parts.get(IFA_ADDRESS))
        if address is not None and family in (socket.AF_INET, socket.AF_INET6):
            found.append(Bound(index, socket.inet_ntop(family, address)))
    return found


def neighbours() -> dict[str, str]:
    """Return the MAC of every address that this host has talked to."""
    found = {}
    for payload in _dump(RTM_GETNEIGH, NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0)):
        family = NDMSG.unpack_from(payload)[0]
        parts = dict(_attributes(payload[NDMSG.size :]))
        if family in (socket.AF_INET, socket.AF_INET6) and NDA_DST in parts and len(parts.get(NDA_LLADDR, b"")) == 6:
            found[socket.inet_ntop(family, parts[NDA_DST])] = mac_text(parts[NDA_LLADDR])
    return found


def _dump(kind: int, body: bytes) -> t.Iterator[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(2)
        netlink.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST_DUMP, 1, 0) + body)
        while True:
            data = netlink.recv(65536)
            while data:
                length, answer, _flags, _sequence, _port = HEADER.unpack_from(data)
                if answer in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield data[HEADER.size : length]
                data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    while len(data) >= RTATTR.size:
        length, kind = RTATTR.unpack_from(data)
        yield kind, data[RTATTR.size : length]
        data = data[max((length + 3) & ~3, RTATTR.size) :]


def own_macs() -> set[str]:
    """Return the MACs of all interfaces of this host: where two are on one network, each answers for the other."""
    found = set()
    for name in os.listdir(INTERFACES):
        with contextlib.suppress(OSError), open(f"{INTERFACES}/{name}/address", encoding="ascii") as stream:
            found.add(stream.read().strip())
    return found


def mac_text(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)


def attach(connection: socket.socket, program: t.Sequence[tuple[int, int, int, int]]) -> None:
    """Let the kernel hand over only what this classic BPF program accepts."""
    code = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in program))
    where, _length = code.buffer_info()
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), where))


LOAD_BYTE, LOAD_HALF, LOAD_WORD, JUMP_EQUAL, RETURN = 0x30, 0x28, 0x20, 0x15, 0x06
LINK_PROTOCOL = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
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
    wire: list[Advert]
    passed: list[Advert]


class Wire:
    """A look at all that passes by, before any firewall, for a short time."""

    def __init__(self, now: float, seconds: float) -> None:
        self.looked = Looked(now, now + seconds, [], [])
        self.connection = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.connection.setblocking(False)
        attach(self.connection, ONLY_VRRP)

    def read(self) -> None:
        for data, _ancillary, sender in drain(self.connection):
            with contextlib.suppress(ValueError, struct.error, IndexError):
                self.looked.wire.append(_advert_of_packet(data, sender[0], sent_by_us=sender[2] == PACKET_OUTGOING))

    def close(self) -> None:
        self.connection.close()


def _advert_of_packet(data: bytes, interface: str, *, sent_by_us: bool) -> Advert:
    """Read a whole IP packet; what is no advert raises."""
    if data[9 if data[0] >> 4 == 4 else 6] != VRRP:
        raise ValueError("another protocol")  # from before the filter was in place
    if data[0] >> 4 == 4:
        header = (data[0] & 0x0F) * 4
        source, destination = (socket.inet_ntoa(data[at : at + 4]) for at in (12, 16))
        payload = data[header : struct.unpack_from("!H", data, 2)[0]]
        ttl = data[8]
    else:
        source, destination = (socket.inet_ntop(socket.AF_INET6, data[at : at + 16]) for at in (8, 24))
        payload = data[40 : 40 + struct.unpack_from("!H", data, 4)[0]]
        ttl = data[7]
    return read_advert(
        payload, interface=interface, source=source, destination=destination, ttl=ttl, sent_by_us=sent_by_us
    )


class Listener:
    """Adverts that came through the firewall, of one family, from a raw socket."""

    def __init__(self, family: int) -> None:
        self.family = family
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
                    yield _advert_of_packet(data, socket.if_indextoname(index), sent_by_us=False)
                else:
                    packed, index = struct.unpack_from("=16si", parts[socket.IPV6_PKTINFO])
                    yield read_advert(
                        data,
                        interface=socket.if_indextoname(index),
                        source=sender[0].partition("%")[0],
                        destination=socket.inet_ntop(socket.AF_INET6, packed),
                        ttl=struct.unpack("=i", parts[socket.IPV6_HOPLIMIT])[0],
                    )


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
            blocked = [0xFFFFFFFF] * 8
            blocked[ADVERTISEMENT >> 5] &= ~(1 << (ADVERTISEMENT & 31))
            self.six.setsockopt(ICMP6, ICMP6_FILTER, struct.pack("=8I", *blocked))

    def ask(self, address: str, source: str) -> None:
        """Ask everybody on the network; ``source`` is an IPv6 address of this host's own, which the answer goes to.

        Whoever else has the address answers this host alone. A question from the unspecified address, as for
        duplicate address detection, would be answered to all (RFC 4861, section 7.2.4), and every client would believe
        a holder that has just been replaced.
        """
        packed = socket.inet_pton(family_of(address), address)
        if len(packed) == 4:
            question = ARP.pack(1, ETH_P_IP, 6, 4, 1, self.mac, b"\0" * 4, b"\0" * 6, packed)
            self.arp.sendto(question, (self.interface, ETH_P_ARP, 0, 0, BROADCAST))
        elif source:
            group = b"\xff\x02" + b"\0" * 9 + b"\x01\xff" + packed[13:]
            question = solicitation(socket.inet_pton(socket.AF_INET6, source), self.mac, group, packed)
            self.arp.sendto(question, (self.interface, ETH_P_IPV6, 0, 0, b"\x33\x33" + group[12:]))

    def read(self) -> t.Iterator[tuple[str, str]]:
        """Yield (address, MAC) of everybody who claims one."""
        for data, _ancillary, _sender in drain(self.arp):
            if len(data) >= ARP.size:
                _hardware, _protocol, _length, _size, _operation, mac, sender_ip, _target, _ip = ARP.unpack_from(data)
                yield socket.inet_ntoa(sender_ip), mac_text(mac)
        for data, _ancillary, _sender in drain(self.six) if self.six else ():
            mac = link_layer_address(data)
            if len(data) >= 24 and mac:
                yield socket.inet_ntop(socket.AF_INET6, data[8:24]), mac_text(mac)

    def close(self) -> None:
        self.arp.close()
        if self.six:
            self.six.close()


def solicitation(source: bytes, mac: bytes, group: bytes, target: bytes) -> bytes:
    """Return the IPv6 packet that asks a group who has an address (RFC 4861, section 4.3)."""
    body = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + target + bytes((SOURCE_LINK_LAYER, 1)) + mac
    pseudo = source + group + struct.pack("!II", len(body), ICMP6) + body
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), ICMP6, 255) + source + group + body


def link_layer_address(data: bytes) -> bytes:
    """Return the MAC in a neighbour advertisement, nothing where it has none."""
    options = data[24:]
    while len(options) >= 8 and options[1]:
        if options[0] == TARGET_LINK_LAYER:
            return options[2:8]
        options = options[options[1] * 8 :]
    return b""


# What is said


class Reporter:
    """Makes a state file, lines in the journal and events of what changes; what stays the same is said once."""

    def __init__(self, state_file: str, events: str) -> None:
        self.state_file, self.events = state_file, events
        self.raised: dict[tuple[str, str], dict[str, t.Any]] = {}

    def begin(self) -> None:
        """Take back what an earlier run left raised: this one looks for itself."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError), open(
            self.state_file, encoding="utf-8"
        ) as stream:
            for one in json.load(stream)["findings"]:
                tell(
                    self.events,
                    event=one["event"],
                    state="cleared",
                    instance=one["instance"],
                    message="The detector was started anew and looks again.",
                )
        self.write()

    def say(self, event: str, instance: str, facts: dict[str, t.Any] | None) -> None:
        """Note what holds now for an instance, None where all is well. ``facts`` has a ``message``."""
        key = (event, instance)
        before = self.raised.get(key)
        if facts is None:
            if before is not None:
                del self.raised[key]
                lasted = time.time() - before["since"]
                message = f"{instance}: over after {lasted:.1f} s: {before['message']}"
                log(NOTICE, message)
                self.write()
                tell(self.events, event=event, state="cleared", instance=instance, message=message)
            return
        if before is not None and all(before.get(name) == value for name, value in facts.items()):
            return
        since = before["since"] if before else time.time()
        self.raised[key] = {"event": event, "instance": instance, "since": round(since, 3), **facts}
        log(ERROR, f"{instance}: {facts['message']}")
        self.write()
        if before is None:
            tell(self.events, event=event, state="raised", instance=instance, message=facts["message"])

    def write(self) -> None:
        """Replace the state file as a whole, so that nobody reads half of one."""
        state = {"state": "raised" if self.raised else "clear", "findings": list(self.raised.values())}
        beside = f"{self.state_file}.new"
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(state, indent=2) + "\n")
            os.rename(beside, self.state_file)
        except OSError as error:
            log(WARNING, f"{self.state_file} cannot be written: {error.strerror}.")


class Config:
    """What to watch, from the configuration file; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.state_file = str(data["state_file"])
            self.events = str(data["events"])
            self.interval = float(data["interval"])
            self.instances = [self._watched(one) for one in data["instances"]]
        if self.interval < TICK:
            raise ValueError(f"interval must be at least {TICK}")

    @staticmethod
    def _watched(one: t.Mapping[str, t.Any]) -> Watched:
        return Watched(
            name=str(one["name"]),
            interface=str(one["interface"]),
            router_id=int(one["router_id"]),
            version=int(one["version"]),
            advert_int=float(one["advert_int"]),
            detection=float(one["detection"]),
            address=canonical(one["address"]),
            peers=tuple(canonical(peer) for peer in one["peers"]),
            vips=tuple(canonical(vip) for vip in one["vips"]),
        )


class Detector:
    """The loop: everything is read a few times a second, so its cost does not grow with the traffic."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.judges = [Judge(watched) for watched in config.instances]
        self.reporter = Reporter(config.state_file, config.events)
        self.listeners = [Listener(family) for family in sorted({judge.watched.family for judge in self.judges})]
        self.probers: dict[str, Prober] = {}
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.changes.setblocking(False)
        self.changes.bind((0, RTMGRP_ADDRESSES))
        self.here: list[Bound] = []
        self.macs: set[str] = set()
        self.look: Wire | None = None
        self.looked = Looked(0.0, 0.0, [], [])
        self.round = 0
        self.running = True

    def run(self) -> None:
        """Watch until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        self.reporter.begin()
        self.refresh()
        notify("READY=1")
        ask = ping = time.monotonic()
        routine = ask + ROUTINE
        while self.running:
            now = time.monotonic()
            if self.addresses_changed():
                self.refresh()
            self.listen(now)
            if now >= ask:
                ask = now + self.config.interval
                self.ask()
            self.hear(now)
            if self.look is not None and now >= self.look.looked.until:
                self.end_look()
                routine = now + (AGAIN if self.reporter.raised else ROUTINE)
            if self.look is None and (now >= routine or self.unexplained(now)):
                self.begin_look(now)
            self.report(now)
            if now >= ping:
                ping = now + PING
                held = sum(judge.holds for judge in self.judges)
                notify(f"WATCHDOG=1\nSTATUS={held} of {len(self.judges)} instances are held here, {self.verdict()}")
            time.sleep(max(0.0, TICK - (time.monotonic() - now)))

    def stop(self, _number: int, _frame: object) -> None:
        self.running = False

    def verdict(self) -> str:
        return "no split is seen" if not self.reporter.raised else f"{len(self.reporter.raised)} findings are raised"

    def addresses_changed(self) -> bool:
        """Whether the kernel has told of any change of an address since it was asked last."""
        try:
            return any(True for _one in list(drain(self.changes, 65536)))
        except OSError:
            return True  # there were more notices than fit

    def refresh(self) -> None:
        """Find out anew which addresses this host has, and on which interface each instance lives."""
        self.here = addresses()
        self.macs = own_macs()
        by_address = {one.address: one.interface for one in self.here}
        held = {one.address for one in self.here}
        for judge in self.judges:
            if not judge.watched.interface and judge.watched.address in by_address:
                with contextlib.suppress(OSError):
                    name = socket.if_indextoname(by_address[judge.watched.address])
                    judge.watched = judge.watched._replace(interface=name)
            judge.holding(held)

    def listen(self, now: float) -> None:
        for listener in self.listeners:
            for advert in listener.read():
                if self.look is not None:
                    self.look.looked.passed.append(advert)
                for judge in self.judges:
                    judge.advertised(now, advert)
        if self.look is not None:
            self.look.read()

    def ask(self) -> None:
        """Ask for the addresses that are held here, some at a time where they are many."""
        self.round += 1
        for judge in self.judges:
            for number, address in enumerate(judge.held):
                if number % self.rounds(judge) == self.round % self.rounds(judge):
                    self.ask_for(judge.watched, address)

    @staticmethod
    def rounds(judge: Judge) -> int:
        return -(-len(judge.watched.vips) // AT_ONCE)

    def ask_for(self, watched: Watched, address: str) -> None:
        index = next((one.interface for one in self.here if one.address == address), 0)
        try:
            interface = socket.if_indextoname(index)
            if interface not in self.probers:
                vips = [vip for judge in self.judges for vip in judge.watched.vips]
                self.probers[interface] = Prober(interface, vips)
            self.probers[interface].ask(address, self.source6(index))
        except OSError:
            self.refresh()  # the interface went away between two looks

    def source6(self, interface: int) -> str:
        """Return an IPv6 address that stays on this host, the link-local one if it can be; nothing if there is none."""
        moving = {vip for judge in self.judges for vip in judge.watched.vips}
        own = {one.address for one in self.here if one.interface == interface and ":" in one.address} - moving
        return min(own, key=lambda address: (not address.startswith("fe80:"), address), default="")

    def hear(self, now: float) -> None:
        for interface, prober in list(self.probers.items()):
            try:
                for address, mac in prober.read():
                    for judge in self.judges if mac not in self.macs else ():
                        judge.answered(now, address, mac, self.config.interval * self.rounds(judge))
            except OSError:
                prober.close()
                del self.probers[interface]

    def unexplained(self, now: float) -> bool:
        """Whether something has been amiss since the last look began."""
        return any((judge.suspected_since(now) or 0.0) > self.looked.since for judge in self.judges)

    def begin_look(self, now: float) -> None:
        self.look = Wire(now, max((judge.watched.look for judge in self.judges), default=LOOK_LEAST))

    def end_look(self) -> None:
        if self.look is None:
            return
        self.look.close()
        self.looked, self.look = self.look.looked, None
        now = time.monotonic()
        for advert in self.looked.wire:
            for judge in self.judges:
                # A stranger that the firewall keeps out is one all the same.
                if not advert.sent_by_us and not judge.watched.knows(advert.source):
                    judge.advertised(now, advert)

    def report(self, now: float) -> None:
        for judge in self.judges:
            name = judge.watched.name
            claim = judge.split(now)
            if claim is None:
                self.reporter.say("split_brain", name, None)
            elif self.looked.since >= (claim.first or 0.0) and claim.last >= self.looked.until:
                # It stood before and after the look, so what was seen is its reason, and not the end of it.
                self.reporter.say("split_brain", name, self.facts(judge, claim))
            stranger = judge.foreign(now)
            self.reporter.say("foreign_adverts", name, None if stranger is None else _foreign(stranger))

    def facts(self, judge: Judge, claim: Claim) -> dict[str, t.Any]:
        known = neighbours()
        mac, other = claim.mac or known.get(claim.source, ""), claim.source
        if not other:
            other = next((address for address, its in known.items() if its == mac and address not in judge.held), "")
        foreign_mac = bool(mac) and mac not in [known.get(peer, mac) for peer in judge.watched.peers]
        reason = explain(judge.watched, self.looked.wire, self.looked.passed, foreign_mac=foreign_mac)
        who = f"{other} ({mac})" if other and mac else other or mac
        return {
            "address": claim.address,
            "other_mac": mac,
            "other_address": other,
            "reason": reason.name,
            "message": f"{claim.address} is held here and by {who}. {reason.message}",
        }


def _foreign(advert: Advert) -> dict[str, t.Any]:
    return {
        "other_address": advert.source,
        "interface": advert.interface,
        "router_id": advert.router_id,
        "reason": "router_id_clash",
        "message": f"{advert.source}, which is no peer, sends adverts with router id {advert.router_id} on "
        f"{advert.interface}: give one of the two another id (keepalived_virtual_router_id), "
        "or find out who forges them.",
    }


def main(config_file: str = CONFIG) -> int:
    """Return the exit status, as ``serve`` has it."""
    return serve(config_file, Config, lambda config: Detector(config).run())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
