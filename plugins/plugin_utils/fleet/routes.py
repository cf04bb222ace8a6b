# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers a request: nginx itself, or a backend behind it. Private to this collection.

The steps are those of nginx: the server by address, port and name, then the location by path
(https://nginx.org/en/docs/http/request_processing.html). What is in raw ``directives`` of a server is not looked
into, and a location is judged by where it sends requests at first.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import (
    default_listens,
    redirect_listens,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("ITSELF", "PROXIED", "SILENT", "Route", "Site", "health_site", "route", "sites")

ITSELF, PROXIED, SILENT = "nginx itself", "a backend", "nobody"

_PASSES = re.compile(r"(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass\s")
_LOCATION = re.compile(r"(?:(=|\^~|~\*?)\s*)?(\S.*)")
_LISTEN = re.compile(r"(?:(?P<host>\[[^]]*\]|[^:]+):)?(?P<first>\d+)(?:-(?P<last>\d+))?")
_WILDCARDS = ("", "*", "0.0.0.0", "[::]")


@dataclass(frozen=True)
class Site:
    """A server of nginx as the inventory writes it, and the path of its variable, empty for one that is derived."""

    path: str
    options: Mapping[str, t.Any]

    @property
    def names(self) -> list[str]:
        return [str(name).lower() for name in values.listed(self.options.get("server_name"))]

    @property
    def listens(self) -> list[str]:
        listens = values.listed(self.options.get("listen")) or default_listens(self.options)
        return [*map(str, listens), *redirect_listens(self.options)]


@dataclass(frozen=True)
class Route:
    """Who answers, and the path of the variable that says so."""

    answers: str
    path: str


def sites(servers: t.Any, variable: str) -> list[Site]:
    """Return the sites of a variable; what is none is left out, because it is refused elsewhere."""
    return [
        Site(f"{variable}[{index}]", server)
        for index, server in enumerate(servers if isinstance(servers, list) else ())
        if isinstance(server, Mapping)
    ]


def health_site(host: t.Any, path: t.Any, listen: t.Any) -> Site:
    """Return the server that the balancer role adds for the question whether nginx lives."""
    locations = [{"path": f"= {path}", "return": "204"}, {"path": "/", "return": "444"}]
    return Site("", {"server_name": [host], "listen": values.listed(listen), "locations": locations})


def route(servers: Iterable[Site], *, address: str, port: int, host: str, path: str) -> Route | None:
    """Return who answers a request to an address of the balancer, None where none of the servers listens there."""
    server = _server(list(servers), address, port, host.lower())
    if server is None:
        return None
    if server.options.get("maintenance"):
        return Route(ITSELF, f"{server.path}.maintenance")
    if server.options.get("return"):
        return Route(_answer(server.options), server.path)
    found = _location(_locations(server), path.partition("?")[0])
    return Route(ITSELF, server.path) if found is None else Route(_answer(found[1]), found[0])


def _server(servers: list[Site], address: str, port: int, host: str) -> Site | None:
    """Return the server for an address and a name; those that name the address go before those that take any."""
    exact: list[tuple[Site, bool]] = []
    anywhere: list[tuple[Site, bool]] = []
    for server in servers:
        for listen in server.listens:
            where, default = _matches(listen, address, port)
            if where is not None:
                (anywhere if where in _WILDCARDS else exact).append((server, default))
    there = exact or anywhere
    if not there:
        return None
    named = _by_name([server for server, _default in there], host)
    preferred = [server for server, default in there if default]
    return named or (preferred or [server for server, _default in there])[0]


def _matches(listen: str, address: str, port: int) -> tuple[str | None, bool]:
    """Return the address of a listen that takes such a connection, else None; and whether it is the default there."""
    where, *parameters = listen.split()
    default = "default_server" in parameters
    match = _LISTEN.fullmatch(where)
    if match is None:
        # An address without a port means port 80; a Unix socket is none.
        host, first, last = where, 80, 80
    else:
        host, first = match["host"] or "", int(match["first"])
        last = int(match["last"] or first)
    if not first <= port <= last or host.startswith("unix"):
        return None, default
    if host in _WILDCARDS:
        # Without an address nginx takes IPv4 alone, and with [::] IPv6 alone.
        return (host if (host == "[::]") == (":" in address) else None), default
    return (host if _same(host.strip("[]"), address) else None), default


def _same(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return one == other


def _by_name(servers: list[Site], host: str) -> Site | None:
    """Return the server of a name: the name itself, the longest wildcard before and behind it, the first expression."""
    best: tuple[int, int] = (0, 0)
    found = None
    for server in servers:
        for name in server.names:
            rank = _rank(name, host)
            if rank > best:
                best, found = rank, server
    return found


def _rank(name: str, host: str) -> tuple[int, int]:
    if name.startswith("~"):
        return (1, 0) if _found(name[1:], host, 0) else (0, 0)
    if name == host or (name.startswith(".") and name[1:] == host):
        return 4, 0
    if name.startswith(("*.", ".")) and host.endswith(name.lstrip("*")):
        return 3, len(name)
    if name.endswith(".*") and host.startswith(name[:-1]):
        return 2, len(name)
    return 0, 0


def _locations(server: Site) -> list[tuple[str, Mapping[str, t.Any]]]:
    listed = [
        (f"{server.path}.locations[{number}]", location)
        for number, location in enumerate(server.options.get("locations") or ())
        if isinstance(location, Mapping)
    ]
    if server.options.get("upstream"):
        listed.append((f"{server.path}.upstream", {"path": "/", "upstream": server.options["upstream"]}))
    return listed


def _location(locations: list[tuple[str, Mapping[str, t.Any]]], path: str) -> tuple[str, Mapping[str, t.Any]] | None:
    """Return the location of a path: the same, or the first expression, or the longest beginning."""
    longest, kept, first = -1, None, None
    decided = False
    for entry in locations:
        match = _LOCATION.fullmatch(str(entry[1].get("path", "")).strip())
        modifier, pattern = (match[1] or "", match[2]) if match else ("", "")
        if modifier == "=":
            if pattern == path:
                return entry
        elif modifier in ("~", "~*"):
            if first is None and _found(pattern, path, re.IGNORECASE if modifier == "~*" else 0):
                first = entry
        elif path.startswith(pattern) and len(pattern) > longest:
            longest, kept, decided = len(pattern), entry, modifier == "^~"
    return kept if decided or first is None else first


def _found(pattern: str, text: str, flags: int) -> bool:
    try:
        return re.search(pattern, text, flags) is not None
    except re.error:
        return False  # an expression of PCRE that Python does not read


def _answer(options: Mapping[str, t.Any]) -> str:
    answer = str(options.get("return") or "")
    if answer:
        return SILENT if answer.split()[0] == "444" else ITSELF
    raw = (str(line).strip() for line in values.listed(options.get("directives")))
    targets = ("upstream", "proxy_pass", "fastcgi_pass", "grpc_pass", "uwsgi_pass")
    passes = any(options.get(target) for target in targets) or any(_PASSES.match(line) for line in raw)
    return PROXIED if passes else ITSELF
