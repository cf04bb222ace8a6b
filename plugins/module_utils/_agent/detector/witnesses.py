# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others on the network, who can tell whether this host is heard: the default gateways, and whoever is named."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import socket
import struct
import typing as t

from ..._vrrp.frames import ICMP6, internet_checksum
from ..service import WARNING, log, replace_file
from .instance import InstanceConfig
from .packets import drain, only_icmp6

SOL_RAW, ICMP_FILTER = 255, 1
ECHO, ECHO_REPLY = 8, 0
ECHO6, ECHO_REPLY6 = 128, 129
HEAD = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
ROUTES, ROUTES6 = "/proc/net/route", "/proc/net/ipv6_route"
NONCE = 8  # bytes of a question that nobody can guess, and that its answer gives back
UNDER_WAY = 16  # questions to one host whose answer may still come, at a question each 30 ms
MOST_GATEWAYS = 8  # of one interface that are asked: whoever sends router advertisements can make more


class Echo:
    """Asks over IP through one interface (RFC 792, RFC 4443); raises OSError where there is no such interface."""

    def __init__(self, interface: str, family: int) -> None:
        self.interface, self.family = interface, family
        self.mark = struct.unpack("!H", os.urandom(2))[0]
        self.asked: dict[str, collections.deque[bytes]] = {}  # sequence and nonce of each question without an answer
        protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else ICMP6
        self.connection = socket.socket(family, socket.SOCK_RAW, protocol)
        self.connection.setblocking(False)
        if family == socket.AF_INET:
            self.connection.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << ECHO_REPLY)))
        else:
            only_icmp6(self.connection, ECHO_REPLY6)
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        except OSError:
            self.connection.close()
            raise

    def ask(self, address: str) -> None:
        """Ask one host. What a firewall keeps from being sent is a question without an answer."""
        packet = self.question(address)
        with contextlib.suppress(OSError):
            if self.family == socket.AF_INET:
                self.connection.sendto(packet, (address, 0))
            else:
                scope = socket.if_nametoindex(self.interface) if address.startswith("fe80:") else 0
                self.connection.sendto(packet, (address, 0, 0, scope))

    def question(self, address: str) -> bytes:
        """Return the next question to a host, and remember it until it is answered."""
        (sequence,), nonce = struct.unpack("!H", os.urandom(2)), os.urandom(NONCE)
        self.asked.setdefault(address, collections.deque(maxlen=UNDER_WAY)).append(struct.pack("!H", sequence) + nonce)
        if self.family != socket.AF_INET:  # the kernel adds the checksum itself
            return HEAD.pack(ECHO6, 0, 0, self.mark, sequence) + nonce
        total = internet_checksum(HEAD.pack(ECHO, 0, 0, self.mark, sequence) + nonce)
        return HEAD.pack(ECHO, 0, total, self.mark, sequence) + nonce

    def read(self) -> t.Iterator[str]:
        """Yield the address of everybody who has answered a question to him."""
        for data, _ancillary, sender in drain(self.connection):
            body = data[(data[0] & 0x0F) * 4 :] if self.family == socket.AF_INET and data else data
            address = sender[0].partition("%")[0]
            if self.answers(address, body):
                yield address

    def answers(self, address: str, body: bytes) -> bool:
        """Whether a reply is the answer to a question that this host was asked and has not answered yet."""
        if len(body) != HEAD.size + NONCE or HEAD.unpack_from(body)[3] != self.mark:
            return False
        asked, answer = self.asked.get(address, ()), body[6:]
        if answer not in asked:
            return False
        self.asked[address].remove(answer)
        return True

    def forget_all_but(self, addresses: t.Container[str]) -> None:
        """Forget the questions to hosts that are asked no more."""
        for address in [item for item in self.asked if item not in addresses]:
            del self.asked[address]

    def close(self) -> None:
        self.connection.close()


class Witnesses:
    """The hosts that are asked, through the interface of an instance, each in its own socket."""

    def __init__(self) -> None:
        self.echoes: dict[tuple[str, int], Echo] = {}

    def ask(self, instances: t.Iterable[InstanceConfig]) -> None:
        """Ask the witnesses of these instances, and their peers, each of them once."""
        wanted: dict[tuple[str, int], dict[str, None]] = {}
        for instance in instances:
            key = (instance.interface, instance.family)
            if key not in wanted:
                wanted[key] = dict.fromkeys(gateways(*key) if instance.gateways else ())
            wanted[key].update(dict.fromkeys([*instance.witnesses, *instance.peers]))
        for key, addresses in wanted.items():
            with contextlib.suppress(OSError):  # the interface is not there at the moment
                if key not in self.echoes:
                    self.echoes[key] = Echo(*key)
                self.echoes[key].forget_all_but(addresses)
                for address in addresses:
                    self.echoes[key].ask(address)

    def read(self) -> t.Iterator[tuple[str, int, str]]:
        """Yield (interface, family, address) of everybody who has answered."""
        for (interface, family), echo in list(self.echoes.items()):
            try:
                for address in echo.read():
                    yield interface, family, address
            except OSError:
                echo.close()
                del self.echoes[interface, family]

    def sockets(self) -> list[socket.socket]:
        return [echo.connection for echo in self.echoes.values()]


class Known:
    """The witnesses that have answered, kept over a boot: a wrong firewall often comes with one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.addresses: set[str] = set()
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError), open(
            path, encoding="utf-8"
        ) as stream:
            self.addresses.update(map(str, json.load(stream)))

    def keep(self, addresses: set[str]) -> None:
        """Write them down where they are others than before; when none answers, those that did stay."""
        if addresses and addresses != self.addresses:
            self.addresses = addresses
            try:
                replace_file(self.path, json.dumps(sorted(addresses)) + "\n")
            except OSError as error:
                log(WARNING, f"{self.path} cannot be written: {error.strerror}.")


def gateways(interface: str, family: int) -> list[str]:
    """Return the first default gateways of an interface; none where the routes cannot be read (proc_net_route(5))."""
    result = []
    with contextlib.suppress(OSError, ValueError, IndexError), open(
        ROUTES if family == socket.AF_INET else ROUTES6, encoding="ascii"
    ) as stream:
        for words in map(str.split, stream):
            if family == socket.AF_INET:
                if words[0] == interface and words[1] == words[7] == "0" * 8:
                    result.append(socket.inet_ntoa(struct.pack("=I", int(words[2], 16))))
            elif words[9] == interface and words[0] == "0" * 32 and words[1] == "00":
                result.append(socket.inet_ntop(family, bytes.fromhex(words[4])))
    return [address for address in dict.fromkeys(result) if address not in ("0.0.0.0", "::")][:MOST_GATEWAYS]
