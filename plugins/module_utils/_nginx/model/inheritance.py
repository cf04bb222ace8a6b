# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a location has of what is said around it. Private to this collection.

nginx takes a directive from the next level outside only where the level itself says none of that name. So one header
in a location loses all those of its site. Headers, error pages and hidden headers therefore add up here, and what this
collection says by itself is said only where no level says it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block

__all__ = ("PAIRS", "Level", "merged")

PAIRS = ("add_header", "add_trailer", "fastcgi_param", "grpc_set_header", "proxy_set_header", "uwsgi_param")
"""Directives with a name and a value, of which the inner one of a name counts. nginx sends both where both are said."""

LINES = ("error_page", "fastcgi_hide_header", "grpc_hide_header", "proxy_hide_header", "uwsgi_hide_header")
"""Directives of which all count; of two error pages for a status, nginx takes the first."""

_INHERITED_BY_NGINX = "add_header_inherit"

Pairs = t.Mapping[str, str]


@dataclass(frozen=True)
class Level:
    """What holds inside a server or a location: the names of all that is said, and what adds up."""

    names: frozenset[str] = frozenset()
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)

    def inside(self, settings: t.Mapping[str, t.Any], directives: t.Iterable[Block]) -> Level:
        """Return the level inside this one that has these settings, and these directives besides."""
        listed = tuple(directives)
        found = dict(settings)
        for name in PAIRS:
            raw = _raw(listed, name)
            if raw:
                found[name] = merged(found.get(name, {}), raw)
        names = self.names | set(found) | {block.name for block in listed}
        kept = {name: found.get(name, self.settings.get(name)) for name in (*PAIRS, *LINES)}
        return Level(names, {name: value for name, value in kept.items() if value})

    def settled(
        self,
        settings: t.Mapping[str, t.Any],
        directives: t.Iterable[Block],
        *,
        defaults: t.Mapping[str, t.Any],
        over: t.Mapping[str, Pairs],
        without: t.Mapping[str, t.Collection[str]],
    ) -> dict[str, t.Any]:
        """Return the settings of a location at this level with all that nginx would not give it.

        ``defaults`` are for what no level says; those of them that are pairs lie below the pairs of every level.
        ``over`` lie above those of the levels outside. ``without`` are the names of pairs that shall not be, which the
        user has said as null.
        """
        listed = tuple(directives)
        own = {block.name for block in listed} | set(settings)
        found = dict(settings)
        for name, value in defaults.items():
            if name not in PAIRS and name not in own | self.names:
                found[name] = value
        for name in PAIRS:
            needed = name in own or name in defaults or name in over or name in without
            if not needed or (name.startswith("add_") and _INHERITED_BY_NGINX in own | self.names):
                continue
            raw = _raw(listed, name)
            outside = merged(defaults.get(name, {}), self.settings.get(name, {}), over.get(name, {}))
            pairs = merged(outside, settings.get(name, {}))
            gone = {one.lower() for one in (*without.get(name, ()), *raw)}
            found[name] = {one: value for one, value in pairs.items() if one.lower() not in gone}
        for name in LINES:
            if name in settings:
                more = [line for line in self.settings.get(name, ()) if line not in settings[name]]
                found[name] = [*settings[name], *more]
        return {name: value for name, value in found.items() if value not in ({}, [])}


def merged(*layers: Pairs) -> dict[str, str]:
    """Return the pairs of all layers; of a name, which capitals do not change, the last counts."""
    found: dict[str, str] = {}
    for layer in layers:
        named = {name.lower() for name in layer}
        found = {**{name: value for name, value in found.items() if name.lower() not in named}, **layer}
    return found


def _raw(blocks: t.Iterable[Block], name: str) -> dict[str, str]:
    """Return the pairs that directives say in nginx's own words."""
    return {block.args[0]: block.args[1] for block in blocks if block.name == name and len(block.args) > 1}
