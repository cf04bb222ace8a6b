# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx's own test lets pass and a balancer should not have. Private to this collection.

An error is something that cannot do what it says; a warning can, but most likely not what was meant.
"""

from __future__ import annotations

import collections
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.rule import Rules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import separated
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import (
    KEEPALIVE_BY_DEFAULT,
    METHODS,
    WITHOUT_BACKUP,
)

__all__ = ("RULES", "check", "where")

_TARGET = re.compile(r"(?:\w+://)?([^/:\s]+)(?::(\d+))?(/.*)?")
_LITERAL = re.compile(r"(?:\d+\.){3}\d+(?::\d+)?|\[.*|unix:.*")
_PORT = re.compile(r"(?:(.*):)?(\d+)")


@dataclass(frozen=True)
class Scope:
    """One context (http or stream) as the rules see it; ``others`` are the servers of the other one."""

    name: str
    blocks: tuple[Block, ...]
    upstreams: tuple[Block, ...]
    servers: tuple[Block, ...]
    others: tuple[Block, ...]
    version: Version | None

    def passes(self) -> t.Iterator[tuple[tuple[Block, ...], Block]]:
        """Yield every proxy_pass with the blocks around it, outermost first."""
        top = Block(self.name, (), self.blocks)
        levels: collections.deque[tuple[Block, ...]] = collections.deque([(top,)])
        while levels:
            around = levels.popleft()
            for child in around[-1].children or ():
                if child.name == "proxy_pass" and child.args:
                    yield around, child
                elif child.children is not None and child.name != "upstream":
                    levels.append((*around, child))


Found = t.Iterator[t.Tuple[Block, str]]


def where(block: Block) -> str:
    """Return file and line of a block, or the input path that stands in their place."""
    return str(block.position) if block.position.line else block.position.file


RULES: Rules[Scope, Block] = Rules(where)
rule = RULES.rule


def check(blocks: t.Iterable[Block], *, version: Version | None = None) -> list[Finding]:
    """Return what the rules find in a whole configuration: blocks ``http`` and ``stream``, includes laid in.

    ``where`` is the input path for what NginxConfig.to_blocks returned, and file and line for what was parsed.
    """
    inside: dict[str, list[Block]] = {"http": [], "stream": []}
    for block in blocks:
        if block.name in inside:
            inside[block.name].extend(block.children or ())
    servers = {name: _bodies(found, "server") for name, found in inside.items()}
    findings: list[Finding] = []
    for name, other in (("http", "stream"), ("stream", "http")):
        upstreams = tuple(block for block in _bodies(inside[name], "upstream") if block.args)
        scope = Scope(name, tuple(inside[name]), upstreams, servers[name], servers[other], version)
        findings += RULES.ask(scope)
    return findings


def _bodies(blocks: t.Iterable[Block], name: str) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block.name == name and block.children is not None)


# The rules of upstreams


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


# The rules of what goes to upstreams


@rule("warning")
def undefined_upstream(scope: Scope) -> Found:
    """proxy_pass goes to a name without a dot that no upstream has; nginx takes it for a host."""
    defined = {upstream.args[0].lower() for upstream in scope.upstreams}
    for _around, block in scope.passes():
        match = _TARGET.fullmatch(block.args[0])
        if match is None:
            continue
        name = match.group(1)
        is_name = re.fullmatch(r"[A-Za-z_][\w-]*", name) and name != "localhost" and name != "unix"
        if is_name and not match.group(2) and name.lower() not in defined:
            yield block, f"no upstream is named {shown(name)}; nginx looks for a host of this name when it starts"


@rule("error")
def undefined_upstream_in_variable(scope: Scope) -> Found:
    """A map or split_clients chooses an upstream that is not there, and no resolver could find a host of that name."""
    if any(block.name == "resolver" for block in walk(scope.blocks)):
        return
    defined = {upstream.args[0].lower() for upstream in scope.upstreams}
    used = {block.args[0].partition("://")[2] or block.args[0] for _around, block in scope.passes()}
    for chooser in scope.blocks:
        if chooser.name not in ("map", "split_clients") or len(chooser.args) != 2 or chooser.args[1] not in used:
            continue
        for entry in chooser.children or ():
            name = entry.args[0] if entry.args and not entry.is_comment else ""
            if re.fullmatch(r"[A-Za-z_][\w.-]*", name) and name.lower() not in defined:
                message = f"{chooser.args[1]} can be {shown(name)}, but no upstream has this name"
                yield entry, f"{message}; such a request fails with 502"


@rule("error")
def variable_defined_twice(scope: Scope) -> Found:
    """Two blocks define the same variable, and the last one silently wins."""
    seen: dict[str, Block] = {}
    for block in scope.blocks:
        if block.name in ("map", "split_clients", "geo") and block.args and block.children is not None:
            variable = block.args[-1].lower()
            first = seen.setdefault(variable, block)
            if first is not block:
                yield block, f"{block.args[-1]} is defined already ({where(first)}), and only this one has an effect"


@rule("warning")
def keepalive_without_effect(scope: Scope) -> Found:
    """Connections to an upstream with keepalive are closed after each request, up to nginx 1.29.6."""
    if scope.name == "stream" or (scope.version is not None and scope.version >= KEEPALIVE_BY_DEFAULT):
        return
    kept = {upstream.args[0].lower() for upstream in scope.upstreams if upstream.find("keepalive")}
    for around, block in scope.passes():
        match = _TARGET.fullmatch(block.args[0])
        if match is None or match.group(1).lower() not in kept:
            continue
        speaks = [level.find("proxy_http_version")[-1].args for level in around if level.find("proxy_http_version")]
        headers = [level.find("proxy_set_header") for level in around if level.find("proxy_set_header")]
        cleared = any(
            header.args[:1] and header.args[0].lower() == "connection" and header.args[1:] == ("",)
            for header in (headers[-1] if headers else ())
        )
        if not cleared or not speaks or speaks[-1] == ("1.0",):
            yield (
                block,
                f"upstream {shown(match.group(1))} keeps connections, but not for this location: it needs "
                'proxy_http_version 1.1 and proxy_set_header Connection ""',
            )


@rule("warning")
def headers_not_inherited(scope: Scope) -> Found:
    """A location sets headers of its own and so loses those set around it."""
    for around, _block in scope.passes():
        levels = [(level, level.find("proxy_set_header")) for level in around if level.find("proxy_set_header")]
        if len(levels) < 2 or levels[-1][0] is not around[-1]:
            continue
        own = {header.args[0].lower() for header in levels[-1][1] if header.args}
        lost = sorted({header.args[0] for header in levels[-2][1] if header.args and header.args[0].lower() not in own})
        if lost:
            yield (
                levels[-1][1][0],
                f"this proxy_set_header takes away {', '.join(lost)}, set around it; repeat them",
            )


# The rules of servers


@rule("error")
def conflicting_server_name(scope: Scope) -> Found:
    """Two servers have the same name at the same address; nginx ignores the second."""
    if scope.name == "stream":
        return
    seen: dict[tuple[str, str], Block] = {}
    for server in scope.servers:
        names = [word.lower() for block in server.find("server_name") for word in block.args] or [""]
        for listen in _listens(server, "80"):
            for name in dict.fromkeys(names):
                first = seen.setdefault((listen, name), server)
                if first is not server:
                    what = shown(name) if name else "without a name"
                    yield (
                        server,
                        f"nginx ignores this server {what} at {listen}, as {where(first)} has both",
                    )


@rule("warning")
def certificate_without_tls(scope: Scope) -> Found:
    """A server has a certificate, but no address where it speaks TLS."""
    for server in scope.servers:
        certificates = server.find("ssl_certificate")
        listens = server.find("listen")
        speaks = any("ssl" in listen.args or "quic" in listen.args for listen in listens) or server.find("ssl")
        if certificates and listens and not speaks:
            yield certificates[0], 'this server has a certificate, but speaks no TLS: add "ssl" to its listen'


@rule("warning")
def return_hides_locations(scope: Scope) -> Found:
    """A server answers everything by itself, so its locations are never reached."""
    for server in scope.servers:
        if server.find("return") and server.find("location"):
            yield (
                server.find("return")[0],
                "this return answers every request; no location here is reached",
            )


@rule("warning")
def alias_leaves_its_folder(scope: Scope) -> Found:
    """A location without a slash at its end has an alias with one: /name../ reaches the folder above."""
    for block in walk(scope.blocks):
        if block.name != "location" or len(separated(block.args)) != 1 or block.args[0].endswith("/"):
            continue
        for alias in block.find("alias"):
            if alias.args and alias.args[0].endswith("/"):
                yield alias, f'"{block.args[0]}../" would reach the folder above this alias; end the location with "/"'


@rule("error")
def port_taken_twice(scope: Scope) -> Found:
    """http and stream listen at the same address: nginx passes its test and cannot start."""
    if scope.name == "http":
        return
    taken = {address for server in scope.others for address in _listens(server, "80")}
    for server in scope.servers:
        for listen in server.find("listen"):
            for address in _addresses(listen, "80"):
                if any(_clash(address, other) for other in taken):
                    port = address.rsplit(":", 1)[1]
                    yield listen, f"http listens at port {port} as well; nginx passes its test and cannot start"


def _clash(one: str, other: str) -> bool:
    """Tell whether the kernel gives only one of two addresses: same family and port, same host or any."""
    (host, port), (other_host, other_port) = one.rsplit(":", 1), other.rsplit(":", 1)
    same_family = host.startswith("[") == other_host.startswith("[")
    return port == other_port and same_family and (host == other_host or bool({host, other_host} & {"*", "[::]"}))


def _listens(server: Block, default: str) -> list[str]:
    found = [address for listen in server.find("listen") for address in _addresses(listen, default)]
    return found if server.find("listen") else [f"*:{default}"]


def _addresses(listen: Block, default: str) -> list[str]:
    """Return the address of one TCP listen as host:port; nothing for others."""
    text = listen.args[0] if listen.args else ""
    if text.startswith("unix:") or "udp" in listen.args or "quic" in listen.args:
        return []
    match = _PORT.fullmatch(text)
    if match:
        return [f"{match.group(1) or '*'}:{match.group(2)}"]
    return [f"{text}:{default}"]
