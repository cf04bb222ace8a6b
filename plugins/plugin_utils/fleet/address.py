# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: the shared one in its written forms, and which of a host's own to use. Private to this collection."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("Address", "Network", "Vip", "group_address", "literal", "peer_addresses", "reachable", "usable")

Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Vip:
    """A shared address. ``network`` is None where it is written without a prefix, or with that of a single host.

    ``single`` is that prefix, 32 or 128, and 0 where there is none. ``device`` is the interface written beside it,
    ``interface`` the one that the inventory says for its instance.
    """

    address: Address
    network: Network | None
    device: str
    interface: str
    written: t.Any
    path: str
    single: int = 0

    @property
    def family(self) -> int:
        return self.address.version

    @classmethod
    def parse(cls, written: t.Any, path: str, interface: str = "") -> Vip:
        """Read ``a.b.c.d``, ``a.b.c.d/24``, ``a.b.c.d/24 dev X label X:1``, or a mapping with ``address``.

        Raises InputError when no address can be read from it.
        """
        if isinstance(written, dict):
            if not isinstance(written.get("address"), str):
                raise InputError(f"{path}.address", "is missing: write the address, as in 10.0.0.100/24")
            tokens, device = written["address"].split(), str(written.get("dev") or "")
        elif isinstance(written, str):
            tokens = written.split()
            device = tokens[tokens.index("dev") + 1] if "dev" in tokens[1:-1] else ""
        else:
            tokens, device = [], ""
        try:
            there = ipaddress.ip_interface(tokens[0])
        except (IndexError, ValueError):
            shown = tokens[0] if tokens else written
            raise InputError(
                path, f"`{shown}` is not an address: write one with its prefix, as in 10.0.0.100/24"
            ) from None
        single = there.network.prefixlen == there.max_prefixlen
        length = there.max_prefixlen if single and "/" in tokens[0] else 0
        return cls(there.ip, None if single else there.network, device, interface, written, path, length)


def peer_addresses(peers: t.Any) -> t.Iterator[str]:
    """Yield the addresses of peers: lines with an address and more words, or mappings with one."""
    for peer in peers if isinstance(peers, list) else [peers]:
        tokens = str(peer.get("address", "") if isinstance(peer, dict) else peer).split()
        address = literal(tokens[0]) if tokens else None
        if address is not None:
            yield str(address)


def literal(value: t.Any) -> Address | None:
    """Return the address that a text is, None for a name."""
    try:
        return ipaddress.ip_address(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def reachable(value: t.Any, path: str) -> Address:
    """Return the address of a host as others reach it; raises InputError for a name, and for what is none of those."""
    address = literal(value)
    if address is None:
        raise InputError(path, f"{values.shown(value)} is a name: write the address itself, names are never looked up")
    if not usable(address):
        raise InputError(path, f"{address} cannot be reached from other hosts: write the address that they use")
    return address


def group_address(value: t.Any, path: str, family: int) -> str:
    """Return the address of a multicast group; raises InputError for anything else."""
    address = literal(value)
    if address is None or address.version != family or not address.is_multicast:
        example = "239.1.1.1" if family == 4 else "ff02::1:2"
        message = f"{values.shown(value)} is no multicast address of IPv{family}: use one such as {example}"
        raise InputError(path, message)
    return str(address)


def usable(address: Address) -> bool:
    """Return whether other hosts can reach a member there: a loopback, for one, they cannot."""
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)
