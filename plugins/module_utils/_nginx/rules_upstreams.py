# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstreams that nginx takes and that do not do what they say. Private to this collection."""

from __future__ import annotations

import re

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import (
    KEEPALIVE_BY_DEFAULT,
    METHODS,
    WITHOUT_BACKUP,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule

_LITERAL = re.compile(r"(?:\d+\.){3}\d+(?::\d+)?|\[.*|unix:.*")


@rule("error")
def upstream_without_servers(scope: Scope) -> Found:
    """An upstream has no servers."""
    for upstream in scope.upstreams:
        if not upstream.find("server"):
            yield upstream, f"upstream {shown(upstream.args[0])} has no servers; name at least one"


@rule("error")
def only_backup_servers(scope: Scope) -> Found:
    """All servers of an upstream are backups."""
    for upstream in scope.upstreams:
        servers = upstream.find("server")
        if servers and all("backup" in server.args for server in servers):
            yield upstream, f"upstream {shown(upstream.args[0])} has only backup servers; one must be a plain one"


@rule("error")
def backup_without_effect(scope: Scope) -> Found:
    """A backup server stands beside a method that knows none; nginx notices only where the method comes first."""
    for upstream in scope.upstreams:
        for method in upstream.find(*WITHOUT_BACKUP)[:1]:
            for server in upstream.find("server"):
                if "backup" in server.args[1:]:
                    yield (
                        server,
                        f"{server.args[0]} is a backup in upstream {shown(upstream.args[0])}, but {method.name} "
                        "never uses one; take another method or make it a plain server",
                    )


@rule("error")
def several_methods(scope: Scope) -> Found:
    """An upstream names two methods, of which the last one silently wins."""
    for upstream in scope.upstreams:
        methods = upstream.find(*METHODS)
        if len(methods) > 1:
            names = " and ".join(method.name for method in methods)
            yield (
                methods[-1],
                f"upstream {shown(upstream.args[0])} names {names}; only the last has an effect, keep one",
            )


@rule("error")
def method_after_keepalive(scope: Scope) -> Found:
    """The method comes after keepalive and switches it off, up to nginx 1.29.6."""
    if scope.version is not None and scope.version >= KEEPALIVE_BY_DEFAULT:
        return
    for upstream in scope.upstreams:
        names = [child.name for child in upstream.children or ()]
        for method in upstream.find(*METHODS):
            if "keepalive" in names and names.index("keepalive") < names.index(method.name):
                yield (
                    method,
                    f"{method.name} comes after keepalive in upstream {shown(upstream.args[0])} and undoes it; "
                    "put the method first",
                )


@rule("warning")
def single_server_never_fails(scope: Scope) -> Found:
    """A group of one has max_fails or fail_timeout, which nginx then ignores."""
    for upstream in scope.upstreams:
        servers = upstream.find("server")
        if len(servers) != 1 or not _LITERAL.fullmatch(servers[0].args[0] if servers[0].args else ""):
            continue
        ignored = [word for word in servers[0].args if word.startswith(("max_fails=", "fail_timeout="))]
        if ignored and "max_fails=0" not in ignored:
            yield (
                servers[0],
                f"nginx ignores {' and '.join(ignored)} in upstream {shown(upstream.args[0])}: "
                "its only server never counts as failed",
            )


@rule("warning")
def all_servers_down(scope: Scope) -> Found:
    """Every server of an upstream is marked down."""
    for upstream in scope.upstreams:
        plain = [server for server in upstream.find("server") if "backup" not in server.args]
        spare = [server for server in upstream.find("server") if "backup" in server.args and "down" not in server.args]
        if plain and all("down" in server.args for server in plain):
            rest = "only its backups answer" if spare else "every request to it fails with 502"
            yield upstream, f"all servers of upstream {shown(upstream.args[0])} are down: {rest}"


@rule("warning")
def duplicate_server(scope: Scope) -> Found:
    """An upstream names the same server twice, which doubles its weight."""
    for upstream in scope.upstreams:
        seen = set()
        for server in upstream.find("server"):
            address = server.args[0] if server.args else ""
            if address in seen:
                yield server, f"{address} is in upstream {shown(upstream.args[0])} twice; use weight to give it more"
            seen.add(address)


@rule("warning")
def max_conns_without_zone(scope: Scope) -> Found:
    """max_conns without a shared zone limits each worker for itself."""
    for upstream in scope.upstreams:
        if upstream.find("zone"):
            continue
        for server in upstream.find("server"):
            if any(word.startswith("max_conns=") and word != "max_conns=0" for word in server.args):
                yield (
                    server,
                    f"upstream {shown(upstream.args[0])} has no zone, so every worker allows max_conns anew; add one",
                )
