# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses and neighbours of this host, from the kernel (rtnetlink(7)), and what its messages are made of."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import typing as t

NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_DELADDR, RTM_GETADDR, RTM_GETNEIGH = 16, 17, 21, 22, 30
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
IFLA_IFNAME, IFA_ADDRESS, IFA_LOCAL, NDA_DST, NDA_LLADDR = 3, 1, 2, 1, 2
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
IFINFOMSG = struct.Struct("=BBHiII")  # family, padding, type, index, flags, change
IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index
NDMSG = struct.Struct("=B3xiHBB")  # family, interface index, state, flags, type
RTATTR = struct.Struct("=HH")  # length, type
FAMILIES = (socket.AF_INET, socket.AF_INET6)
TIMEOUT = 2.0


class Bound(t.NamedTuple):
    """An address that stands on an interface of this host."""

    family: int
    prefix: int
    interface: int
    address: str


def bound() -> list[Bound]:
    """Return every address of this host; raises OSError."""
    result = []
    for payload in _dump(RTM_GETADDR, IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        family, prefix, _flags, _scope, index = IFADDRMSG.unpack_from(payload)
        parts = dict(attributes(payload[IFADDRMSG.size :]))
        address = parts.get(IFA_LOCAL, parts.get(IFA_ADDRESS))
        if address is not None and family in FAMILIES:
            result.append(Bound(family, prefix, index, socket.inet_ntop(family, address)))
    return result


def remove(item: Bound) -> None:
    """Take an address off its interface; one that is gone already is no error. Raises OSError."""
    address = socket.inet_pton(item.family, item.address)
    body = IFADDRMSG.pack(item.family, item.prefix, 0, 0, item.interface) + attribute(IFA_LOCAL, address)
    with _asked(RTM_DELADDR, NLM_F_ACK, body) as netlink:
        for kind, payload in messages(netlink.recv(65536)):
            number = -struct.unpack_from("=i", payload)[0] if kind == NLMSG_ERROR else 0
            if number not in (0, errno.EADDRNOTAVAIL):
                raise OSError(number, os.strerror(number))


def neighbours() -> dict[str, str]:
    """Return the MAC of every address that this host has talked to; raises OSError."""
    result = {}
    for payload in _dump(RTM_GETNEIGH, NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        family = NDMSG.unpack_from(payload)[0]
        parts = dict(attributes(payload[NDMSG.size :]))
        if family in FAMILIES and NDA_DST in parts and len(parts.get(NDA_LLADDR, b"")) == 6:
            result[socket.inet_ntop(family, parts[NDA_DST])] = mac_text(parts[NDA_LLADDR])
    return result


def links(data: bytes) -> t.Iterator[tuple[int, str, bool]]:
    """Yield (index, name, whether it is there) of each interface that the kernel tells of."""
    for kind, payload in messages(data):
        if kind in (RTM_NEWLINK, RTM_DELLINK) and len(payload) >= IFINFOMSG.size:
            name = dict(attributes(payload[IFINFOMSG.size :])).get(IFLA_IFNAME, b"").rstrip(b"\0")
            if name:
                yield IFINFOMSG.unpack_from(payload)[3], os.fsdecode(name), kind == RTM_NEWLINK


def mac_text(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)


@contextlib.contextmanager
def _asked(kind: int, flags: int, body: bytes) -> t.Iterator[socket.socket]:
    """Send a request, and give the socket on which the kernel answers."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(TIMEOUT)
        netlink.send(message(kind, flags, body))
        yield netlink


def _dump(kind: int, body: bytes) -> t.Iterator[bytes]:
    """Yield the payloads of all entries of a table."""
    with _asked(kind, NLM_F_DUMP, body) as netlink:
        while True:
            for answer, payload in messages(netlink.recv(65536)):
                if answer in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield payload


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a request to the kernel."""
    return HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    return RTATTR.pack(RTATTR.size + len(value), kind) + value + bytes(-len(value) % 4)


def messages(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """Yield (type, payload) of each message."""
    while len(data) >= HEADER.size:
        length, kind, _flags, _sequence, _port = HEADER.unpack_from(data)
        yield kind, data[HEADER.size : length]
        data = data[max(aligned(length), HEADER.size) :]


def attributes(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """Yield (type, value) of each attribute."""
    while len(data) >= RTATTR.size:
        length, kind = RTATTR.unpack_from(data)
        yield kind, data[RTATTR.size : length]
        data = data[max(aligned(length), RTATTR.size) :]


def aligned(length: int) -> int:
    return (length + 3) & ~3
