# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the election: one holder, always, and it moves when it must. Private to this collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.election import HOST, Event, Node, stray, stuck
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import peer_addresses
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import HIGHEST, Instance, Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.router_ids import Segment, segments
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import Weight, weights

__all__ = ("distinct_priorities", "flippable_weights", "one_family", "one_holder", "own_priorities", "router_ids")

DEFAULT_GROUP = "that of the protocol"


def router_ids(plan: Plan) -> t.Iterator[Fault]:
    """Two instances with one id on a segment take each other's adverts for their own."""
    segment = segments(instance.anchor for instance in plan.all_instances())
    users: dict[tuple[Segment, int], Instance] = {}
    for instance in plan.all_instances():
        there = segment(instance.anchor)
        if instance.router_id == 0:
            message = f"no virtual router id is left on {there[1]}: 255 instances are the most that a segment can have"
            yield Fault("router-ids-used-up", instance.host, instance.path, message)
            continue
        first = users.setdefault((there, instance.router_id), instance)
        if (first.cluster, first.name) != (instance.cluster, instance.name):
            message = (
                f"virtual_router_id {instance.router_id} is also that of {first.name} of cluster `{first.cluster}` on "
                f"{there[1]}: the two would hear each other; give one of them another id, or none and let it be derived"
            )
            yield Fault("router-id-clash", instance.host, instance.place("virtual_router_id"), message)


def distinct_priorities(plan: Plan) -> t.Iterator[Fault]:
    """Of two nodes with one priority nobody can say who holds the address."""
    for _cluster, same in plan.by_name():
        for one, other in itertools.combinations(same, 2):
            if one.priority == other.priority:
                message = (
                    f"{one.priority} of {one.name} is also the priority of {one.host}: whoever starts first would hold "
                    "the address; give each its own, or none and let them be derived"
                )
                yield Fault("priority-tie", other.host, other.place("priority"), message)


def own_priorities(plan: Plan) -> t.Iterator[Fault]:
    """Priorities of one's own say the order of a whole cluster, or they say something else than they seem to."""
    name = "keepalived_priority"
    for cluster in plan.fleet.clusters:
        saying = [member for member in cluster.members if name in member.variables]
        if not saying or not all(map(_own, saying)):
            continue
        for member in cluster.members:
            if member not in saying:
                message = (
                    f"is missing, and {saying[0].name} has {saying[0].variables[name]}: what is derived for "
                    f"{member.name} has nothing to do with that; set it for every balancer of the cluster, or for none"
                )
                yield Fault("own-priority", member.name, name, message)
        yield from _contradicted(plan, saying)
        ranked = sorted(saying, key=_own, reverse=True)
        if ranked[0].role == "backup" and any(member.role == "master" for member in ranked):
            message = (
                f"{_own(ranked[0])} prefers a host of the group {plan.fleet.roles['backup']}, and a run changes the "
                f"hosts of {plan.fleet.roles['master']} last because it takes them for the preferred ones: let the "
                "groups say the same"
            )
            yield Fault("own-priority", ranked[0].name, name, message, severity="warning")


def _own(member: Balancer) -> int:
    """Return the host's own priority; 0 for one that is wrong, which is told already."""
    try:
        return values.integer(member.variables["keepalived_priority"], "keepalived_priority", 1, HIGHEST)
    except InputError:
        return 0


def _contradicted(plan: Plan, saying: t.Iterable[Balancer]) -> t.Iterator[Fault]:
    """Yield where something nearer to an instance says another order."""
    for member in saying:
        for instance in plan.instances[member.name]:
            if instance.priority != _own(member):
                message = (
                    f"is {_own(member)}, and {instance.place('priority')} of {instance.name} is {instance.priority}: "
                    "say it in one place (keepalived_instance_options and an instance hide what is said for the host)"
                )
                yield Fault("own-priority", member.name, "keepalived_priority", message)
            elif instance.turn or instance.preferred:
                other = "an instance that says `preferred`" if instance.preferred else "keepalived_spread"
                message = (
                    f"is one priority for all instances, and {other} gives each its own order: remove one of the two, "
                    "or list the instances in keepalived_instances, each with its priority"
                )
                yield Fault("own-priority", member.name, "keepalived_priority", message)


def one_holder(plan: Plan) -> t.Iterator[Fault]:
    """Members that do not hear each other as one instance hold the address both."""
    for cluster, same in plan.by_name():
        first = same[0]
        missing = [member.name for member in cluster.members if member.name not in {one.host for one in same}]
        if missing and all(plan.instances[name] for name in missing):
            message = f"is on {first.host} and not on {missing[0]}, so it could not move there: list it on all members"
            yield Fault("instance-missing", missing[0], f"{first.path} ({first.name})", message)
        for one, other in itertools.combinations(same, 2):
            yield from _deaf(one, other)
        for other in same[1:]:
            for option, what, mine, theirs in _differences(first, other):
                message = (
                    f"{what} of {first.name} is {mine} on {first.host} and {theirs} on {other.host}: each would ignore "
                    "the other's adverts and both would hold the address; make them the same"
                )
                yield Fault("two-holders", other.host, other.place(option), message)
            if {vip.address for vip in first.vips} != {vip.address for vip in other.vips}:
                odd = min({vip.address for vip in first.vips} ^ {vip.address for vip in other.vips}, key=str)
                message = (
                    f"{odd} of {first.name} is on one of {first.host} and {other.host} only, so it could not move: "
                    "let all members have the same addresses, or give each pair a keepalived_cluster of its own"
                )
                yield Fault("different-addresses", other.host, other.path, message)


def _differences(first: Instance, other: Instance) -> t.Iterator[tuple[str, str, t.Any, t.Any]]:
    """Yield option, what it is called, and both values, of all that has to be the same and is not."""
    groups = [one.options.get("mcast_dst_ip") or DEFAULT_GROUP for one in (first, other)]
    yield from (
        (option, what, mine, theirs)
        for option, what, mine, theirs in (
            ("virtual_router_id", "virtual_router_id", first.router_id, other.router_id),
            ("version", "version", first.timing.version, other.timing.version),
            ("advert_int", "advert_int", first.timing.advert_int, other.timing.advert_int),
            ("unicast_peer", "the mode", _mode(first), _mode(other)),
            ("mcast_dst_ip", "the multicast group", *groups),
        )
        if mine != theirs
    )
    if first.options.get("authentication") != other.options.get("authentication"):
        yield "authentication", "the password", "one", "another"


def _mode(instance: Instance) -> str:
    return "unicast" if instance.options.get("unicast_peer") else "multicast"


def _deaf(one: Instance, other: Instance) -> t.Iterator[Fault]:
    for speaker, listener in ((one, other), (other, one)):
        peers = listener.options.get("unicast_peer")
        source = speaker.options.get("unicast_src_ip")
        heard = list(peer_addresses(peers))
        if peers and source and source not in heard:
            message = (
                f"{speaker.host} speaks from {source}, which is no peer of {listener.host}: both would hold the address"
            )
            yield Fault("two-holders", listener.host, listener.place("unicast_peer"), message)


def one_family(plan: Plan) -> t.Iterator[Fault]:
    """The adverts of an instance carry addresses of one family, and those of IPv6 exist in version 3 only."""
    for instance in plan.all_instances():
        families = {vip.family for vip in instance.vips[: instance.advertised]}
        if len(families) > 1:
            message = (
                "mixes IPv4 and IPv6, and an advert carries one family: list them as `vips`, and the second family "
                "rides along"
            )
            yield Fault("mixed-families", instance.host, f"{instance.path}.virtual_ipaddress", message)
        if instance.timing.version == 2 and 6 in families:
            message = f"{instance.anchor.address} needs VRRP version 3, and version 2 is set"
            yield Fault("version", instance.host, instance.place("version"), message)


def flippable_weights(plan: Plan) -> t.Iterator[Fault]:
    """A tracker that fails on the holder must move the address, in whatever order things fail and come back."""
    for _cluster, same in plan.by_name():
        weighted = {one.host: weights(one.configured, plan.members[one.host].variables) for one in same}
        nodes = [
            Node(
                name=one.host,
                priority=one.priority,
                address=plan.members[one.host].address or "0.0.0.0",
                nopreempt=one.nopreempt,
                trackers={name: weight.value for name, weight in weighted[one.host].items()},
            )
            for one in same
        ]
        faults = list(_never_moved(nodes, {one.host: one for one in same}, weighted))
        yield from faults or _strayed(nodes, same[0].name, weighted)


def _never_moved(
    nodes: t.Sequence[Node], by_host: t.Mapping[str, Instance], weighted: t.Mapping[str, t.Mapping[str, Weight]]
) -> t.Iterator[Fault]:
    for case in stuck(nodes):
        instance, successor = by_host[case.holder], by_host[case.successor]
        message = (
            f"{case.tracker} of weight {case.weight} never moves {instance.name}: when it fails on {case.holder}, "
        )
        if successor.nopreempt and case.remaining < case.needed:
            message += f"{case.successor} has nopreempt and does not take over from a lower priority; use weight 0"
        else:
            message += (
                f"{case.remaining} is left, and {case.successor} with {case.needed} does not win; use weight 0, or "
                "a weight beyond the gap of every two priorities"
            )
        yield Fault("weight", case.holder, weighted[case.holder][case.tracker].path, message)


def _strayed(
    nodes: t.Sequence[Node], instance: str, weighted: t.Mapping[str, t.Mapping[str, Weight]]
) -> t.Iterator[Fault]:
    """Yield the first history by which an unfit node holds the address while another is fit."""
    found = stray(nodes)
    if found is None or found.holder is None:
        return
    failed = [event.what for event in found.events if event.node == found.holder and event.fails][-1]
    history = ", ".join(map(_described, found.events))
    chance = ", where nodes speak up in the same moment and chance decides" if found.by_chance else ""
    message = (
        f"this can happen{chance}: {history}; then {found.holder} holds {instance} though {failed} of weight "
        f"{weighted[found.holder][failed].value} says that it is unfit, and {found.fit} is fit; use weight 0"
    )
    yield Fault("weight", found.holder, weighted[found.holder][failed].path, message)


def _described(event: Event) -> str:
    if event.what == HOST:
        return f"{event.node} fails" if event.fails else f"{event.node} comes back"
    return f"{event.what} fails on {event.node}" if event.fails else f"{event.what} is well again on {event.node}"
