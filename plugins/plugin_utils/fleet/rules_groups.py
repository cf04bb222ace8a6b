# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of groups: instances that move together, and the multicast group of the adverts. Private to this collection."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import (
    MULTICAST_GROUP,
    Instance,
    Plan,
    multicast_group,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.sync_groups import SyncGroup
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import weights

__all__ = ("moved_as_one", "multicast_groups", "routes_of_one_instance", "same_groups", "sync_group_members")

OF_ONE_INSTANCE = ("virtual_routes", "virtual_rules")


def sync_group_members(plan: Plan) -> t.Iterator[Fault]:
    """A group needs two instances that are there, and an instance has room for one group."""
    for member in plan.fleet.balancers:
        instances = {instance.name: instance for instance in plan.instances[member.name]}
        seen: dict[str, str] = {}
        for group in plan.sync_groups[member.name]:
            place = f"{group.path}.group"
            if len(set(group.members)) < 2:
                message = (
                    f"{group.name} has fewer than two instances, and keepalived would drop it: list those that move "
                    "together, or remove the group"
                )
                yield Fault("sync-group-small", member.name, place, message)
            for name in group.members if instances and not group.derived else ():
                if name not in instances:
                    message = f"there is no instance `{name}`: {_advice(name, instances)}"
                    yield Fault("sync-group-member", member.name, place, message)
                elif name in seen:
                    message = f"{name} is in {seen[name]} already, and an instance moves with one group only"
                    yield Fault("sync-group-shared", member.name, place, message)
                seen.setdefault(name, group.name)


def _advice(name: str, instances: t.Iterable[str]) -> str:
    near = difflib.get_close_matches(name, instances, n=1)
    return f"did you mean {near[0]}?" if near else f"choose among {', '.join(instances)}"


def same_groups(plan: Plan) -> t.Iterator[Fault]:
    """Instances that move together on one node and apart on another end up on two nodes."""
    for cluster in plan.fleet.clusters:
        first, *others = cluster.members
        own = {group.name: group for group in plan.sync_groups[first.name]}
        for other in others:
            theirs = {group.name: group for group in plan.sync_groups[other.name]}
            for name in dict.fromkeys([*own, *theirs]):
                one, two = own.get(name), theirs.get(name)
                if one and two and set(one.members) == set(two.members):
                    continue
                path = two.path if two else own[name].path
                message = (
                    f"the sync group {name} has {_listed(one)} on {first.name} and {_listed(two)} on {other.name}, so "
                    "its instances would move together from one node and apart from the other: make them the same"
                )
                yield Fault("sync-groups-differ", other.name, path, message)


def _listed(group: SyncGroup | None) -> str:
    return ", ".join(group.members) if group and group.members else "nothing"


def moved_as_one(plan: Plan) -> t.Iterator[Fault]:
    """What moves as one needs one preferred node, one way to come back, and trackers that count for all of it."""
    by_name: dict[tuple[str, str], list[Instance]] = {}
    for cluster, same in plan.by_name():
        by_name[cluster.name, same[0].name] = same
    for cluster in plan.fleet.clusters:
        for member in cluster.members:
            for group in plan.sync_groups[member.name]:
                found = [by_name[cluster.name, name] for name in group.members if (cluster.name, name) in by_name]
                if member is cluster.members[0] and found:
                    yield from _one_way(group, found)
                yield from _weights(plan, group, [one for same in found for one in same if one.host == member.name])


def _one_way(group: SyncGroup, found: list[list[Instance]]) -> t.Iterator[Fault]:
    first, *others = found
    for other in others:
        orders = [[one.host for one in sorted(same, key=lambda one: -one.priority)] for same in (first, other)]
        if orders[0] != orders[1]:
            message = (
                f"{first[0].name} goes by preference to {', '.join(orders[0])} and {other[0].name} to "
                f"{', '.join(orders[1])}, and {group.name} moves them as one: give both the same order"
            )
            yield Fault("sync-group-order", first[0].host, group.path, message)
        for one, two in zip(first, other):
            if one.nopreempt != two.nopreempt:
                never, comes = (one, two) if one.nopreempt else (two, one)
                message = (
                    f"{never.name} has nopreempt and {comes.name} has not, and {group.name} moves them as one: neither "
                    "would come back; give both the same"
                )
                yield Fault("sync-group-preempt", one.host, group.path, message)
                break


def _weights(plan: Plan, group: SyncGroup, instances: list[Instance]) -> t.Iterator[Fault]:
    if group.options.get("sync_group_tracking_weight"):
        return
    for instance in instances:
        weighted = weights(instance.configured, plan.members[instance.host].variables)
        for tracker, weight in weighted.items():
            if weight.value:
                message = (
                    f"{tracker} of {instance.name} has the weight {weight.value}, which the sync group {group.name} "
                    "ignores: use weight 0, with which all of the group lets go"
                )
                yield Fault("sync-group-weight", instance.host, weight.path, message)


def multicast_groups(plan: Plan) -> t.Iterator[Fault]:
    """A multicast group needs adverts that are multicast."""
    for member in plan.fleet.balancers:
        for family, variable in MULTICAST_GROUP.items():
            multicast = multicast_group(member, family)
            if multicast and values.boolean(member.variables["keepalived_unicast"], "keepalived_unicast"):
                message = (
                    f"{multicast} is set, and the adverts go to each balancer alone: set keepalived_unicast: false, or "
                    "remove it"
                )
                yield Fault("multicast-group", member.name, variable, message)


def routes_of_one_instance(plan: Plan) -> t.Iterator[Fault]:
    """A route that follows an address belongs to one instance; two holders would both set it, or take it away."""
    for member in plan.fleet.balancers:
        instances = plan.instances[member.name]
        for option in OF_ONE_INSTANCE:
            names = [instance.name for instance in instances if instance.options.get(option)]
            if len(names) > 1 and option in member.variables["keepalived_instance_options"]:
                message = (
                    f"would belong to {' and '.join(names)} at once: say it in keepalived_instances, at the one whose "
                    "address it goes with"
                )
                yield Fault("shared-route", member.name, f"keepalived_instance_options.{option}", message)
