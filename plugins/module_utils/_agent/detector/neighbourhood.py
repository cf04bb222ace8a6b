# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has which address: this host, by its kernel, and others, by what they answer on the network where it belongs."""

from __future__ import annotations

import errno
import socket
import typing as t

from ..._system.netlink import Bound, bound
from ..._vrrp.frames import own_macs
from .packets import Prober


class Neighbourhood:
    """The addresses of this host, and a prober on each interface where one of ``vips`` was asked for."""

    def __init__(self, vips: t.Sequence[str]) -> None:
        self.vips = vips
        self.here: list[Bound] = []
        self.macs: set[str] = set()
        self.probers: dict[str, Prober] = {}

    def refresh(self) -> None:
        """Find out anew which addresses this host has; raises OSError."""
        self.here, self.macs = bound(), own_macs()

    def interfaces(self) -> dict[str, int]:
        """Return the interface index of each address of this host."""
        return {item.address: item.interface for item in self.here}

    def ask(self, address: str, interface: str) -> None:
        """Ask who else has an address, on its interface, or on this one if the host has it on none; raises OSError."""
        prober = self._prober(address, interface)
        prober.ask(address, self._source6(socket.if_nametoindex(prober.interface)))

    def announce(self, address: str, interface: str) -> None:
        """Tell all neighbours that this host has an address; raises OSError."""
        self._prober(address, interface).announce(address)

    def read(self) -> t.Iterator[tuple[str, str]]:
        """Yield (address, MAC) of every other host that claims one."""
        for interface, prober in list(self.probers.items()):
            try:
                for address, mac in prober.read():
                    if mac not in self.macs:
                        yield address, mac
            except OSError:
                prober.close()
                del self.probers[interface]

    def sockets(self) -> list[socket.socket]:
        return [item for prober in self.probers.values() for item in prober.sockets()]

    def _prober(self, address: str, interface: str) -> Prober:
        index = self.interfaces().get(address)
        name = interface if index is None else socket.if_indextoname(index)
        if not name:
            raise OSError(errno.ENODEV, "nobody knows yet on which interface that is")
        if name not in self.probers:
            self.probers[name] = Prober(name, self.vips)
        return self.probers[name]

    def _source6(self, interface: int) -> str:
        """Return an IPv6 address that stays on this host, the link-local one if it can be; nothing if there is none."""
        own = {item.address for item in self.here if item.interface == interface and ":" in item.address}
        own.difference_update(self.vips)
        return min(own, key=lambda address: (not address.startswith("fe80:"), address), default="")
