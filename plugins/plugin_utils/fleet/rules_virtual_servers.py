# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the virtual servers of LVS over all hosts that share their addresses."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import literal
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import VIRTUAL_SERVERS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("distinct_virtual_servers", "free_ports", "shared_virtual_addresses")


def shared_virtual_addresses(plan: Plan) -> t.Iterator[Fault]:
    """A virtual server is reached where the address goes, so its address is one that the balancers share."""
    for member in plan.fleet.balancers:
        vips = {str(vip.address) for vip in member.vips}
        for path, server in _servers(plan, member.name):
            address = str(server.get("address", ""))
            if address and address not in vips:
                message = (
                    f"{address} is no shared address of {member.name}, so it would stay where it is when the host "
                    f"fails: use one of {', '.join(sorted(vips)) or 'keepalived_vips'}, or add it to them"
                )
                yield Fault("unshared-address", member.name, f"{path}.address", message)


def distinct_virtual_servers(plan: Plan) -> t.Iterator[Fault]:
    """An address, port and protocol lead to one set of servers."""
    for member in plan.fleet.balancers:
        seen: dict[tuple[str, str, str], str] = {}
        for path, server in _servers(plan, member.name):
            key = (str(server.get("address")), str(server.get("port")), str(server.get("protocol")).upper())
            first = seen.setdefault(key, path)
            if first != path and server.get("address"):
                message = f"is {key[0]} port {key[1]}, as {first} is: keep one, and list all servers there"
                yield Fault("duplicate-virtual-server", member.name, path, message)


def free_ports(plan: Plan) -> t.Iterator[Fault]:
    """What LVS takes at an address never reaches nginx on the same port."""
    for member in plan.fleet.balancers:
        listening = list(access.listens(member.variables))
        for path, server in _servers(plan, member.name):
            for host, ports, protocol in listening:
                same = not host or literal(host) == literal(server.get("address"))
                first, last = access.first_and_last(ports)
                port = str(server.get("port", ""))
                within = port.isdigit() and first <= int(port) <= last
                if same and within and protocol == str(server.get("protocol", "")).lower():
                    message = (
                        f"{port} at {server.get('address')} is also where nginx listens (balancer_sites or "
                        "balancer_streams), and nothing would reach it there any more: let one of them use another "
                        "port or address"
                    )
                    yield Fault("port-of-nginx", member.name, f"{path}.port", message)
                    break


def _servers(plan: Plan, host: str) -> t.Iterator[tuple[str, Mapping[str, t.Any]]]:
    for index, server in enumerate(plan.virtual_servers[host]):
        yield f"{VIRTUAL_SERVERS}[{index}]", server
