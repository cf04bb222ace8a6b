# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the service: every member serves the same, from upstreams that exist. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("distinct_servers", "known_upstreams", "same_service")

SAME_IN_A_CLUSTER = ("balancer_upstreams", "balancer_sites", "balancer_streams")


def same_service(plan: Plan) -> t.Iterator[Fault]:
    """Whoever takes the address over must serve the same."""
    for cluster in plan.fleet.clusters:
        first = cluster.members[0]
        for other in cluster.members[1:]:
            for name in SAME_IN_A_CLUSTER:
                where = _difference(first.variables[name], other.variables[name], name)
                if where:
                    message = (
                        f"is not the same on {first.name} and {other.name}, which share an address: clients would get "
                        "another service after a failover; set it for the whole cluster"
                    )
                    yield Fault("different-service", other.name, where, message)


def _difference(one: t.Any, other: t.Any, path: str) -> str:
    """Return the path of the first difference, empty when there is none."""
    if one == other:
        return ""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *other]:
            if key not in one or key not in other:
                return f"{path}.{key}"
            if one[key] != other[key]:
                return _difference(one[key], other[key], f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        for index, (mine, theirs) in enumerate(zip(one, other)):
            if mine != theirs:
                return _difference(mine, theirs, f"{path}[{index}]")
        return f"{path}[{min(len(one), len(other))}]"
    return path


def known_upstreams(plan: Plan) -> t.Iterator[Fault]:
    """A site or stream goes to an upstream that exists, and names are not used twice."""
    for member in plan.fleet.balancers:
        names: dict[str, str] = {}
        for index, upstream in enumerate(_dicts(member.variables["balancer_upstreams"])):
            name, path = str(upstream.get("name", "")), f"balancer_upstreams[{index}].name"
            if name.lower() in (known.lower() for known in names):
                message = (
                    f"`{name}` is the name of two upstreams (nginx does not tell capitals apart): give each its own"
                )
                yield Fault("duplicate-upstream", member.name, path, message)
            names[name] = str(upstream.get("context", "http"))
        for variable, context in (("balancer_sites", "http"), ("balancer_streams", "stream")):
            for path, name in _used(member.variables[variable], variable):
                if name not in names:
                    defined = ", ".join(known for known, kind in names.items() if kind == context) or "none"
                    message = (
                        f"`{name}` is no upstream of balancer_upstreams: add it, or use one that is there ({defined})"
                    )
                    yield Fault("unknown-upstream", member.name, path, message)
                elif names[name] != context:
                    message = f"`{name}` has context {names[name]}, and this needs one of context {context}"
                    yield Fault("unknown-upstream", member.name, path, message)


def _used(sites: t.Any, path: str) -> t.Iterator[tuple[str, str]]:
    for index, site in enumerate(_dicts(sites)):
        if site.get("upstream"):
            yield f"{path}[{index}].upstream", str(site["upstream"])
        for number, location in enumerate(_dicts(site.get("locations"))):
            if location.get("upstream"):
                yield f"{path}[{index}].locations[{number}].upstream", str(location["upstream"])


def distinct_servers(plan: Plan) -> t.Iterator[Fault]:
    """A server counts once in an upstream, and a host's own port fits all upstreams that it serves in."""
    for member in plan.fleet.balancers:
        ports: dict[str, dict[str, str]] = {}
        for index, upstream in enumerate(_dicts(member.variables["balancer_upstreams"])):
            if "servers_from" in upstream and "port" in upstream:
                named = ports.setdefault(str(upstream["servers_from"]), {})
                named[str(upstream["port"])] = f"balancer_upstreams[{index}]"
        for group, chosen in ports.items():
            if len(chosen) < 2:
                continue
            for host in plan.fleet.groups.get(group, ()):
                backend = plan.fleet.backends.get(host)
                if backend and "port" in backend.server:
                    message = (
                        f"{backend.server['port']} would be used for {' and '.join(chosen.values())}, which say "
                        "different ports: remove it, or let one of the upstreams list its servers"
                    )
                    yield Fault("ambiguous-port", host, "backend_port", message)
        for index, upstream in enumerate(plan.upstreams[member.name]):
            servers = Counter((str(one.get("address")), one.get("port")) for one in _dicts(upstream["servers"]))
            for (address, port), count in servers.items():
                if count > 1:
                    shown = f"{address} port {port}" if port else address
                    message = (
                        f"{shown} is listed {count} times, and would get that many shares: list it once, with a weight"
                    )
                    yield Fault("duplicate-server", member.name, f"balancer_upstreams[{index}].servers", message)


def _dicts(value: t.Any) -> list[Mapping[str, t.Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
