# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that follows from the fleet: instances, ids, priorities, peers, servers. Private to this collection."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.timing import Timing, outage, timing
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.ttl import HIGHEST_TTL
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access, values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Vip, group_address, literal
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import checks, patience, probe
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.client_requests import client_requests
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import (
    INSTANCE_OPTIONS,
    REACHED_BY,
    UPSTREAMS,
    VIRTUAL_SERVERS,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.demand import Demand, demands
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.detected import detected
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.builds import packages
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Faults
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.instance_options import InstanceOptions
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer, Cluster, Fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.issued import issued
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import secret_options, without_secrets
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.router_ids import Claim, allocate, segments
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.specs import Spec, specs
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.sync_groups import SyncGroup, sync_groups
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import (
    DEFINITIONS,
    POLICIES,
    check_file,
    cut_off_file,
    definition,
    watched,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.upstreams import Resolver
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.virtual_servers import (
    loopback_addresses,
    method,
    virtual_servers,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.witnesses import gives_way

__all__ = ("MULTICAST_GROUP", "Instance", "Plan", "make", "multicast_group", "order", "priorities")

HIGHEST = 250
"""Priority of the preferred node; what lies above, up to 254, is left free for a planned move."""

SPACING = 10

MULTICAST_GROUP = {4: "keepalived_multicast_group", 6: "keepalived_multicast_group6"}


@dataclass(frozen=True)
class Instance:
    """A VRRP instance on one member. ``configured`` is what ``keepalived_config`` takes; the rest is read from it."""

    host: str
    cluster: str
    name: str
    path: str
    vips: tuple[Vip, ...]
    advertised: int
    router_id: int
    priority: int
    timing: Timing
    policy: str
    nopreempt: bool
    turn: int | None
    preferred: str
    configured: InstanceOptions

    @property
    def anchor(self) -> Vip:
        return self.vips[0]

    @property
    def options(self) -> Mapping[str, t.Any]:
        return self.configured.options

    def place(self, option: str) -> str:
        """Return where the user wrote an option, or what it follows from; ``option`` can be a part of one."""
        for name, first in (("virtual_ipaddress[", 0), ("virtual_ipaddress_excluded[", self.advertised)):
            number, _sign, rest = option[len(name) :].partition("]")
            if option.startswith(name) and first + int(number) < len(self.vips):
                return self.vips[first + int(number)].path + rest
        return self.configured.place(option)


@dataclass(frozen=True)
class Plan:
    """What was derived for every balancer: instances, sync groups, and upstreams by the variable they come from."""

    fleet: Fleet
    instances: Mapping[str, tuple[Instance, ...]]
    sync_groups: Mapping[str, tuple[SyncGroup, ...]]
    upstreams: Mapping[str, Mapping[str, list[dict[str, t.Any]]]]
    virtual_servers: Mapping[str, list[dict[str, t.Any]]]

    @functools.cached_property
    def members(self) -> Mapping[str, Balancer]:
        """All balancers by name."""
        return {member.name: member for member in self.fleet.balancers}

    @functools.cached_property
    def cluster_of(self) -> Mapping[str, Cluster]:
        """The cluster of every balancer, by its name."""
        return {member.name: cluster for cluster in self.fleet.clusters for member in cluster.members}

    def all_instances(self) -> t.Iterator[Instance]:
        """Yield every instance on every member."""
        for instances in self.instances.values():
            yield from instances

    def by_name(self) -> t.Iterator[tuple[Cluster, list[Instance]]]:
        """Yield every instance as it is on all members that have it, in the order of the members."""
        for cluster in self.fleet.clusters:
            found: dict[str, list[Instance]] = {}
            for member in cluster.members:
                for instance in self.instances[member.name]:
                    found.setdefault(instance.name, []).append(instance)
            for same in found.values():
                yield cluster, same

    def slices(self, hosts: Iterable[str]) -> dict[str, dict[str, t.Any]]:
        """Return plain data for those of the hosts that belong to the fleet."""
        found: dict[str, dict[str, t.Any]] = {}
        for host in hosts:
            if host in self.members:
                found[host] = self.balancer(host)
            elif host in self.fleet.backends:
                found[host] = self.backend(host)
        return found

    def backend(self, host: str) -> dict[str, t.Any]:
        """Return what follows for a host that serves behind the balancers."""
        address, demand = self.fleet.backends[host].address, self.demands[host]
        return {
            "address": address,
            "balancers": demand.addresses,
            "balancer_names": list(demand.balancers),
            "loopback_addresses": self._loopback_addresses(address),
        }

    def _loopback_addresses(self, address: str) -> list[str]:
        """Return the shared addresses at which LVS forwards packets to a backend as they came."""
        found: dict[str, None] = {}
        for servers in self._different_virtual_servers:
            found.update(dict.fromkeys(loopback_addresses(servers, address)))
        return list(found)

    @functools.cached_property
    def _different_virtual_servers(self) -> list[list[dict[str, t.Any]]]:
        """Those of the first member of every cluster that has any; the others have the same."""
        found = [self.virtual_servers[cluster.members[0].name] for cluster in self.fleet.clusters]
        return [servers for servers in found if servers]

    @functools.cached_property
    def demands(self) -> Mapping[str, Demand]:
        """What the balancers ask of every backend, by its name."""
        return demands(self.fleet)

    def balancer(self, host: str) -> dict[str, t.Any]:
        """Return what follows for a balancer; no secret is in it."""
        cluster, member, instances = self.cluster_of[host], self.members[host], self.instances[host]
        return {
            "address": member.address,
            "cluster": cluster.name,
            "members": [other.name for other in cluster.members],
            "third_host": self._third_host,
            "asked_at": self._asked_at(member, instances),
            "vips": [str(vip.address) for instance in instances for vip in instance.vips],
            "keepalived_instances": [without_secrets(instance.options) for instance in instances],
            "keepalived_sync_groups": [dict(group.options) for group in self.sync_groups[member.name]],
            "detected": [
                detected(cluster, member, one.options, one.vips, one.timing, self._backend_addresses)
                for one in instances
            ],
            **self.upstreams[member.name],
            "keepalived_virtual_servers": self.virtual_servers[member.name],
            "packages": []
            if cluster.is_alone
            else [
                *packages(member.variables, "keepalived"),
                "logrotate",
                *(["nftables"] if member.variables["keepalived_guard"] else []),
            ],
            "client_requests": client_requests(member.variables),
            "issued": sorted(issued(member.variables["balancer_sites"])),
            "restart_first": [one.name for one in instances if one.policy == "restart_first"],
            "firewall": self._firewall(cluster, member, instances),
            "kernel": self._kernel(member),
            "outage": self._outage(cluster, member, instances),
            "outage_sentence": (
                "" if cluster.is_alone or member is not cluster.members[0] else self._expected_outage(cluster)
            ),
        }

    def _asked_at(self, member: Balancer, instances: Iterable[Instance]) -> list[str]:
        """Return where clients ask for the service: at the shared addresses, or by what the host is reached itself."""
        shared = [str(vip.address) for instance in instances for vip in instance.vips]
        return shared or [str(member.variables.get(REACHED_BY) or member.name)]

    @functools.cached_property
    def _third_host(self) -> str:
        """The host that asks an address as a client does: the inventory's first backend, empty without one."""
        return next(iter(self.fleet.groups.get(self.fleet.roles["backend"], ())), "")

    @functools.cached_property
    def _backend_addresses(self) -> list[str]:
        return [backend.address for backend in self.fleet.backends.values() if backend.address]

    def _expected_outage(self, cluster: Cluster) -> str:
        """Return one line with the most seconds that a fault of any of the members costs, while the others are well."""
        worst: dict[str, float] = {}
        for member in cluster.members:
            for fault, seconds in self._outage(cluster, member, self.instances[member.name]).items():
                worst[fault] = max(worst.get(fault, 0.0), seconds)
        names = ", ".join(member.name for member in cluster.members)
        costs = ", ".join(f"{fault.replace('_', ' ')} {seconds:.2f} s" for fault, seconds in worst.items())
        return f"The longest that a client waits by these settings, whichever of {names} fails: {costs}"

    def patience(self, member: Balancer) -> float:
        """Return for how many seconds nginx of a member may be away before it counts as down."""
        restarted = any(one.policy == "restart_first" for one in self.instances[member.name])
        return patience(member.variables) if restarted else 0.0

    def own_track_files(self, member: Balancer) -> list[dict[str, t.Any]]:
        """Return the definitions of the files by which the watcher and the detector speak to keepalived."""
        instances = self.instances[member.name]
        files = [*watched(instance.policy for instance in instances)]
        files += [check_file(one.name) for one in checks(member.variables)]
        if gives_way(member.variables):
            files += [cut_off_file(one.name) for one in instances]
        return [definition(name) for name in files]

    def _firewall(self, cluster: Cluster, member: Balancer, instances: Iterable[Instance]) -> dict[str, t.Any]:
        """Return what the member has to let in, and its addresses by whose interfaces it comes."""
        own = list(instances)
        others = [other for other in cluster.members if other.name != member.name]
        ways = [str((one.options.get("authentication") or {}).get("auth_type", "")).upper() for one in own]
        return {
            "adverts": access.adverts((one.options, self._senders(one, others)) for one in own),
            "authenticated": "AH" in ways,
            "ports": access.ports(member.variables),
            "addresses": list(member.addresses.values()),
        }

    def _senders(self, instance: Instance, others: Iterable[Balancer]) -> list[str]:
        """Return the addresses from which others send the adverts of this instance to a group."""
        family = instance.anchor.family
        found: list[str] = []
        for other in others:
            same = [one for one in self.instances[other.name] if one.name == instance.name]
            pinned = same[0].options.get("mcast_src_ip") if same else ""
            found += [str(pinned or other.addresses.get(family, ""))]
        return [one for one in found if one]

    def _kernel(self, member: Balancer) -> dict[str, t.Any]:
        """Return what the kernel of a member has to do: by family, whether nginx listens on a shared address itself."""
        vips = {vip.address for vip in member.vips}
        bound = {literal(host) for host, _ports, _protocol in access.listens(member.variables)} & vips
        methods = {method(server) for server in self.virtual_servers[member.name]}
        return {
            "nonlocal_bind": sorted({address.version for address in bound if address}),
            "ipvs": bool(methods),
            "forward": "NAT" in methods,
            "real_time": any(instance.timing.needs_real_time for instance in self.instances[member.name]),
        }

    def _outage(self, cluster: Cluster, member: Balancer, instances: Iterable[Instance]) -> dict[str, float]:
        """Return the most seconds that each fault of this host costs, over all instances that it may hold."""
        asked, waits = probe(member.variables), patience(member.variables)
        highest = self._highest.get(cluster.name, {})
        worst: dict[str, float] = {}
        for instance in instances:
            successors = [one.priority for one in highest[instance.name] if one.host != instance.host]
            if successors:
                restarts = waits if instance.policy == "restart_first" else None
                for fault, seconds in outage(instance.timing, successors[0], asked, patience=restarts).items():
                    worst[fault] = max(worst.get(fault, 0.0), round(seconds.most, 3))
        return worst

    @functools.cached_property
    def _highest(self) -> Mapping[str, Mapping[str, list[Instance]]]:
        """By cluster and name: the instance on the preferred member, and on its first successor."""
        found: dict[str, dict[str, list[Instance]]] = {}
        for cluster, same in self.by_name():
            ranked = sorted(same, key=lambda one: one.priority, reverse=True)
            found.setdefault(cluster.name, {})[same[0].name] = ranked[:2]
        return found


def make(fleet: Fleet, faults: Faults, in_use: Mapping[str, Mapping[str, int]] | None = None) -> Plan:
    """Derive the plan of the whole fleet; what cannot be derived is added to ``faults`` and left out.

    ``in_use`` are the router ids with which balancers were seen to run, by host and instance.
    """
    wanted: dict[str, tuple[Spec, ...]] = {}
    for member in fleet.balancers:
        wanted[member.name] = ()
        with faults.on(member.name):
            wanted[member.name] = specs(member)
    ids = _router_ids(fleet, wanted, in_use or {})
    resolve = Resolver(fleet)
    instances: dict[str, tuple[Instance, ...]] = {}
    groups: dict[str, tuple[SyncGroup, ...]] = {}
    upstreams: dict[str, dict[str, list[dict[str, t.Any]]]] = {}
    layer_4: dict[str, list[dict[str, t.Any]]] = {}
    for cluster in fleet.clusters:
        for member in cluster.members:
            made = []
            for spec in wanted[member.name]:
                with faults.on(member.name):
                    instance = _instance(cluster, member, spec, ids[cluster.name, spec.name])
                    # Without an address there is a fault already, and its followers would only hide it.
                    if instance.anchor.family in member.addresses:
                        made.append(instance)
            instances[member.name] = tuple(made)
            groups[member.name] = ()
            with faults.on(member.name):
                groups[member.name] = tuple(sync_groups(member, wanted[member.name]))
            upstreams[member.name] = {variable: [] for variable in UPSTREAMS}
            for variable in UPSTREAMS:
                with faults.on(member.name):
                    upstreams[member.name][variable] = resolve(member.variables[variable], variable)
            layer_4[member.name] = []
            with faults.on(member.name):
                layer_4[member.name] = virtual_servers(fleet, member.variables[VIRTUAL_SERVERS])
    return Plan(fleet, instances, groups, upstreams, layer_4)


def priorities(count: int) -> list[int]:
    """Return that many priorities, highest first, never tied and spaced as far as the range allows."""
    spacing = min(SPACING, (HIGHEST - 1) // max(count - 1, 1))
    return [HIGHEST - place * spacing for place in range(count)]


def order(count: int, number: int) -> list[int]:
    """Return the order in which ``count`` nodes are preferred for the instance of this number.

    The preferred node moves on by one from instance to instance. Its successors are taken in turns from behind and
    from before it (+1, -1, +2, -2 ...), and every full round begins with another of them: so what a failed node
    held is spread over those that are left, also when two fail.
    """
    first, turn = number % count, number // count
    steps = [step for distance in range(1, count) for step in (distance, -distance)][: count - 1]
    if steps:
        turn %= len(steps)
        steps = steps[turn:] + steps[:turn]
    return [first, *((first + step) % count for step in steps)]


def _router_ids(
    fleet: Fleet, wanted: Mapping[str, tuple[Spec, ...]], in_use: Mapping[str, Mapping[str, int]]
) -> Mapping[tuple[str, str], int]:
    claims: dict[tuple[str, str], Claim] = {}
    for cluster in fleet.clusters:
        for member in cluster.members:
            for spec in wanted[member.name]:
                key = (cluster.name, spec.name)
                claims.setdefault(key, Claim(key, spec.vips[0], spec.router_id, _in_use(cluster, spec.name, in_use)))
    return allocate(list(claims.values()), segments(claim.anchor for claim in claims.values()))


def _in_use(cluster: Cluster, name: str, in_use: Mapping[str, Mapping[str, int]]) -> int | None:
    """Return the id with which members run an instance; None where none does, or where they differ."""
    seen = {in_use[member.name][name] for member in cluster.members if name in in_use.get(member.name, {})}
    return seen.pop() if len(seen) == 1 else None


def _instance(cluster: Cluster, member: Balancer, spec: Spec, allocated: int) -> Instance:
    path, variables, anchor = spec.path, member.variables, spec.vips[0]
    configured = InstanceOptions(path)
    configured.derive(path, name=spec.name)
    if spec.interface:
        configured.derive("keepalived_interface" if anchor.interface else anchor.path, interface=spec.interface)
    configured.derive(path if spec.router_id is None else "keepalived_virtual_router_id", virtual_router_id=allocated)
    own_priority = variables.get("keepalived_priority") is not None
    configured.derive("keepalived_priority" if own_priority else path, priority=_priority(cluster, member, spec))
    _timing(configured, spec)
    _preempt(configured, variables)
    _speech(configured, cluster, member, anchor.family)
    written = [vip.written for vip in spec.vips]
    configured.derive(path, virtual_ipaddress=written[: spec.advertised])
    configured.derive(path, virtual_ipaddress_excluded=written[spec.advertised :])
    for option, trackers in spec.trackers.items():
        configured.take(DEFINITIONS[option], option, trackers)
    configured.expect("keepalived_auth_pass", "authentication")
    configured.lay(variables[INSTANCE_OPTIONS], INSTANCE_OPTIONS)
    configured.lay(spec.options, path)
    options = configured.options
    options.update(secret_options(variables, spec.options))
    # Every instance watches nginx, whether it is cut off, and whatever it lists or the inventory defines for all.
    own_files = values.items(options.get("track_file") or [], configured.place("track_file"))
    options["track_file"] = [*own_files, *POLICIES[spec.policy]]
    if gives_way(variables):
        options["track_file"].append(cut_off_file(spec.name))
    nopreempt = values.boolean(options.get("nopreempt", False), configured.place("nopreempt"))
    if nopreempt and "preempt_delay" not in spec.options:
        # The two exclude each other: a node that never preempts has nothing to delay.
        options.pop("preempt_delay", None)
    try:
        effective = timing({key: options[key] for key in ("version", "advert_int")}, "")
    except InputError as error:
        raise InputError(configured.place(error.path.lstrip(".")), error.message) from None
    return Instance(
        host=member.name,
        cluster=cluster.name,
        name=spec.name,
        path=path,
        vips=spec.vips,
        advertised=spec.advertised,
        router_id=values.integer(options["virtual_router_id"], configured.place("virtual_router_id"), 0, 255),
        priority=values.integer(options["priority"], configured.place("priority"), 1, 254),
        timing=effective,
        policy=spec.policy,
        nopreempt=nopreempt,
        turn=spec.turn,
        preferred=spec.preferred,
        configured=configured,
    )


def _timing(configured: InstanceOptions, spec: Spec) -> None:
    """Derive version and interval of the adverts from a profile, or lay those that are written out."""
    own = timing(spec.timing, spec.timing_path)
    configured.derive(spec.timing_path, version=own.version, advert_int=own.advert_int)
    if isinstance(spec.timing, Mapping):
        configured.lay({name: getattr(own, name) for name in spec.timing}, spec.timing_path)


def _preempt(configured: InstanceOptions, variables: Mapping[str, t.Any]) -> None:
    """Derive whether and when the preferred member takes an address back."""
    if not values.boolean(variables["keepalived_preempt"], "keepalived_preempt"):
        configured.derive("keepalived_preempt", nopreempt=True)
        return
    delay = values.integer(variables["keepalived_preempt_delay"], "keepalived_preempt_delay", 0, 1000)
    configured.derive("keepalived_preempt_delay", preempt_delay=delay)


def _speech(configured: InstanceOptions, cluster: Cluster, member: Balancer, family: int) -> None:
    """Derive from where and to whom the member speaks."""
    address = member.addresses.get(family, "")
    configured.expect("keepalived_unicast", "unicast_peer")
    configured.expect(MULTICAST_GROUP[family], "mcast_dst_ip")
    if not values.boolean(member.variables["keepalived_unicast"], "keepalived_unicast"):
        configured.derive("keepalived_unicast", mcast_src_ip=address)
        group = multicast_group(member, family)
        if group:
            configured.derive(MULTICAST_GROUP[family], mcast_dst_ip=group)
        return
    peers = [
        other.addresses[family] for other in cluster.members if other.name != member.name and family in other.addresses
    ]
    configured.derive("keepalived_unicast", unicast_src_ip=address, unicast_peer=peers)
    if family == 6 and peers:
        # Else it is the kernel's, and peers could not tell a routed advert.
        configured.derive("keepalived_unicast", unicast_ttl=HIGHEST_TTL)


def multicast_group(member: Balancer, family: int) -> str:
    """Return the multicast group that the inventory says for a family, empty for that of the protocol."""
    variable = MULTICAST_GROUP[family]
    group = member.variables.get(variable)
    return group_address(group, variable, family) if group is not None else ""


def _priority(cluster: Cluster, member: Balancer, spec: Spec) -> int:
    """Return the host's own priority, else the one that follows from the order of the members."""
    own = member.variables.get("keepalived_priority")
    if own is not None:
        return values.integer(own, "keepalived_priority", 1, HIGHEST)
    names = [other.name for other in cluster.members]
    if spec.preferred:
        if spec.preferred not in names:
            raise InputError(
                f"{spec.path}.preferred", f"`{spec.preferred}` is no member: prefer one of {', '.join(names)}"
            )
        names.remove(spec.preferred)
        names.insert(0, spec.preferred)
    elif spec.turn is not None:
        names = [names[place] for place in order(len(names), spec.turn)]
    return priorities(len(names))[names.index(member.name)]
