# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstreams as the inventory writes them, with their servers found. Private to this collection."""

from __future__ import annotations

import difflib
import json
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Backend, Fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.servers import SHARED, server_options

__all__ = ("Resolver", "hosts_of")


class Resolver:
    """Turns ``servers_from`` into servers, once for all hosts that have the same upstreams."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._done: dict[str, list[dict[str, t.Any]]] = {}

    def __call__(self, upstreams: t.Any, variable: str) -> list[dict[str, t.Any]]:
        """Return the upstreams as ``nginx_config`` takes them; raises InputError for the first that is wrong."""
        written = json.dumps([variable, upstreams], sort_keys=True)
        if written not in self._done:
            self._done[written] = [
                self._resolve(values.mapping(upstream, f"{variable}[{index}]"), f"{variable}[{index}]")
                for index, upstream in enumerate(values.items(upstreams, variable))
            ]
        return self._done[written]

    def _resolve(self, upstream: dict[str, t.Any], path: str) -> dict[str, t.Any]:
        if "name" not in upstream:
            raise InputError(f"{path}.name", "is missing: a site goes to an upstream by its name")
        values.text(upstream["name"], f"{path}.name")
        explicit = list(values.items(upstream.get("servers", []), f"{path}.servers"))
        shared = server_options(upstream, path, SHARED)
        if "servers_from" not in upstream:
            if shared:
                key = next(iter(shared))
                raise InputError(f"{path}.{key}", "belongs to servers_from: here, say it at each of the servers")
            if not explicit:
                raise InputError(f"{path}.servers", "is missing: list the servers, or name a group in servers_from")
            return {**upstream, "servers": explicit}
        group = values.text(upstream["servers_from"], f"{path}.servers_from")
        # What a host says for itself goes before what the upstream says for all. Only its port does not: it is where
        # this upstream shall go, and a host can serve several.
        common = {"port": DEFAULTS["backend_port"], **shared}
        port = {"port": shared["port"]} if "port" in shared else {}
        hosts = hosts_of(self._fleet, group, path)
        derived = [{"address": host.address, **common, **host.server, **port} for host in hosts]
        rest = {key: value for key, value in upstream.items() if key not in shared and key != "servers_from"}
        return {**rest, "servers": derived + explicit}


def hosts_of(fleet: Fleet, group: str, path: str) -> list[Backend]:
    """Return the hosts of a group that ``servers_from`` names, those whose address is known."""
    path = f"{path}.servers_from"
    if group not in fleet.groups:
        near = difflib.get_close_matches(group, fleet.groups, n=1)
        advice = f"did you mean {near[0]}?" if near else "name one that the inventory has"
        raise InputError(path, f"there is no group `{group}`: {advice}")
    hosts = [fleet.backends[host] for host in fleet.groups[group] if host in fleet.backends]
    if not hosts:
        raise InputError(path, f"the group `{group}` has no hosts, so nobody would serve: add its hosts")
    return [host for host in hosts if host.address]
