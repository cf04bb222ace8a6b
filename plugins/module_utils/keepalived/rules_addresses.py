# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of addresses, interfaces and router numbers. Private to this collection."""

from __future__ import annotations

import ipaddress

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scope import (
    Found,
    Instance,
    Scope,
    as_ip,
    rule,
    value,
)

__all__ = ()

LONGEST_NAME = 15  # IFNAMSIZ without its zero byte
MOST_ADDRESSES = 20
OWNER = 255


@rule("warning")
def label_without_its_device(scope: Scope) -> Found:
    """The label of an address does not begin with its device."""
    for instance in scope.instances:
        for one in instance.addresses():
            if one.label and one.device and one.label.partition(":")[0] != one.device:
                yield (
                    one.line,
                    f"label {one.label} does not belong to {one.device}: let it begin with {one.device}:, or leave it",
                )


@rule("error")
def label_too_long(scope: Scope) -> Found:
    """The kernel takes labels of 15 characters at most."""
    for instance in scope.instances:
        for one in instance.addresses():
            if len(one.label) > LONGEST_NAME:
                yield one.line, f"label {one.label} is longer than {LONGEST_NAME} characters: shorten it"


@rule("error")
def own_address_as_virtual(scope: Scope) -> Found:
    """A virtual address is one that the host has of its own."""
    own = {as_ip(one.address): one.interface for one in scope.addresses}
    for instance in scope.instances:
        for one in instance.addresses():
            if one.ip in own and instance.priority != OWNER:
                yield (
                    one.line,
                    f"{one.ip} is an address that {own[one.ip]} of this host has of its own, and keepalived would take "
                    "it away when it is backup: choose a free address of the subnet",
                )


@rule("error")
def address_twice(scope: Scope) -> Found:
    """An instance lists an address more than once."""
    for instance in scope.instances:
        seen = set()
        for one in instance.addresses():
            if one.ip and (one.ip, one.device) in seen:
                yield one.line, f"{one.ip} is listed more than once in {instance.name}: list it once"
            seen.add((one.ip, one.device))


@rule("error")
def address_in_two_instances(scope: Scope) -> Found:
    """Two instances hold the same address, and each takes it away from the other."""
    first: dict[tuple[object, str], Instance] = {}
    for instance in scope.instances:
        for one in instance.addresses():
            other = first.setdefault((one.ip, one.device), instance)
            if one.ip and other is not instance:
                yield (
                    one.line,
                    f"{one.ip} is in {other.name} as well, and each of the two would take it away from the other: "
                    "list it in one of them",
                )


@rule("error")
def router_id_twice(scope: Scope) -> Found:
    """Two instances have one virtual_router_id on an interface and hear each other."""
    first: dict[tuple[str, str, int, object], Instance] = {}
    for instance in scope.instances:
        router = value(instance.block, "virtual_router_id")
        group = value(instance.block, "mcast_dst_ip") or frozenset(line.name for line in instance.peers)
        other = first.setdefault((instance.interface, router, instance.family, group), instance)
        if router and instance.interface and other is not instance:
            yield (
                instance.line("virtual_router_id"),
                f"virtual_router_id {router} on {instance.interface} is also that of {other.name}: give one of them "
                "another",
            )


@rule("error")
def peer_is_self(scope: Scope) -> Found:
    """A unicast peer is this host."""
    own = {as_ip(one.address) for one in scope.addresses}
    for instance in scope.instances:
        mine = own | {as_ip(instance.source)}
        for line in instance.peers:
            if as_ip(line.name) is not None and as_ip(line.name) in mine:
                yield line, f"{line.name} is this host itself: list the other members only"


@rule("error")
def source_elsewhere(scope: Scope) -> Found:
    """The address that adverts come from is not on the interface."""
    at = {as_ip(one.address): one.interface for one in scope.addresses}
    for instance in scope.instances:
        there = {one.interface for one in scope.addresses}
        if not instance.source or instance.interface not in there or instance.has("track_src_ip"):
            continue
        where = at.get(as_ip(instance.source))
        if where != instance.interface:
            yield (
                instance.line("unicast_src_ip", "mcast_src_ip"),
                f"{instance.source} is no address of {instance.interface}"
                f"{f' but of {where}' if where else ', nor of this host'}, so no advert leaves: correct one of the two",
            )


@rule("error")
def mixed_families(scope: Scope) -> Found:
    """An advert carries addresses of one family."""
    for instance in scope.instances:
        families = {one.ip.version for one in instance.addresses() if one.ip and one.advertised}
        if len(families) > 1:
            yield (
                instance.line("virtual_ipaddress"),
                f"{instance.name} mixes IPv4 and IPv6: put the second family into virtual_ipaddress_excluded",
            )


@rule("error")
def peers_of_another_family(scope: Scope) -> Found:
    """An advert goes to peers of the family that its source has."""
    for instance in scope.instances:
        source = as_ip(instance.source)
        for line in instance.peers:
            peer = as_ip(line.name)
            if source and peer and source.version != peer.version:
                yield line, f"{peer} and unicast_src_ip {source} are not of one family: correct one of the two"


@rule("warning")
def ipv6_in_version_2(scope: Scope) -> Found:
    """IPv6 exists in version 3 only."""
    for instance in scope.instances:
        if instance.version == 2 and any(
            one.ip and one.ip.version == 6 and one.advertised for one in instance.addresses()
        ):
            yield (
                instance.block,
                f"{instance.name} has IPv6 addresses, which need VRRP version 3 on all members: say version 3",
            )


@rule("warning")
def too_many_addresses(scope: Scope) -> Found:
    """More addresses in an advert than other members may take."""
    for instance in scope.instances:
        count = sum(one.advertised for one in instance.addresses())
        if count > MOST_ADDRESSES:
            yield (
                instance.line("virtual_ipaddress"),
                f"{instance.name} has {count} addresses in its adverts, and {MOST_ADDRESSES} are the most that go "
                "well: put the others into virtual_ipaddress_excluded",
            )


@rule("warning")
def address_without_prefix(scope: Scope) -> Found:
    """An address without a prefix length gets /32, though the host knows its subnet."""
    for instance in scope.instances:
        for one in instance.addresses():
            if one.ip is None or "/" in "".join((one.line.name, *one.line.args)):
                continue
            for near in scope.addresses:
                network = ipaddress.ip_interface(f"{near.address}/{near.prefix_length}").network
                if near.interface == one.device and one.ip in network and one.ip != as_ip(near.address):
                    yield (
                        one.line,
                        f"{one.ip} has no prefix length, which means a host alone: write {one.ip}/{near.prefix_length}",
                    )
                    break
