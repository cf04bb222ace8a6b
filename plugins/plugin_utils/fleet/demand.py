# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the balancers of a fleet ask of a backend: who comes, and to which ports. Private to this collection."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.access import listen
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS, DRAWING
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Backend, Fleet

__all__ = ("Demand", "demands", "own_port")

SITES, STREAMS, _LVS = DRAWING
Variables = Mapping[str, t.Any]


@dataclass
class Demand:
    """What is asked of a backend, and of all others of which the same is asked.

    ``balancers`` maps the names of those that draw on it to their addresses. ``ports`` are those to which requests of
    HTTP go, each with the path of the upstream that says so; ``streams`` are those of layer 4, as in 3306/tcp.
    """

    balancers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ports: dict[int, str] = field(default_factory=dict)
    streams: dict[str, None] = field(default_factory=dict)

    @functools.cached_property
    def addresses(self) -> list[str]:
        """The addresses from which the balancers come."""
        return list(dict.fromkeys(address for addresses in self.balancers.values() for address in addresses))


def demands(fleet: Fleet) -> dict[str, Demand]:
    """Return what is asked of every backend by its name; those of which the same is asked share it.

    A host that nobody asks for a port serves its own. Where it says that itself, it serves that besides.
    """
    drawn = _drawn(fleet)
    groups_of: dict[str, list[str]] = {}
    for group in drawn:
        for host in dict.fromkeys(fleet.groups.get(group, ())):
            groups_of.setdefault(host, []).append(group)
    made: dict[tuple[tuple[str, ...], int, bool], Demand] = {}
    result: dict[str, Demand] = {}
    for host, backend in fleet.backends.items():
        groups = tuple(groups_of.get(host, ()))
        key = (groups, own_port(backend), "port" in backend.server)
        if key not in made:
            made[key] = _demand([drawn[group] for group in groups], backend)
        result[host] = made[key]
    return result


def _drawn(fleet: Fleet) -> dict[str, _Drawn]:
    """Return what is asked of each group of the inventory that an upstream draws on.

    Thousands of balancers can draw on one group of thousands of hosts: nothing here is done for each of both.
    """
    found: dict[str, _Drawn] = {}
    number = 0
    for place, member in enumerate(fleet.balancers):
        addresses = tuple(member.addresses.values())
        for variable in DRAWING:
            for path, upstream in _drawing(member.variables, variable):
                drawn = found.setdefault(str(upstream["servers_from"]), _Drawn())
                drawn.balancers[place] = (member.name, addresses)
                drawn.asked.setdefault(_asked(member.variables, variable, upstream, path), number)
                number += 1
    return found


def _demand(drawn: list[_Drawn], backend: Backend) -> Demand:
    """Return what is asked of a host in these groups, in the order of the inventory whichever group it came by."""
    demand = Demand()
    for _place, (name, addresses) in sorted(
        {place: one for each in drawn for place, one in each.balancers.items()}.items()
    ):
        demand.balancers[name] = addresses
    for _number, asked in sorted((number, asked) for each in drawn for asked, number in each.asked.items()):
        asked.add_to(demand, backend)
    if not demand.ports or "port" in backend.server:
        demand.ports.setdefault(own_port(backend), "backend_port")
    return demand


def own_port(backend: Backend) -> int:
    """Return the port of a host for whoever names none."""
    port: int = backend.server.get("port", DEFAULTS["backend_port"])
    return port


class _Asked(t.NamedTuple):
    """What one upstream asks of each of its members: a port that it names, or ports of streams, or the member's own."""

    path: str
    port: int | None
    streams: tuple[str, ...]

    def add_to(self, demand: Demand, backend: Backend) -> None:
        if self.streams:
            demand.streams.update(dict.fromkeys(self.streams))
        elif self.port is not None:
            demand.ports.setdefault(self.port, self.path)
        else:
            demand.ports.setdefault(own_port(backend), "backend_port")


@dataclass
class _Drawn:
    """What is asked of a group, and when first; each balancer by its place, with its name and addresses."""

    balancers: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    asked: dict[_Asked, int] = field(default_factory=dict)


def _asked(variables: Variables, variable: str, upstream: Mapping[str, t.Any], path: str) -> _Asked:
    # A real server of LVS has the port of its host; that of the virtual server is another one.
    port = upstream.get("port") if variable in (SITES, STREAMS) else None
    if port is None:
        return _Asked(path, None, ())
    try:
        number = values.whole(port, path)
    except InputError:
        return _Asked(path, None, ())  # which is told where the upstream itself is judged
    ways = _ways(variables, upstream.get("name")) if variable == STREAMS else ()
    return _Asked(path, number, tuple(f"{number}/{way}" for way in ways))


def _drawing(variables: Variables, variable: str) -> t.Iterator[tuple[str, Mapping[str, t.Any]]]:
    for index, upstream in values.mappings(variables[variable]):
        if isinstance(upstream.get("servers_from"), str):
            yield f"{variable}[{index}]", upstream


def _ways(variables: Variables, upstream: t.Any) -> Iterable[str]:
    """Return tcp, udp or both: what the streams that go to an upstream take."""
    found: dict[str, None] = {}
    for stream in variables["balancer_streams"]:
        if isinstance(stream, Mapping) and stream.get("upstream") == upstream:
            listens = stream.get("listen") or []
            for text in listens if isinstance(listens, list) else [listens]:
                found.update(dict.fromkeys(way for _host, _port, way in listen(str(text))))
    return found or ("tcp",)
