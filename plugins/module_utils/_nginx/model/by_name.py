# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of stream that share an address, told apart by the name that a client of TLS wants. Private.

From 1.25.5 on nginx chooses among them by server_name (https://nginx.org/en/docs/stream/ngx_stream_core_module.html).
Before, an address has one server, and a map of $ssl_preread_server_name chooses where its connections go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import Entry, Map
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.listen import Listen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import StreamServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join

__all__ = ("SERVER_NAME", "by_name")

SERVER_NAME = Version(1, 25, 5)
"""From here on servers of stream have names."""

WANTED_NAME = "$ssl_preread_server_name"
_DEFAULT = "default_server"
_UNSAFE = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True)
class ByName:
    """The servers that nginx is given, the maps that choose for them, and the input path of each."""

    servers: tuple[StreamServer, ...]
    paths: tuple[str, ...]
    maps: tuple[Map, ...] = ()
    map_paths: tuple[str, ...] = ()


def by_name(servers: Sequence[StreamServer], path: str, version: Version | None) -> ByName:
    """Return the servers in the form that this nginx reads; of an unknown one that is the form of today.

    Whoever asks for no name, or for one that nobody has, gets the server that says default_server, else the first.
    InputError where an older nginx cannot be told apart what the servers of one address say.
    """
    paths = [f"{path}[{at}]" for at in range(len(servers))]
    groups: dict[frozenset[tuple[str, bool]], list[int]] = {}
    for at, server in enumerate(servers):
        groups.setdefault(frozenset(map(_address, server.listens)), []).append(at)
    kept: dict[int, StreamServer] = dict(enumerate(servers))
    maps: list[Map] = []
    map_paths: list[str] = []
    for members in groups.values():
        named = [at for at in members if servers[at].server_names]
        if not named:
            continue
        default = next((at for at in members if _is_default(servers[at])), members[0])
        if version is None or version >= SERVER_NAME:
            if len(members) > 1:
                kept[default] = _as_default(servers[default])
            continue
        _refuse_differences([servers[at] for at in members], [paths[at] for at in members])
        first, variable = servers[members[0]], f"$holdfast_{_UNSAFE.sub('_', servers[members[0]].name)}"
        target = servers[default].target
        if len(members) > 1:
            entries = tuple(
                Entry(name, servers[at].target or "") for at in members for name in servers[at].server_names
            )
            maps.append(Map(WANTED_NAME, variable, hostnames=True, default=target, entries=entries))
            map_paths.append(paths[members[0]])
            target = variable
        listens = tuple(listen.without(_DEFAULT) for listen in first.listens)
        kept[members[0]] = replace(first, listens=listens, server_names=(), target=target)
        for at in members[1:]:
            del kept[at]
    return ByName(tuple(kept.values()), tuple(paths[at] for at in kept), tuple(maps), tuple(map_paths))


def _address(listen: Listen) -> tuple[str, bool]:
    """Return the address as nginx understands it, and whether it is one of datagrams."""
    text = listen.address
    address = f"*:{text}" if text.isdigit() else re.sub(r"^0\.0\.0\.0:", "*:", text)
    return address, "udp" in listen.parameters


def _is_default(server: StreamServer) -> bool:
    return any(_DEFAULT in listen.parameters for listen in server.listens)


def _as_default(server: StreamServer) -> StreamServer:
    if _is_default(server):
        return server
    return replace(server, listens=tuple(Listen(one.address, (*one.parameters, _DEFAULT)) for one in server.listens))


def _refuse_differences(servers: Sequence[StreamServer], paths: Sequence[str]) -> None:
    """Raise InputError for what one server cannot say in the place of several."""
    before = (
        f"nginx before {SERVER_NAME}, as on this host, has one server at an address, and chooses its target by name"
    )
    for server, path in zip(servers, paths):
        if any(listen.is_tls for listen in server.listens):
            raise InputError(
                join(path, "server_name"), f"{before} only where TLS is passed through: remove ssl from listen"
            )
        if server.target is None and len(servers) > 1:
            raise InputError(path, f"{before}: give it an upstream or a proxy_pass")
    first = servers[0]
    for server, path in zip(servers[1:], paths[1:]):
        for name in sorted({*first.settings, *server.settings}):
            if first.settings.get(name) != server.settings.get(name):
                raise InputError(
                    join(path, name), f"{before}, not its settings: say the same as {shown(first.name)}, or upgrade"
                )
        for name in ("access", "directives"):
            if getattr(first, name) != getattr(server, name):
                raise InputError(
                    join(path, name), f"{before}, not its {name}: say the same as {shown(first.name)}, or upgrade"
                )
