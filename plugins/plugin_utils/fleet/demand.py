# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the balancers of a fleet ask of a backend: who comes, and to which ports. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.access import listen
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS, DRAWING
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Backend, Balancer, Fleet

__all__ = ("Demand", "demands", "own_port")

SITES, STREAMS, _LVS = DRAWING
Variables = Mapping[str, t.Any]


@dataclass
class Demand:
    """What is asked of one backend.

    ``balancers`` maps the names of those that draw on it to their addresses. ``ports`` are those to which requests of
    HTTP go, each with the path of the upstream that says so; ``streams`` are those of layer 4, as in 3306/tcp.
    """

    balancers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ports: dict[int, str] = field(default_factory=dict)
    streams: dict[str, None] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """The addresses from which the balancers come."""
        return list(dict.fromkeys(address for addresses in self.balancers.values() for address in addresses))


def demands(fleet: Fleet) -> dict[str, Demand]:
    """Return what is asked of every backend by its name.

    A host that nobody asks for a port serves its own. Where it says that itself, it serves that besides.
    """
    found: dict[str, Demand] = {host: Demand() for host in fleet.backends}
    for member in fleet.balancers:
        for variable in DRAWING:
            for path, one in _drawing(member.variables, variable):
                for host in fleet.groups.get(str(one["servers_from"]), ()):
                    if host in found:
                        _add(found[host], fleet.backends[host], member, variable, one, path)
    for host, demand in found.items():
        if not demand.ports or "port" in fleet.backends[host].server:
            demand.ports.setdefault(own_port(fleet.backends[host]), "backend_port")
    return found


def own_port(backend: Backend) -> int:
    """Return the port of a host for whoever names none."""
    port: int = backend.server.get("port", DEFAULTS["backend_port"])
    return port


def _add(
    demand: Demand, backend: Backend, member: Balancer, variable: str, one: Mapping[str, t.Any], path: str
) -> None:
    demand.balancers[member.name] = tuple(member.addresses.values())
    # A real server of LVS has the port of its host; that of the virtual server is another one.
    port = one.get("port") if variable in (SITES, STREAMS) else None
    number = own_port(backend) if port is None else values.whole(port, path)
    if variable == STREAMS and port is not None:
        demand.streams.update(dict.fromkeys(f"{number}/{way}" for way in _ways(member.variables, one.get("name"))))
    else:
        demand.ports.setdefault(number, path if port is not None else "backend_port")


def _drawing(variables: Variables, variable: str) -> t.Iterator[tuple[str, Mapping[str, t.Any]]]:
    said = variables[variable] if isinstance(variables[variable], list) else []
    for index, one in enumerate(said):
        if isinstance(one, Mapping) and isinstance(one.get("servers_from"), str):
            yield f"{variable}[{index}]", one


def _ways(variables: Variables, upstream: t.Any) -> Iterable[str]:
    """Return tcp, udp or both: what the streams that go to an upstream take."""
    found: dict[str, None] = {}
    for stream in variables["balancer_streams"]:
        if isinstance(stream, Mapping) and stream.get("upstream") == upstream:
            said = stream.get("listen") or []
            for text in said if isinstance(said, list) else [said]:
                found.update(dict.fromkeys(way for _host, _port, way in listen(str(text))))
    return found or ("tcp",)
