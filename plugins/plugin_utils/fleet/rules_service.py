# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the service: every member serves the same, from upstreams that exist. Private to this collection."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import (
    SERVICE,
    VIRTUAL_SERVERS,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = (
    "distinct_servers",
    "known_upstreams",
    "same_service",
    "sites_with_targets",
)

OF_SITES = ("nginx_http", "nginx_stream")
"""What of nginx.conf holds for sites and ports; how many workers there are, is each host's own business."""


def same_service(plan: Plan) -> t.Iterator[Fault]:
    """Whoever takes the address over must serve the same."""
    for cluster in plan.fleet.clusters:
        first = cluster.members[0]
        for other in cluster.members[1:]:
            for name in (*SERVICE, *OF_SITES, "balancer_default_server", VIRTUAL_SERVERS):
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
        for users, variable in (
            ("balancer_sites", "balancer_upstreams"),
            ("balancer_streams", "balancer_stream_upstreams"),
        ):
            names: list[str] = []
            for index, upstream in values.mappings(member.variables[variable]):
                name, path = str(upstream.get("name", "")), f"{variable}[{index}].name"
                if name.lower() in [known.lower() for known in names]:
                    message = f"`{name}` is the name of two upstreams, and capitals do not count: give each its own"
                    yield Fault("duplicate-upstream", member.name, path, message)
                names.append(name)
            for path, name in _used(member.variables[users], users):
                # What a variable can be is judged with the map that gives it its value.
                if name not in names and not name.startswith("$"):
                    there = ", ".join(names) or "none yet"
                    message = f"`{name}` is no upstream of {variable}: add it, or use one that is there ({there})"
                    yield Fault("unknown-upstream", member.name, path, message)


def _used(sites: t.Any, path: str) -> t.Iterator[tuple[str, str]]:
    for index, site in values.mappings(sites):
        if site.get("upstream"):
            yield f"{path}[{index}].upstream", str(site["upstream"])
        yield from _used(site.get("locations"), f"{path}[{index}].locations")


ANSWERING = (
    "upstream",
    "return",
    "root",
    "locations",
    "directives",
    "maintenance",
    "ssl_reject_handshake",
    "try_files",
)
"""Options of a site, each of which says what becomes of a request."""


def sites_with_targets(plan: Plan) -> t.Iterator[Fault]:
    """A site says what becomes of its requests; nginx would answer them with files that its package brings."""
    for member in plan.fleet.balancers:
        for index, site in values.mappings(member.variables["balancer_sites"]):
            misspelt = any(option not in NGINX_OPTIONS["servers"]["options"] for option in site)
            if not misspelt and not any(site.get(option) for option in ANSWERING):
                message = "says not where its requests go: add upstream, or locations, root or return"
                yield Fault("site-without-target", member.name, f"balancer_sites[{index}]", message)


def distinct_servers(plan: Plan) -> t.Iterator[Fault]:
    """A server counts once in an upstream."""
    judged: dict[int, list[tuple[int, str, str, int]]] = {}
    for member in plan.fleet.balancers:
        for variable, upstreams in plan.upstreams[member.name].items():
            # Hosts that say the same share one list.
            if id(upstreams) not in judged:
                judged[id(upstreams)] = list(_repeated(upstreams))
            for index, address, port, count in judged[id(upstreams)]:
                shown = f"{address} port {port}" if port else address
                message = f"{shown} is listed {count} times: list it once, and give it a weight if it shall get more"
                yield Fault("duplicate-server", member.name, f"{variable}[{index}].servers", message)


def _repeated(upstreams: t.Iterable[Mapping[str, t.Any]]) -> t.Iterator[tuple[int, str, str, int]]:
    for index, upstream in enumerate(upstreams):
        members = (server for _index, server in values.mappings(upstream["servers"]))
        servers = Counter((str(server.get("address")), str(server.get("port") or "")) for server in members)
        yield from ((index, address, port, count) for (address, port), count in servers.items() if count > 1)
