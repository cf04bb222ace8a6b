# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as the inventory describes it. Private to this collection.

Only the inventory is asked, never the network and never the facts of a host: the same inventory gives the same
fleet, whatever part of it a play runs on.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Vip, literal, reachable, usable
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_content import accept_content
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import (
    DEFAULTS,
    DRAWING,
    GROUPS,
    OF_A_BACKEND,
    OF_A_BALANCER,
    OF_AN_ISSUER,
    OF_ONE_HOST,
    REACHED_BY,
    SECOND_FAMILY,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault, Faults
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.servers import OWN, server_options
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.spelling import Spelling
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller, with_texts
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import Specs, is_given, meant, wrong

__all__ = ("Backend", "Balancer", "Cluster", "Fleet", "read")

WHOLE_FLEET = "all"
"""The name of the one cluster when no host says ``keepalived_cluster``."""

ADDRESS_VARIABLE = {4: "keepalived_address", 6: "keepalived_address6"}


@dataclass(frozen=True)
class Balancer:
    """A host of the master or the backup group.

    ``addresses`` maps 4 and 6 to its own address of that family; ``variables`` holds what the inventory sets of all
    that the planner reads, with the defaults below it.
    """

    name: str
    role: str
    cluster: str
    vips: tuple[Vip, ...]
    addresses: Mapping[int, str]
    variables: Mapping[str, t.Any]

    @property
    def address(self) -> str:
        """The address it speaks VRRP from: of the family of its first shared address."""
        family = self.vips[0].family if self.vips else 4
        return self.addresses.get(family, "")


@dataclass(frozen=True)
class Backend:
    """A host that serves behind the balancers. ``server`` is what it says for itself, as options of a server.

    ``variables`` are as those of a balancer.
    """

    name: str
    address: str
    server: Mapping[str, t.Any]
    variables: Mapping[str, t.Any]


@dataclass(frozen=True)
class Cluster:
    """The balancers that share their addresses, in order of preference."""

    name: str
    members: tuple[Balancer, ...]

    @property
    def is_alone(self) -> bool:
        """Whether it is one balancer that shares no address, so that nothing is there for keepalived to keep."""
        return len(self.members) == 1 and not self.members[0].vips and not _said_instances(self.members[0].variables)


@dataclass(frozen=True)
class Fleet:
    """All clusters, all hosts that any upstream may draw on, and the groups of the inventory.

    ``whole`` is false where a value could not be read; then nothing is derived, and there are no backends.
    """

    clusters: tuple[Cluster, ...]
    backends: Mapping[str, Backend]
    groups: Mapping[str, Iterable[str]]
    roles: Mapping[str, str] = field(default_factory=lambda: dict(GROUPS))
    whole: bool = True

    @property
    def balancers(self) -> t.Iterator[Balancer]:
        for cluster in self.clusters:
            yield from cluster.members


def read(
    hostvars: Mapping[str, Mapping[str, t.Any]],
    groups: Mapping[str, t.Sequence[str]],
    specs: Specs,
    faults: Faults,
    *,
    roles: t.Any = None,
    foreign: t.Any = None,
    controller: Controller | None = None,
) -> Fleet:
    """Return the fleet; what cannot be read is added to ``faults``.

    First each value is judged by itself, on all hosts. Where one is wrong that others follow from, nothing is
    derived: it would follow from what nobody said, and every fault in it would be a false one.

    ``specs`` are the roles' argument specs, ``roles`` is the value of ``holdfast_groups``; ``foreign`` has patterns of
    the variables that belong to somebody else (``holdfast_foreign_variables``); ``controller`` has the files that
    sites name.
    """
    names = dict(GROUPS)
    with faults.on(""):
        names = _roles(roles)
    spelling = Spelling(specs)
    with faults.on(""):
        spelling = Spelling(specs, values.items(values.plain(foreign or []), "holdfast_foreign_variables"))

    given: dict[str, Given] = {}
    folders: dict[str, str] = {}
    balancers = _balancers(groups, names, faults)
    for host in balancers:
        own = hostvars[host]  # once: Ansible merges all variables of a host whenever it is asked for them
        given[host] = _given(own, host, OF_A_BALANCER, specs, faults)
        folders[host] = str(own.get("inventory_dir") or "")
        faults.add(spelling.faults(host, own))
    drawn_on = dict.fromkeys(_server_groups({**DEFAULTS, **given[host].variables} for host in balancers))
    serving: dict[str, Given] = {}
    for group in dict.fromkeys([*drawn_on, names["backend"]]):
        for host in groups.get(group, ()):
            if host in serving:
                continue
            own = hostvars[host]
            folders[host] = str(own.get("inventory_dir") or "")
            serving[host] = _given(own, host, OF_A_BACKEND, specs, faults)
            if host not in balancers:
                faults.add(spelling.faults(host, own))
    issuers = {host: hostvars[host] for host in groups.get(names["issuer"], ())}
    judged = [_given(own, host, OF_AN_ISSUER, specs, faults) for host, own in issuers.items()]
    for host, own in issuers.items():
        if host not in balancers and host not in serving:
            faults.add(spelling.faults(host, own))
    faults.add(spelling.passed())
    if not all(one.whole for one in (*given.values(), *serving.values(), *judged)):
        unread = [Balancer(host, role, WHOLE_FLEET, (), {}, given[host].variables) for host, role in balancers.items()]
        return Fleet((Cluster(WHOLE_FLEET, tuple(unread)),), {}, groups, names, whole=False)

    clusters: dict[str, list[Balancer]] = {}
    for host, role in balancers.items():
        variables = dict(given[host].variables)
        with faults.on(host):
            variables["balancer_sites"] = with_texts(
                {**DEFAULTS, **variables}, folders[host], controller or Controller()
            )
        balancer = _balancer(host, role, variables, faults)
        clusters.setdefault(balancer.cluster, []).append(balancer)
    for host in serving:
        with faults.on(host):
            accept_content({**DEFAULTS, **serving[host].variables}, folders[host], controller or Controller())
    needed = {host for group in drawn_on for host in groups.get(group, ())}
    return Fleet(
        clusters=tuple(Cluster(name, tuple(members)) for name, members in clusters.items()),
        backends={host: _backend(host, one.variables, faults, host in needed) for host, one in serving.items()},
        groups=groups,
        roles=names,
    )


def _balancers(groups: Mapping[str, t.Sequence[str]], names: Mapping[str, str], faults: Faults) -> dict[str, str]:
    """Return the balancers in order of preference, and the role of each."""
    found: dict[str, str] = {}
    for role in ("master", "backup"):
        for host in groups.get(names[role], ()):
            if found.setdefault(host, role) != role:
                faults.add([_in_both(host, names)])
    return found


def _roles(value: t.Any) -> dict[str, str]:
    if value is None:
        return dict(GROUPS)
    chosen = values.mapping(values.plain(value), "holdfast_groups")
    for key, name in chosen.items():
        if key not in GROUPS:
            raise InputError(f"holdfast_groups.{key}", f"is unknown: the groups are {', '.join(GROUPS)}")
        values.text(name, f"holdfast_groups.{key}")
    return {**GROUPS, **chosen}


def _in_both(host: str, names: Mapping[str, str]) -> Fault:
    message = f"is in group {names['master']} and in group {names['backup']}: leave it in one of them"
    return Fault("two-roles", host, "", message)


class Given(t.NamedTuple):
    """What the inventory sets for a host, and whether all of it that others follow from is as it must be."""

    variables: Mapping[str, t.Any]
    whole: bool


def _given(hostvars: Mapping[str, t.Any], host: str, prefixes: tuple[str, ...], specs: Specs, faults: Faults) -> Given:
    """Return the variables of the roles that the host is for; each is templated once, and judged by itself."""
    found: dict[str, t.Any] = {}
    whole = True
    for name in list(hostvars):
        spec = specs.get(name) if name.startswith(prefixes) else None
        if spec is None and name != REACHED_BY:
            continue
        faulty: list[Fault] = []
        try:
            value = _resolved(hostvars[name])
        except InputError as error:
            faulty.append(Fault("input", host, name, error.message))
        except Exception as error:  # noqa: BLE001  templating raises what the template raises
            faulty.append(Fault("unresolved", host, name, f"cannot be resolved from the inventory alone: {error}"))
        else:
            if spec is None:
                found[name] = value
            elif is_given(value, spec):
                faulty += [Fault("input", host, error.path, error.message) for error in wrong(name, value, specs)]
                found[name] = value if faulty else meant(value, spec)
        faults.add(faulty)
        whole = whole and not (faulty and name not in OF_ONE_HOST)
    return Given(found, whole)


def _resolved(value: t.Any) -> t.Any:
    """Return a value as plain data; raises ValueError for a template, which older versions of ansible-core leave."""
    found = values.plain(value)
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, str) and "{{" in one:
            raise ValueError(one)
    return found


def _balancer(host: str, role: str, given: Mapping[str, t.Any], faults: Faults) -> Balancer:
    variables = {**DEFAULTS, **given}
    cluster = str(variables.get("keepalived_cluster", WHOLE_FLEET))
    vips: tuple[Vip, ...] = ()
    spoken: set[int] = set()
    with faults.on(host):
        vips = tuple(_vips(variables))
        spoken = _spoken(variables, vips)
    addresses = {}
    for family in dict.fromkeys(vip.family for vip in vips):
        with faults.on(host):
            address = _own_address(host, family, given, vips, needed=family in spoken)
            if address:
                addresses[family] = address
    if not vips:
        # Backends still want to know who comes to them.
        for own in (literal(given.get(REACHED_BY)), literal(host)):
            if own is not None and usable(own):
                addresses.setdefault(own.version, str(own))
    return Balancer(host, role, cluster, vips, addresses, variables)


def _said_instances(variables: Mapping[str, t.Any]) -> bool:
    return bool(variables.get("keepalived_instances"))


def _vips(variables: Mapping[str, t.Any]) -> t.Iterator[Vip]:
    """Yield the shared addresses of a host, those of explicit instances where it has such."""
    interface = _interface(variables, "keepalived_interface")
    if "keepalived_instances" not in variables:
        path = "keepalived_vips"
        for index, written in enumerate(values.items(variables[path], path)):
            yield Vip.parse(written, f"{path}[{index}]", interface)
        return
    for number, value in enumerate(values.items(variables["keepalived_instances"], "keepalived_instances")):
        place = f"keepalived_instances[{number}]"
        instance = values.mapping(value, place)
        own = _interface(instance, "interface", f"{place}.") or interface
        for key in ("vips", "virtual_ipaddress", "virtual_ipaddress_excluded"):
            path = f"{place}.{key}"
            for index, written in enumerate(values.items(instance.get(key) or [], path)):
                yield Vip.parse(written, f"{path}[{index}]", own)


def _spoken(variables: Mapping[str, t.Any], vips: tuple[Vip, ...]) -> set[int]:
    """Return the families in which adverts are sent; one that only rides along needs no address of the host."""
    if "keepalived_instances" in variables:
        anchors = {vip.path.partition(".")[0]: vip.family for vip in reversed(vips)}
        return set(anchors.values())
    if (
        values.boolean(variables["keepalived_spread"], "keepalived_spread")
        or values.choice(variables["keepalived_second_family"], "keepalived_second_family", SECOND_FAMILY)
        == "sync_group"
    ):
        return {vip.family for vip in vips}
    return {vip.family for vip in vips[:1]}


def _interface(options: Mapping[str, t.Any], key: str, path: str = "") -> str:
    return "" if options.get(key) is None else values.text(options[key], path + key)


def _own_address(host: str, family: int, given: Mapping[str, t.Any], vips: tuple[Vip, ...], needed: bool) -> str:
    """Return the host's own address of a family, empty when there is none and none is needed."""
    variable = ADDRESS_VARIABLE[family]
    # A fleet of IPv6 alone may say keepalived_address like everybody else.
    for name in dict.fromkeys((variable, "keepalived_address")):
        if name not in given:
            continue
        address = reachable(given[name], name)
        if address.version == family:
            return str(address)
        if name == variable:
            raise InputError(name, f"{address} is not of IPv{family}: write one that is")
    networks = [vip.network for vip in vips if vip.family == family and vip.network]
    for candidate in (literal(given.get(REACHED_BY)), literal(host)):
        if candidate is None or candidate.version != family or not usable(candidate):
            continue
        if not networks or any(candidate in network for network in networks):
            return str(candidate)
    if needed:
        reached = given.get(REACHED_BY, host)
        inside = f" inside {networks[0]}" if networks else ""
        raise InputError(
            variable,
            f"is missing, and `{reached}`, by which the host is reached, is no address{inside}: set {variable}",
        )
    return ""


def _backend(host: str, given: Mapping[str, t.Any], faults: Faults, needed: bool) -> Backend:
    """Return the host; who serves in no upstream needs no address here."""
    address, server = "", {}
    with faults.on(host) if needed else contextlib.suppress(InputError):
        address = _backend_address(host, given)
    with faults.on(host):
        server = server_options(given, "", OWN, prefix="backend_")
    return Backend(host, address, server, {**DEFAULTS, **given})


def _backend_address(host: str, given: Mapping[str, t.Any]) -> str:
    if "backend_address" in given:
        return str(reachable(given["backend_address"], "backend_address"))
    for candidate in (literal(given.get(REACHED_BY)), literal(host)):
        if candidate is not None and usable(candidate):
            return str(candidate)
    reached = given.get(REACHED_BY, host)
    raise InputError(
        "backend_address",
        f"is missing, and `{reached}`, by which the host is reached, is no address that the balancers can use: "
        "set backend_address",
    )


def _server_groups(balancers: Iterable[Mapping[str, t.Any]]) -> t.Iterator[str]:
    for variables in balancers:
        for upstreams in (variables[name] for name in DRAWING):
            for upstream in upstreams if isinstance(upstreams, list) else ():
                if isinstance(upstream, dict) and isinstance(upstream.get("servers_from"), str):
                    yield upstream["servers_from"]
