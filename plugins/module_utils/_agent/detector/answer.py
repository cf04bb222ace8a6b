# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers peers that ask what became of a change which was made on all nodes together.

The question is read from the wire, before any firewall: no port is opened for it. The answer comes from the port that
was asked, so the firewall of whoever asks knows it as a reply. Only who knows the id of the change can ask; to all
others this host says nothing. The protocol is that of _transaction/settle.py.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import typing as t

from ..._system.addresses import family_of
from ..._transaction.settle import PORT, Change, answer
from ..._vrrp.frames import (
    ETH_P_ALL,
    ETH_P_IP,
    ETH_P_IPV6,
    JUMP_EQUAL,
    LINK_PROTOCOL,
    LOAD_BYTE,
    LOAD_HALF,
    RETURN,
    attach,
)
from .packets import PACKET_OUTGOING, drain

UDP, UDP_HEADER = 17, 8
LONGEST = 256  # bytes of a packet that can be a question
LOAD_HEADER_LENGTH, LOAD_HALF_BEHIND = 0xB1, 0x48
ONLY_QUESTIONS = (
    (LOAD_HALF, 0, 0, LINK_PROTOCOL),
    (JUMP_EQUAL, 0, 5, ETH_P_IP),
    (LOAD_BYTE, 0, 0, 9),
    (JUMP_EQUAL, 0, 9, UDP),
    (LOAD_HEADER_LENGTH, 0, 0, 0),
    (LOAD_HALF_BEHIND, 0, 0, 2),
    (JUMP_EQUAL, 5, 6, PORT),
    (JUMP_EQUAL, 0, 5, ETH_P_IPV6),
    (LOAD_BYTE, 0, 0, 6),
    (JUMP_EQUAL, 0, 3, UDP),
    (LOAD_HALF, 0, 0, 42),
    (JUMP_EQUAL, 0, 1, PORT),
    (RETURN, 0, 0, LONGEST),
    (RETURN, 0, 0, 0),
)


class Asked(t.NamedTuple):
    """A question, by its two ends."""

    source: str
    port: int
    destination: str
    data: bytes


def asked(packet: bytes) -> Asked:
    """Read an IP packet with UDP in it; struct.error where it is too short."""
    if packet[0] >> 4 == 4:
        start = (packet[0] & 0x0F) * 4
        source, destination = (socket.inet_ntoa(packet[index : index + 4]) for index in (12, 16))
    else:
        start = 40
        source, destination = (socket.inet_ntop(socket.AF_INET6, packet[index : index + 16]) for index in (8, 24))
    port, _own, length = struct.unpack_from("!HHH", packet, start)
    return Asked(source, port, destination, packet[start + UDP_HEADER : start + length])


class Answerer:
    """Knows the state of keepalived's changes on this host."""

    def __init__(self, folder: str, runtime: str = "/run") -> None:
        self.change = Change(folder, runtime)
        self.connection = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.connection.setblocking(False)
        attach(self.connection, ONLY_QUESTIONS)

    def serve(self) -> None:
        """Answer what has been asked; never waits."""
        questions = []
        for data, _ancillary, sender in drain(self.connection):
            if sender[2] != PACKET_OUTGOING:
                with contextlib.suppress(struct.error, ValueError, IndexError):
                    questions.append(asked(data))
        known = self.change.known() if questions else {}
        for question in questions:
            reply = answer(question.data, known)
            if reply is not None:
                self.send(reply, question)

    @staticmethod
    def send(reply: bytes, item: Asked) -> None:
        family = family_of(item.source)
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind((item.destination, PORT))
            connection.sendto(reply, (item.source, item.port))
