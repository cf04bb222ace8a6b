# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the addresses: whose they are, and that they can be used. Private to this collection."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("complete_clusters", "unique_addresses", "usable_addresses")

WRITTEN_AS = {"keepalived_vips": "10.0.0.100/24", "keepalived_instances": "`{vips: [10.0.0.100/24]}`"}


def complete_clusters(plan: Plan) -> t.Iterator[Fault]:
    """An address needs somebody who holds it and somebody to go to."""
    roles = plan.fleet.roles
    if not plan.fleet.clusters:
        message = (
            f"no host is in the groups `{roles['master']}` and `{roles['backup']}`: put at least one balancer into "
            "each, or name your own groups in holdfast_groups"
        )
        yield Fault("no-balancers", "", "", message)
    for cluster in plan.fleet.clusters:
        if cluster.is_alone:
            message = (
                "shares no address and has no partner: nginx is set up here and keepalived is not, and when this host "
                f"fails nobody serves. Put a second balancer into group `{roles['backup']}` and set keepalived_vips to "
                "change that"
            )
            yield Fault("single-balancer", cluster.members[0].name, "", message, "warning")
            continue
        names = ", ".join(member.name for member in cluster.members)
        for role in ("master", "backup"):
            if any(member.role == role for member in cluster.members):
                continue
            what = "would have nowhere to go when one fails" if role == "backup" else "would have no preferred holder"
            message = (
                f"cluster `{cluster.name}` ({names}) has no host of group `{roles[role]}`, so its address {what}: "
                "put one of its balancers there"
            )
            yield Fault(f"no-{role}", "", "", message)
        for member in cluster.members:
            listed = "keepalived_instances" if "keepalived_instances" in member.variables else "keepalived_vips"
            if not member.variables[listed]:
                what = "an instance" if listed == "keepalived_instances" else "at least one address with its prefix"
                message = f"is empty: list {what}, as in {WRITTEN_AS[listed]}"
                yield Fault("no-address", member.name, listed, message)


def usable_addresses(plan: Plan) -> t.Iterator[Fault]:
    """Where a shared address belongs must follow from its prefix, or be said."""
    for member in plan.fleet.balancers:
        for vip in member.vips:
            if vip.network is None:
                if not (vip.device or vip.interface):
                    without = f"is written as a single address (/{vip.single})" if vip.single else "has no prefix"
                    message = (
                        f"{vip.address} {without}, so its subnet and interface cannot be told: write "
                        f"{vip.address}/{24 if vip.family == 4 else 64}, or whatever its subnet has, or name the "
                        f"interface (`{vip.address}/{vip.single or vip.address.max_prefixlen} dev eth1`)"
                    )
                    yield Fault("no-prefix", member.name, vip.path, message)
                continue
            if vip.family == 4 and vip.network.prefixlen < 31:
                ends = (vip.network.network_address, vip.network.broadcast_address)
                if vip.address in ends:
                    what = "network" if vip.address == ends[0] else "broadcast"
                    message = f"{vip.address} is the {what} address of {vip.network}: choose one in between"
                    yield Fault("reserved-address", member.name, vip.path, message)
            own = ipaddress.ip_address(member.addresses.get(vip.family) or "::")
            # Every interface has a link-local address, so it tells nothing about subnets.
            is_explicit = own.is_unspecified or own.is_link_local or vip.device or vip.interface
            if not is_explicit and own not in vip.network:
                message = (
                    f"{vip.address} is in {vip.network}, and {own} of the host is not, so no interface can be told: "
                    f"correct one of them, or name the interface (`{vip.address}/{vip.network.prefixlen} dev eth1`)"
                )
                yield Fault("foreign-subnet", member.name, vip.path, message)


def unique_addresses(plan: Plan) -> t.Iterator[Fault]:
    """An address belongs to one host or to one cluster."""
    hosts: dict[str, str] = {}
    for address, host in _own_addresses(plan):
        first = hosts.setdefault(address, host)
        one, other = plan.fleet.backends.get(first), plan.fleet.backends.get(host)
        # Backends may share an address when each says a port of its own.
        apart = one and other and one.server.get("port") != other.server.get("port")
        if first != host and not apart:
            message = f"has the address {address}, and so has {first}: correct one of them"
            yield Fault("duplicate-address", host, "", message)
    clusters: dict[str, str] = {}
    for member in plan.fleet.balancers:
        listed = set()
        for vip in member.vips:
            address = str(vip.address)
            cluster = clusters.setdefault(address, member.cluster)
            message = ""
            if address in listed:
                message = f"{address} is listed more than once: list it once"
            elif cluster != member.cluster:
                message = f"{address} is also an address of cluster `{cluster}`: both would hold it at once"
            elif address in hosts:
                message = f"{address} is the own address of {hosts[address]}: share one that no host has"
            if message:
                yield Fault("duplicate-address", member.name, vip.path, message)
            listed.add(address)


def _own_addresses(plan: Plan) -> t.Iterator[tuple[str, str]]:
    for member in plan.fleet.balancers:
        for address in member.addresses.values():
            yield address, member.name
    for backend in plan.fleet.backends.values():
        if backend.address:
            yield backend.address, backend.name
