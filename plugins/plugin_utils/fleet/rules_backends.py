# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the hosts that serve behind the balancers. Private to this collection."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Set

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_pages import SITES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_sites import (
    accept,
    origin,
    ports,
    served,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.demand import Demand
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("sound_sites",)


def sound_sites(plan: Plan, known_bad: Set[str]) -> t.Iterator[Fault]:
    """A host of the backend group can serve what it says, at all ports that are asked of it.

    Hosts in ``known_bad`` have their fault told already, and more would follow from it.
    """
    accepted: dict[str, InputError | None] = {}
    for host in plan.fleet.groups.get(plan.fleet.roles["backend"], ()):
        backend = plan.fleet.backends.get(host)
        if backend is None or host in plan.members or host in known_bad:
            continue
        variables, demand = backend.variables, plan.demands[host]
        try:
            _no_upstream(variables)
            sites = served(variables, demand)
        except InputError as error:
            yield Fault("option", host, error.path, error.message)
            continue
        # Thousands of hosts say the same, and it takes milliseconds to judge.
        server = variables["backend_server"]
        written = _written(server, sites, demand)
        if written not in accepted:
            accepted[written] = _refused(server, sites)
        refused = accepted[written]
        if refused:
            yield Fault("option", host, origin(refused.path, variables), refused.message)
            continue
        there = ports(sites)
        for port, path in demand.ports.items():
            if port not in there:
                message = f"no site listens on {port}, which {path} asks of this host: add it to a `listen`"
                yield Fault("unserved-port", host, SITES, message)


def _written(server: str, sites: list[dict[str, t.Any]], demand: Demand) -> str:
    """Return a text that two hosts share where they serve the same; whose balancers' addresses, stands for those."""
    named = [{key: id(one) if one is demand.addresses else one for key, one in site.items()} for site in sites]
    return json.dumps([server, named], sort_keys=True, default=str)


def _refused(server: str, sites: list[dict[str, t.Any]]) -> InputError | None:
    try:
        accept(server, sites)
    except InputError as error:
        return error
    return None


def _no_upstream(variables: t.Mapping[str, t.Any]) -> None:
    """Raise InputError for a site that goes to an upstream: those are the balancers'."""
    for index, site in enumerate(values.items(variables[SITES], SITES)):
        place = f"{SITES}[{index}]"
        locations = values.listed(values.mapping(site, place).get("locations"))
        for path, one in [(place, site), *((f"{place}.locations[{at}]", each) for at, each in enumerate(locations))]:
            if isinstance(one, dict) and one.get("upstream"):
                name = values.shown(one["upstream"])
                raise InputError(f"{path}.upstream", f"{name}: a backend has no upstreams, write a URL in proxy_pass")
