# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planned ports of the service, and which of them nobody listens on.

The kernel is asked and no connection is made: one to a stream would go on to a backend, and some of those shut out
whoever connects and says nothing. Of UDP only the kernel knows it anyway, since what answers a datagram is a matter of
its protocol.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import typing as t

from ..._system.addresses import canonical
from ..hysteresis import Hysteresis

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
UDP_TABLES = ("/proc/net/udp", "/proc/net/udp6")
LISTENS, UNCONNECTED = "0A", "07"  # TCP_LISTEN and TCP_CLOSE of net/ipv4/tcp_states.h
TCP, UDP = "tcp", "udp"
ANY = ("0.0.0.0", "::")
FALL, RISE = 2, 1


class Port(t.NamedTuple):
    """Ports of one address, from the first to the last; without an address, of all."""

    address: str
    first: int
    last: int
    protocol: str = TCP

    def __str__(self) -> str:
        ports = f"port {self.first}" if self.first == self.last else f"ports {self.first} to {self.last}"
        ports = ports if self.protocol == TCP else f"UDP {ports}"
        return f"{self.address} {ports}" if self.address else ports


def read_ports(text: str) -> list[Port]:
    """Return the ports of a file of them; ValueError where it is none."""
    try:
        found = []
        said = json.loads(text)
        for one in (*said["ports"], *said.get(UDP, ())):
            address = str(one.get("address", ""))
            numbers = int(one["first"]), int(one["last"])
            found.append(Port(canonical(address) if address else "", *numbers, str(one.get("protocol", TCP))))
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it holds no ports ({error!r})") from None
    return found


def listening(tables: t.Sequence[str] = TABLES) -> set[tuple[str, int]]:
    """Return address and port of every TCP socket that listens on this host.

    The kernel names those first, so the connections of a busy host are not read.
    """
    found = set()
    for table in tables:
        try:
            with open(table, encoding="ascii") as lines:
                next(lines, None)
                for line in lines:
                    _number, local, _remote, state = line.split(None, 4)[:4]
                    if state != LISTENS:
                        break
                    address, port = local.split(":")
                    found.add((_address(address), int(port, 16)))
        except FileNotFoundError:
            continue  # a kernel without IPv6
    return found


def bound(tables: t.Sequence[str] = UDP_TABLES) -> set[tuple[str, int]]:
    """Return address and port of every UDP socket that takes datagrams of anybody, in whichever order they stand."""
    found = set()
    for table in tables:
        with contextlib.suppress(FileNotFoundError), open(table, encoding="ascii") as lines:
            next(lines, None)
            for line in lines:
                if f" {UNCONNECTED} " not in line:
                    continue  # one of the many that nginx has towards members
                _number, local, _remote, state = line.split(None, 4)[:4]
                if state == UNCONNECTED:
                    address, port = local.split(":")
                    found.add((_address(address), int(port, 16)))
    return found


def closed(
    ports: t.Iterable[Port], there: t.AbstractSet[tuple[str, int]], of_udp: t.AbstractSet[tuple[str, int]] = frozenset()
) -> list[Port]:
    """Return those on which nobody listens. nginx listens once for all addresses where one of its servers does."""
    return [
        one
        for one in ports
        if any(
            not any((address, number) in (of_udp if one.protocol == UDP else there) for address in (*ANY, one.address))
            for number in range(one.first, one.last + 1)
        )
    ]


class ServicePorts:
    """The ports that a file names, which is read again when it is another one. ``reason`` says which are closed.

    Without that file there are none. One that cannot be read is told to ``warn``, and the ports of before stay.
    """

    def __init__(self, path: str, warn: t.Callable[[str], None]) -> None:
        self.path = path
        self.warn = warn
        self.reason = ""
        self._read: tuple[int, int] | None = None
        self._ports: list[Port] = []
        self._closed = Hysteresis(fall=FALL, rise=RISE)

    @property
    def failed(self) -> bool:
        return bool(self._closed.failed)

    def look(self, *, alive: bool) -> None:
        """Look which ports are closed. That of an nginx that is dead are its death, and nothing else."""
        self._read_again()
        if not alive:
            return
        try:
            of_udp = bound() if any(one.protocol == UDP for one in self._ports) else frozenset()
            shut = closed(self._ports, listening(), of_udp) if self._ports else []
        except (OSError, ValueError) as error:
            self.warn(f"whether the ports of the service are open cannot be seen: {error}.")
            return
        if self._closed.failed is None and shut:
            self._closed.count(good=True)  # the first look alone takes nothing away
        if self._closed.count(good=not shut) and shut:
            self.reason = f"nobody listens on {', '.join(map(str, shut))}"

    def _read_again(self) -> None:
        try:
            look = os.stat(self.path)
            if (look.st_mtime_ns, look.st_ino) == self._read:
                return
            with open(self.path, encoding="utf-8") as file:
                self._ports = read_ports(file.read())
            self._read = look.st_mtime_ns, look.st_ino
        except FileNotFoundError:
            self._ports, self._read = [], None
        except (OSError, ValueError) as error:
            self.warn(f"{self.path} is not taken over: {error}.")


def _address(text: str) -> str:
    """Return an address as the tables of the kernel have it: words of 32 bits in the byte order of the host."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, b"".join(words))
