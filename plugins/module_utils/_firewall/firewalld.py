# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""firewalld: rich rules, now and for good, in the zones that the packets come through. Private to this collection."""

from __future__ import annotations

import ipaddress
import typing as t

from .access import VRRP, Access, Item

__all__ = ("Change", "Rules", "active_zones", "difference", "for_adverts", "union", "wanted")

Rules = t.Mapping[str, t.Sequence[str]]
"""Rich rules by zone."""


class Zone(t.NamedTuple):
    """An active zone: the interfaces and the sources whose packets it judges."""

    name: str
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def active_zones(text: str) -> list[Zone]:
    """Return what ``firewall-cmd --get-active-zones`` prints."""
    result: list[Zone] = []
    for line in text.split("\n"):
        if line and not line[0].isspace():
            result.append(Zone(line.split()[0]))  # behind it, newer versions say (default)
        elif result:
            key, _colon, values = line.strip().partition(":")
            if key == "interfaces":
                result[-1] = result[-1]._replace(interfaces=tuple(values.split()))
            elif key == "sources":
                result[-1] = result[-1]._replace(sources=tuple(values.split()))
    return result


def wanted(zones: t.Sequence[Zone], default: str, access: Access) -> dict[str, list[str]]:
    """Return the rich rules by zone.

    What comes in by an interface is judged by its zone, the default one where it has none; but a source that a zone
    lists goes before that. So a rule stands in all zones that may be asked about it.
    """
    own = [zone.name for zone in zones if set(zone.interfaces) & set(access.interfaces)]
    if not own or set(access.interfaces) - {name for zone in zones for name in zone.interfaces}:
        own.append(default)
    result: dict[str, dict[str, None]] = {}
    for family in (4, 6):
        for item in access.items(family):
            asked = [zone.name for zone in zones if any(_meets(item, source) for source in zone.sources)]
            for name in dict.fromkeys([*own, *asked]):
                result.setdefault(name, {})[rich_rule(item)] = None
    return {name: list(rules) for name, rules in result.items()}


def _meets(item: Item, source: str) -> bool:
    """Return whether packets of this item may come from a source of a zone."""
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False  # an ipset or a hardware address: whose they are, nobody can tell here
    if not item.source:
        return True
    return network.version == item.family and network.overlaps(ipaddress.ip_network(item.source, strict=False))


def rich_rule(item: Item) -> str:
    """Return the rule as firewalld itself lists it."""
    words = ["rule"]
    if item.source or item.destination:
        words.append(f'family="ipv{item.family}"')
    words += [f'source address="{item.source}"'] if item.source else []
    words += [f'destination address="{item.destination}"'] if item.destination else []
    words.append(
        f'protocol value="{VRRP}"' if item.is_advert else f'port port="{item.ports}" protocol="{item.protocol}"'
    )
    return " ".join([*words, "accept"])


def for_adverts(rules: Rules) -> dict[str, list[str]]:
    """Return those of our rules that let adverts in."""
    return union(
        {zone: [item for item in listed if f'protocol value="{VRRP}"' in item] for zone, listed in rules.items()}
    )


class Change(t.NamedTuple):
    """Rules to add and to remove, by zone."""

    add: dict[str, list[str]]
    remove: dict[str, list[str]]


def difference(now: Rules, ours: Rules, wanted: Rules) -> Change:
    """Return what is to be done, where ``now`` are the rules that are there and ``ours`` those that we added.

    What the user added stays, whether it is wanted or not.
    """
    add = {zone: [rule for rule in rules if rule not in now.get(zone, ())] for zone, rules in wanted.items()}
    remove = {
        zone: [rule for rule in rules if rule in now.get(zone, ()) and rule not in wanted.get(zone, ())]
        for zone, rules in ours.items()
    }
    return Change(union(add), union(remove))


def union(*some: Rules) -> dict[str, list[str]]:
    """Return all rules by zone, each once; a zone without any is left out."""
    result: dict[str, dict[str, None]] = {}
    for rules in some:
        for zone, listed in rules.items():
            if listed:
                result.setdefault(zone, {}).update(dict.fromkeys(listed))
    return {zone: list(listed) for zone, listed in result.items()}
