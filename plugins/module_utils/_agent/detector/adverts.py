# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP advertisements, read from what arrives: no input, no output."""

from __future__ import annotations

import socket
import struct
import typing as t

from ..._system.addresses import family_of, packed

VRRP = 112
MOST_UNKNOWN = 64  # senders that nobody knows, of which the adverts are kept


class Advert(t.NamedTuple):
    """A VRRP advertisement as it was seen. ``secret`` tells whether two authentications are the same, and no more.

    ``mac`` is who sent it, empty where it was not read from the wire.
    """

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
    mac: str = ""


class Seen:
    """The last advert of each sender and router id, oldest first: of this host and those in ``known`` always.

    Of others only the first few senders are kept, for anybody can forge adverts from as many sources as he likes.
    """

    def __init__(self, known: t.Container[str]) -> None:
        self._known = known
        self._last: dict[tuple[t.Any, ...], Advert] = {}
        self._unknown = 0

    def __iter__(self) -> t.Iterator[Advert]:
        return iter(self._last.values())

    def add(self, advert: Advert) -> None:
        key = (advert.sent_by_us, advert.interface, advert.source, advert.router_id)
        if self._last.pop(key, None) is None and not advert.sent_by_us and advert.source not in self._known:
            if self._unknown >= MOST_UNKNOWN:
                return
            self._unknown += 1
        self._last[key] = advert


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
        addresses=tuple(
            socket.inet_ntop(family, listed[index : index + size]) for index in range(0, len(listed), size)
        ),
        # Salted anew in every process, and cannot be turned back.
        secret=hash((data[4], data[8 + len(listed) :][:8])) if version == 2 else 0,
        **more,
    )


def is_multicast(address: str) -> bool:
    first = packed(address)[0]
    return first == 0xFF if ":" in address else 224 <= first <= 239


def advert_of_packet(data: bytes, interface: str, *, sent_by_us: bool) -> Advert:
    """Read a whole IP packet; what is no advert raises."""
    if data[9 if data[0] >> 4 == 4 else 6] != VRRP:
        raise ValueError("another protocol")  # from before the filter was in place
    if data[0] >> 4 == 4:
        header = (data[0] & 0x0F) * 4
        source, destination = (socket.inet_ntoa(data[index : index + 4]) for index in (12, 16))
        payload = data[header : struct.unpack_from("!H", data, 2)[0]]
        ttl = data[8]
    else:
        source, destination = (socket.inet_ntop(socket.AF_INET6, data[index : index + 16]) for index in (8, 24))
        payload = data[40 : 40 + struct.unpack_from("!H", data, 4)[0]]
        ttl = data[7]
    return read_advert(
        payload, interface=interface, source=source, destination=destination, ttl=ttl, sent_by_us=sent_by_us
    )
