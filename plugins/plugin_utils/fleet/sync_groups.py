# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances of a member change their state together. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.specs import Spec

__all__ = ("SyncGroup", "sync_groups")

VARIABLE = "keepalived_sync_groups"


@dataclass(frozen=True)
class SyncGroup:
    """A sync group on one member. ``options`` is what ``keepalived_config`` takes; the rest is read from it.

    ``derived`` is true for the one of two families.
    """

    name: str
    path: str
    members: tuple[str, ...]
    options: Mapping[str, t.Any]
    derived: bool = False


def sync_groups(member: Balancer, specs: Sequence[Spec]) -> t.Iterator[SyncGroup]:
    """Yield the groups of the instances that belong together by their families, then those of the inventory.

    Raises InputError for the first that cannot be read.
    """
    derived: dict[str, list[Spec]] = {}
    for spec in specs:
        if spec.group:
            derived.setdefault(spec.group, []).append(spec)
    for name, same in derived.items():
        names = [spec.name for spec in same]
        yield SyncGroup(name, same[0].path, tuple(names), {"name": name, "group": names}, derived=True)
    for index, value in enumerate(values.items(member.variables[VARIABLE], VARIABLE)):
        path = f"{VARIABLE}[{index}]"
        group = values.mapping(value, path)
        name = values.text(group.get("name"), f"{path}.name")
        listed = values.items(group.get("group"), f"{path}.group")
        members = tuple(values.text(one, f"{path}.group[{at}]") for at, one in enumerate(listed))
        yield SyncGroup(name, path, members, group)
