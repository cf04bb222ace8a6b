# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shall let in: adverts of its peers and its service. Private to this collection.

A part of the agent puts the rules back after the firewall was loaded anew. What it imports of this folder is copied to
a host with it, so that imports by places, and nothing else of the collection.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import asdict, dataclass, replace

__all__ = ("FAMILIES", "MARK", "VRRP", "Access", "AccessError", "Item")

MARK = "holdfast.nginx_ha"
"""The first word of the comment of every rule that this collection adds."""

VRRP = 112
"""The number of the protocol (RFC 5798)."""

FAMILIES = (4, 6)
ANYWHERE = {"0.0.0.0/0", "::/0"}


class AccessError(ValueError):
    """What shall be let in cannot be understood; the text says which value and what to write."""


@dataclass(frozen=True)
class Item:
    """One thing that is let in, in one family.

    ``protocol`` is ``vrrp``, ``tcp`` or ``udp``; ``source`` an address or a network, empty for anybody; ``destination``
    a multicast group, empty for whatever is the host's; ``ports`` one port or a range such as ``8000-8010``.
    """

    family: int
    protocol: str
    source: str = ""
    destination: str = ""
    ports: str = ""

    @property
    def is_advert(self) -> bool:
        return self.protocol == "vrrp"

    @property
    def comment(self) -> str:
        """What the rule says of itself; two items never say the same within a family."""
        words = [f"{MARK}: {self.protocol}", self.ports]
        words += ["from", self.source] if self.source else []
        words += ["to", self.destination] if self.destination else []
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Access:
    """Everything that is let in: adverts as (source, group), ports as (protocol, ports), and from where the latter.

    ``interfaces`` are those by which it comes; they only help to find the right place for a rule.
    """

    adverts: tuple[tuple[str, str], ...] = ()
    ports: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()

    @property
    def interface(self) -> str:
        """The interface of a packet, empty where there are several."""
        return self.interfaces[0] if len(self.interfaces) == 1 else ""

    @classmethod
    def read(
        cls,
        adverts: t.Iterable[t.Mapping[str, t.Any]],
        ports: t.Iterable[str],
        sources: t.Iterable[str],
        interfaces: t.Iterable[str] = (),
    ) -> Access:
        """Return what options say; raises AccessError."""
        heard = []
        for index, advert in enumerate(adverts):
            source = _address(advert["source"], f"adverts[{index}].source")
            group = _address(advert["group"], f"adverts[{index}].group") if advert.get("group") else ""
            if group and (":" in group) != (":" in source):
                raise AccessError(f"adverts[{index}].group: {group} and {source} are not of one family")
            heard.append((source, group))
        return cls(
            adverts=tuple(dict.fromkeys(heard)),
            ports=tuple(dict.fromkeys(_port(port, f"ports[{index}]") for index, port in enumerate(ports))),
            sources=tuple(dict.fromkeys(_network(item, f"sources[{index}]") for index, item in enumerate(sources))),
            interfaces=tuple(interfaces),
        )

    def items(self, family: int) -> list[Item]:
        """Return what is let in of this family, adverts first."""
        result = [
            Item(family, "vrrp", source, group)
            for source, group in self.adverts
            if ipaddress.ip_address(source).version == family
        ]
        sources = [item for item in self.sources if ipaddress.ip_network(item).version == family]
        if not self.sources or ANYWHERE.intersection(sources):
            sources = [""]
        result += [Item(family, protocol, source, "", ports) for protocol, ports in self.ports for source in sources]
        return result

    def joined(self, other: Access) -> Access:
        """Return it with the adverts of another as well."""
        return replace(self, adverts=tuple(dict.fromkeys([*self.adverts, *other.adverts])))

    def to_data(self) -> dict[str, t.Any]:
        """Return it as data that ``from_data`` reads."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> Access:
        return cls(
            adverts=tuple((source, group) for source, group in data["adverts"]),
            ports=tuple((protocol, ports) for protocol, ports in data["ports"]),
            sources=tuple(data["sources"]),
            interfaces=tuple(data["interfaces"]),
        )


def _address(value: str, path: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise AccessError(f"{path}: {value!r} is no address: write one, as 10.0.0.12") from None


def _network(value: str, path: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise AccessError(f"{path}: {value!r} is neither an address nor a network: write one, as 10.0.0.0/8") from None
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _port(value: str, path: str) -> tuple[str, str]:
    numbers, _slash, protocol = value.partition("/")
    first, _dash, last = numbers.partition("-")
    fits = all(item.isdigit() and 1 <= int(item) <= 65535 for item in (first, last or first))
    if not fits or int(first) > int(last or first) or protocol not in ("tcp", "udp"):
        raise AccessError(f"{path}: {value!r} is no port: write it as 80/tcp or 8000-8010/udp")
    return protocol, numbers
