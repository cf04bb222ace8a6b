# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LVS: virtual servers whose members come from the inventory, as those of an upstream do."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import VIRTUAL_SERVER_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import literal
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import VIRTUAL_SERVERS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.demand import own_port
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Backend, Fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.upstreams import hosts_of

__all__ = ("loopback_addresses", "method", "virtual_servers")

PRESET: dict[str, t.Any] = {
    "protocol": "TCP",
    "lb_algo": "wlc",
    "lb_kind": ["DR"],
    # keepalived asks once a minute unless it is told; a dead server would get connections for as long.
    "delay_loop": 2,
    "retry": 1,
    "delay_before_retry": 1,
    "connect_timeout": 2,
}
"""What a virtual server does unless it is told."""

_REAL_SERVER = VIRTUAL_SERVER_OPTIONS["real_servers"]["options"]
SHARED = tuple(name for name in _REAL_SERVER if name not in VIRTUAL_SERVER_OPTIONS and name != "address")
"""Options of a real server that a virtual server with ``servers_from`` says for all of them."""

CHECKS = tuple(name for name in SHARED if name.endswith("_checks"))


def virtual_servers(fleet: Fleet, value: t.Any) -> list[dict[str, t.Any]]:
    """Return the virtual servers as ``keepalived_config`` takes them; raises InputError for the first that is wrong."""
    return [
        _resolve(fleet, values.mapping(one, f"{VIRTUAL_SERVERS}[{index}]"), f"{VIRTUAL_SERVERS}[{index}]")
        for index, one in enumerate(values.items(value, VIRTUAL_SERVERS))
    ]


def method(server: Mapping[str, t.Any]) -> str:
    """Return how the connections of a virtual server get to their servers: DR, NAT or TUN."""
    value = server.get("lb_kind") or PRESET["lb_kind"]
    return str(value[0] if isinstance(value, list) else str(value).split()[0])


def loopback_addresses(servers: Iterable[Mapping[str, t.Any]], address: str) -> list[str]:
    """Return the addresses that a backend has to have for itself, so that it takes what is forwarded as it came."""
    found = {
        str(server.get("address")): None
        for server in servers
        if method(server) in ("DR", "TUN")
        and any(isinstance(one, Mapping) and one.get("address") == address for one in server.get("real_servers") or ())
    }
    return list(found)


def _resolve(fleet: Fleet, server: dict[str, t.Any], path: str) -> dict[str, t.Any]:
    found = {**PRESET, **{key: value for key, value in server.items() if value is not None}}
    found["lb_kind"] = found["lb_kind"] if isinstance(found["lb_kind"], list) else str(found["lb_kind"]).split()
    explicit = list(values.items(found.pop("real_servers", []), f"{path}.real_servers"))
    shared = {key: found.pop(key) for key in SHARED if key in found}
    if "servers_from" not in found:
        if shared:
            raise InputError(
                f"{path}.{next(iter(shared))}", "belongs to servers_from: here, say it at each real server"
            )
        if not explicit:
            raise InputError(f"{path}.real_servers", "is missing: list them, or name a group in servers_from")
        return {**found, "real_servers": [_checked(values.mapping(one, path)) for one in explicit]}
    group = values.text(found.pop("servers_from"), f"{path}.servers_from")
    derived = [_server(host, found, shared, path) for host in hosts_of(fleet, group, path)]
    return {**found, "real_servers": [_checked(one) for one in derived] + explicit}


def _server(host: Backend, server: Mapping[str, t.Any], shared: Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
    own = own_port(host)
    port = server.get("port")
    if method(server) != "NAT" and port is not None and str(port) != str(own):
        raise InputError(
            f"{path}.port",
            f"is {port}, and {host.name} serves at {own} (backend_port): with lb_kind {method(server)} the packets "
            f"arrive as they were sent, so set backend_port to {port}, or use lb_kind NAT",
        )
    family = getattr(literal(server.get("address")), "version", None)
    there = getattr(literal(host.address), "version", None)
    if method(server) == "DR" and None not in (family, there) and family != there:
        raise InputError(
            f"{path}.address",
            f"is of IPv{family}, and {host.name} has {host.address}: DR needs the same family on both",
        )
    weight = {"weight": host.server["weight"]} if "weight" in host.server else {}
    return {"address": host.address, "port": own, **shared, **weight}


def _checked(server: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a real server with a check; without any, a dead one would get its share of the connections for ever."""
    return server if any(server.get(name) for name in CHECKS) else {**server, "tcp_checks": [{}]}
