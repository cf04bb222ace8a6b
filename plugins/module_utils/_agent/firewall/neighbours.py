# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the peers reachable: a MAC that answers is not replaced by one that was only announced.

The kernel believes whoever announces the address of a peer, and then adverts go to nowhere: one forged packet makes the
standby take over, for half a minute. So the MAC of before is put back at once, in the state in which the kernel asks it
whether it is still there (rtnetlink(7), NUD_PROBE). When it is, all is well; when it is not, the kernel gives the entry
up within some seconds and asks everybody anew, and whoever answers then is the peer.
"""

from __future__ import annotations

import ipaddress
import socket
import typing as t

from ..._system.netlink import (
    NDA_DST,
    NDA_LLADDR,
    NDMSG,
    NLM_F_DUMP,
    RTM_GETNEIGH,
    attribute,
    attributes,
    mac_text,
    message,
    messages,
)

RTMGRP_NEIGH, RTM_NEWNEIGH, RTM_DELNEIGH = 0x4, 28, 29
NLM_F_REPLACE = 0x100
NUD_PROBE, NUD_FAILED, NUD_INCOMPLETE = 0x10, 0x20, 0x01


class Neighbours:
    """The entries of the peers in the kernel's table of neighbours; ``peers`` are their addresses."""

    def __init__(self) -> None:
        self.peers: frozenset[str] = frozenset()
        self.known: dict[tuple[int, str], bytes] = {}
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.netlink.setblocking(False)
        self.netlink.bind((0, RTMGRP_NEIGH))

    def watch(self, peers: t.Iterable[str]) -> None:
        """Look after these peers from now on."""
        peers = frozenset(peers)
        if peers != self.peers:
            self.peers = peers
            self.known = {key: mac for key, mac in self.known.items() if key[1] in peers}
            self.netlink.send(message(RTM_GETNEIGH, NLM_F_DUMP, NDMSG.pack(0, 0, 0, 0, 0)))

    def settle(self) -> list[str]:
        """Read what has changed, put back what was replaced, and return that in words."""
        done: list[str] = []
        while True:
            try:
                data = self.netlink.recv(1 << 16)
            except OSError:
                return done  # nothing more, or there were more notices than fit: the next one tells
            for answer in self.judge(data):
                self.netlink.send(answer[0])
                done.append(answer[1])

    def judge(self, data: bytes) -> t.Iterator[tuple[bytes, str]]:
        """Yield the message that puts an entry back, and what it does in words, for each that was replaced."""
        for kind, body in messages(data):
            if kind not in (RTM_NEWNEIGH, RTM_DELNEIGH) or len(body) < NDMSG.size:
                continue
            family, interface, state, _flags, _type = NDMSG.unpack_from(body)
            parts = dict(attributes(body[NDMSG.size :]))
            packed, mac = parts.get(NDA_DST, b""), parts.get(NDA_LLADDR, b"")
            if len(packed) not in (4, 16):
                continue
            key = (interface, str(ipaddress.ip_address(packed)))
            if key[1] not in self.peers:
                continue
            if kind == RTM_DELNEIGH or state & (NUD_FAILED | NUD_INCOMPLETE) or len(mac) != 6:
                self.known.pop(key, None)
            elif self.known.setdefault(key, mac) != mac:
                before = self.known[key]
                entry = NDMSG.pack(family, interface, NUD_PROBE, 0, 0)
                entry += attribute(NDA_DST, packed) + attribute(NDA_LLADDR, before)
                announced = (
                    f"{mac_text(mac)} was announced for {key[1]}: {mac_text(before)}, which has it, is asked first"
                )
                yield message(RTM_NEWNEIGH, NLM_F_REPLACE, entry), announced
