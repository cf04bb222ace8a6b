# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of which nginx says too little where it refuses them, or nothing. Private to this collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import RESOLVES
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import undefined
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule

__all__ = ("address_of",)

_HOST = re.compile(r"(?:\w+://)?(?P<host>\[[^]]*\]|[^/:\s]+)(?::\d+)?(?:/.*)?")
_PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")


@rule("error")
def undefined_name(scope: Scope) -> Found:
    """A log format, a zone or a cache is used, and nothing defines it."""
    for name in undefined(scope.blocks):
        yield name.block, f"{name} is defined nowhere: define it, or use one that is there"


@rule("warning")
def name_looked_up_at_start(scope: Scope) -> Found:
    """The name of a host is looked up when nginx starts, which it does not without an answer."""
    newer = scope.version is None or scope.version >= RESOLVES
    for block, host in _looked_up(scope):
        way = ", or set resolve and a resolver (nginx 1.27.3)" if newer and block.name == "server" else ""
        yield (
            block,
            f"nginx looks {host} up when it starts, and does not start at a boot without DNS, on none of the nodes: "
            f"write its address{way}, or put it into /etc/hosts there",
        )


def _looked_up(scope: Scope) -> t.Iterator[tuple[Block, str]]:
    """Yield the directives that name a host which is no address, with the host."""
    known = {upstream.args[0].lower() for upstream in scope.upstreams}
    for upstream in scope.upstreams:
        for server in upstream.find("server"):
            host = _host(server)
            if host and "resolve" not in server.args:
                yield server, host
    for block in walk(scope.blocks):
        host = _host(block) if block.name in _PASSES else ""
        # Of a name without a dot another rule says that there is no such upstream.
        if host and host.lower() not in known and ("." in host or scope.name == "stream"):
            yield block, host


def _host(block: Block) -> str:
    """Return the host that a directive names first; nothing for an address, a socket, a variable or this host."""
    match = _HOST.fullmatch(block.args[0]) if block.args and "$" not in block.args[0] else None
    host = match["host"] if match else ""
    if not host or host in ("unix", "localhost"):
        return ""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host
    return ""


@rule("error")
def two_default_servers(scope: Scope) -> Found:
    """Two servers say that they are the default of one address."""
    seen: dict[tuple[str, bool], Block] = {}
    for server in scope.servers:
        for listen in server.find("listen"):
            if "default_server" in listen.args[1:] and seen.setdefault(address_of(listen), server) is not server:
                yield listen, f"another server is the default of {shown(listen.args[0])} already; only one can be"


def address_of(listen: Block) -> tuple[str, bool]:
    """Return the address of a listen as nginx understands it, and whether it is one of UDP."""
    text = listen.args[0]
    address = text if ":" in text.rpartition("]")[2] else f"*:{text}" if text.isdigit() else f"{text}:80"
    return re.sub(r"^0\.0\.0\.0:", "*:", address), bool({"udp", "quic"} & set(listen.args))
