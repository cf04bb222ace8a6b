# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the election: one holder, always, and it moves when it must. Private to this collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.election import Node, stuck
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Instance, Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.router_ids import Segment, segments
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import weights

__all__ = ("distinct_priorities", "flippable_weights", "one_family", "one_holder", "passwords", "router_ids")

LONGEST_PASSWORD = 8
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
            yield Fault("router-id-clash", instance.host, instance.path, message)


def distinct_priorities(plan: Plan) -> t.Iterator[Fault]:
    """Of two nodes with one priority nobody can say who holds the address."""
    for _cluster, same in plan.by_name():
        for one, other in itertools.combinations(same, 2):
            if one.priority == other.priority:
                message = (
                    f"{one.priority} of {one.name} is also the priority of {one.host}: whoever starts first would hold "
                    "the address; give each its own, or none and let them be derived"
                )
                yield Fault("priority-tie", other.host, f"{other.path}.priority", message)


def one_holder(plan: Plan) -> t.Iterator[Fault]:
    """Members that do not hear each other as one instance hold the address both."""
    for cluster, same in plan.by_name():
        first = same[0]
        missing = [member.name for member in cluster.members if member.name not in {one.host for one in same}]
        if missing and all(plan.instances[name] for name in missing):
            message = f"is on {first.host} and not on {missing[0]}, so it could not move there: list it on all members"
            yield Fault("instance-missing", missing[0], f"{first.path} ({first.name})", message)
        for other in same[1:]:
            for what, mine, theirs in _differences(first, other):
                message = (
                    f"{what} of {first.name} is {mine} on {first.host} and {theirs} on {other.host}: each would ignore "
                    "the other's adverts and both would hold the address; make them the same"
                )
                yield Fault("two-holders", other.host, other.path, message)
            yield from _deaf(first, other)
            if {vip.address for vip in first.vips} != {vip.address for vip in other.vips}:
                odd = min({vip.address for vip in first.vips} ^ {vip.address for vip in other.vips}, key=str)
                message = (
                    f"{odd} of {first.name} is on one of {first.host} and {other.host} only, so it could not move: "
                    "let all members have the same addresses, or give each pair a keepalived_cluster of its own"
                )
                yield Fault("different-addresses", other.host, other.path, message)


def _differences(first: Instance, other: Instance) -> t.Iterator[tuple[str, t.Any, t.Any]]:
    yield from (
        (what, mine, theirs)
        for what, mine, theirs in (
            ("virtual_router_id", first.router_id, other.router_id),
            ("version", first.timing.version, other.timing.version),
            ("advert_int", first.timing.advert_int, other.timing.advert_int),
            ("the mode", _mode(first), _mode(other)),
            ("the multicast group", *(one.options.get("mcast_dst_ip") or DEFAULT_GROUP for one in (first, other))),
        )
        if mine != theirs
    )
    if first.options.get("authentication") != other.options.get("authentication"):
        yield "the password", "one", "another"


def _mode(instance: Instance) -> str:
    return "unicast" if instance.options.get("unicast_peer") else "multicast"


def _deaf(one: Instance, other: Instance) -> t.Iterator[Fault]:
    for speaker, listener in ((one, other), (other, one)):
        peers = listener.options.get("unicast_peer")
        source = speaker.options.get("unicast_src_ip")
        heard = [peer.get("address") if isinstance(peer, dict) else str(peer).split()[0] for peer in peers or ()]
        if peers and source and source not in heard:
            message = (
                f"{speaker.host} speaks from {source}, which is no peer of {listener.host}: both would hold the address"
            )
            yield Fault("two-holders", listener.host, f"{listener.path}.unicast_peer", message)


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
            yield Fault("version", instance.host, instance.path, message)


def passwords(plan: Plan) -> t.Iterator[Fault]:
    """A password is for version 2, which reads eight characters of it."""
    for instance in plan.all_instances():
        said = instance.options.get("authentication")
        if not isinstance(said, dict):
            continue
        derived = "keepalived_auth_pass" in plan.members[instance.host].variables
        path = "keepalived_auth_pass" if derived else f"{instance.path}.authentication.auth_pass"
        length = len(str(said.get("auth_pass", "")))
        if instance.timing.version == 3:
            message = (
                "is set, and VRRP version 3 has no password: remove it (peers are told by their addresses), or choose "
                "`keepalived_timing: {version: 2, advert_int: 1}`"
            )
            yield Fault("password", instance.host, path, message)
        elif not 0 < length <= LONGEST_PASSWORD:
            message = f"has {length} characters, and VRRP version 2 carries 1 to {LONGEST_PASSWORD}: change it"
            yield Fault("password", instance.host, path, message)


def flippable_weights(plan: Plan) -> t.Iterator[Fault]:
    """A tracker that fails on the holder must move the address."""
    for _cluster, same in plan.by_name():
        nodes = [
            Node(
                name=one.host,
                priority=one.priority,
                address=plan.members[one.host].address or "0.0.0.0",
                nopreempt=one.nopreempt,
                trackers=weights(one.options, plan.members[one.host].variables),
            )
            for one in same
        ]
        by_host = {one.host: one for one in same}
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
            yield Fault("weight", case.holder, instance.path, message)
