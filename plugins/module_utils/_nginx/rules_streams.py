# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of stream, and the PROXY protocol of both contexts. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.by_name import SERVER_NAME
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule, where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules_names import address_of

_CHOOSERS = ("map", "split_clients", "geo")
_PREREAD = "$ssl_preread_"


@rule("error")
def stream_address_taken_twice(scope: Scope) -> Found:
    """Two servers of stream listen at one address, and no name tells them apart."""
    if scope.name != "stream":
        return
    has_names = scope.version is None or scope.version >= SERVER_NAME
    seen: dict[tuple[tuple[str, bool], str], Block] = {}
    first: dict[tuple[str, bool], Block] = {}
    for server in scope.servers:
        names = [name.lower() for block in server.find("server_name") for name in block.args]
        for listen in server.find("listen"):
            if not listen.args:
                continue
            address = address_of(listen)
            if first.setdefault(address, server) is server:
                pass
            elif not has_names or not names:
                way = "give each a server_name" if has_names else "let each listen elsewhere"
                yield listen, f"{where(first[address])} listens at {shown(listen.args[0])} already: {way}"
                continue
            for name in names:
                other = seen.setdefault((address, name), server)
                if other is not server:
                    yield (
                        server.find("server_name")[0],
                        f"{where(other)} is {shown(name)} at {shown(listen.args[0])} already; only one of both can be",
                    )


@rule("error")
def name_never_read(scope: Scope) -> Found:
    """A server depends on the name that a client of TLS wants, and does not read it."""
    if scope.name != "stream":
        return
    everywhere = _is_on(scope.blocks)
    fed = _fed_by_preread(scope.blocks)
    for server in scope.servers:
        listens = [set(listen.args[1:]) for listen in server.find("listen")]
        is_on = _is_on(server.children or (), everywhere)
        ends_tls = any("ssl" in words for words in listens)
        wants = [block for block in server.children or () if _wants_name(block, fed)]
        if ends_tls and any(block.name != "server_name" for block in wants):
            (block, *_more) = [one for one in wants if one.name != "server_name"]
            yield (
                block,
                f"TLS ends at this server (ssl in listen), so that ssl_preread reads none of it, and "
                f"{shown(' '.join(block.args))} is always empty: use $ssl_server_name, or remove ssl",
            )
        elif wants and listens and all("udp" in words for words in listens):
            yield wants[0], "a client says this name by TLS over TCP, and this server listens to udp alone"
        elif wants and not (is_on or ends_tls):
            if wants[0].name == "server_name":
                message = "a client says this name by TLS, which nobody reads here: add ssl_preread, or ssl to listen"
            else:
                used = shown(" ".join(wants[0].args))
                message = f"{used} comes of ssl_preread, which is off here, and is always empty: switch it on"
            yield wants[0], message


def _wants_name(block: Block, fed: set[str]) -> bool:
    """Tell whether a directive depends on the name that a client of TLS wants; one that no server has does not."""
    if block.name == "server_name":
        return any(block.args)
    return _PREREAD in " ".join(block.args) or bool(fed.intersection(block.args))


def _is_on(blocks: t.Iterable[Block], otherwise: bool = False) -> bool:
    """Return whether ssl_preread is on among these directives; ``otherwise`` where none of them says it."""
    switches = [block.args[:1] == ("on",) for block in blocks if block.name == "ssl_preread"]
    return switches[-1] if switches else otherwise


def _fed_by_preread(blocks: t.Sequence[Block]) -> set[str]:
    """Return the variables that depend on what ssl_preread reads, also through one another."""
    found: set[str] = set()
    choosers = [block for block in blocks if block.name in _CHOOSERS and len(block.args) == 2]
    for _depth in choosers:
        for block in choosers:
            if _PREREAD in block.args[0] or any(variable in block.args[0] for variable in found):
                found.add(block.args[1])
    return found


@rule("error")
def proxy_protocol_at_one_address(scope: Scope) -> Found:
    """Of two servers at one address one expects the PROXY protocol: for nginx both do, for the proof one does."""
    seen: dict[tuple[str, bool], tuple[bool, Block]] = {}
    for server in scope.servers:
        for listen in server.find("listen"):
            if not listen.args or listen.args[0].startswith("unix:"):
                continue
            expects = "proxy_protocol" in listen.args
            before, first = seen.setdefault(address_of(listen), (expects, listen))
            if before != expects:
                yield (
                    listen,
                    f"{where(first)} is the same address, and only one of both says proxy_protocol, which nginx then "
                    "expects of every client there: say it in both, or let one listen elsewhere",
                )


@rule("warning")
def proxy_protocol_not_believed(scope: Scope) -> Found:
    """A server takes the PROXY protocol, and nobody says whose: the client's address is not used."""
    everywhere = {block.name for block in scope.blocks}
    for server in scope.servers:
        listens = [listen for listen in server.find("listen") if "proxy_protocol" in listen.args]
        names = {*everywhere, *(block.name for block in server.children or ())}
        if not listens:
            continue
        if "set_real_ip_from" not in names:
            yield (
                listens[0],
                "the client that the PROXY protocol names is not believed, so logs, limits and members see the proxy "
                "before this host: say its address in set_real_ip_from",
            )
        elif scope.name == "http" and not _takes_proxy_protocol((*scope.blocks, *(server.children or ()))):
            yield (
                listens[0],
                "the client that the PROXY protocol names is not used: say real_ip_header: proxy_protocol as well",
            )


@rule("warning")
def proxy_protocol_never_sent(scope: Scope) -> Found:
    """A site takes the client from the PROXY protocol, and listens nowhere with it."""
    if scope.name == "stream":
        return
    for server in scope.servers:
        listens = server.find("listen")
        headers = [block for block in server.find("real_ip_header") if block.args == ("proxy_protocol",)]
        if headers and not any("proxy_protocol" in listen.args for listen in listens):
            yield headers[-1], "no listen of this server says proxy_protocol, so nobody tells who the client is: add it"


def _takes_proxy_protocol(blocks: t.Iterable[Block]) -> bool:
    headers = [block.args for block in blocks if block.name == "real_ip_header"]
    return bool(headers) and headers[-1] == ("proxy_protocol",)


@rule("warning")
def datagrams_never_fail(scope: Scope) -> Found:
    """Of datagrams, nginx sees a member as failed only where it knows how many answers there are."""
    if scope.name != "stream":
        return
    sizes = {upstream.args[0].lower(): len(upstream.find("server")) for upstream in scope.upstreams}
    everywhere = any(block.name == "proxy_responses" for block in scope.blocks)
    for server, goal in _of_datagrams(scope):
        if sizes.get(goal.args[0].lower(), 0) > 1 and not everywhere and not server.find("proxy_responses"):
            yield (
                goal,
                "a member that is dead gets its share of the clients for ever, for nginx does not know that it should "
                "have answered: say proxy_responses, such as 1 for DNS, and a short proxy_timeout",
            )


@rule("warning")
def proxy_protocol_over_datagrams(scope: Scope) -> Found:
    """The PROXY protocol of nginx is one of TCP; before datagrams it stands once a session, and names TCP."""
    if scope.name != "stream":
        return
    for server, _goal in _of_datagrams(scope):
        for block in server.find("proxy_protocol"):
            if block.args == ("on",):
                message = "stands before the first datagram of a session only, in its form for TCP; do without it"
                yield block, f"with udp the head {message}"


def _of_datagrams(scope: Scope) -> Iterator[tuple[Block, Block]]:
    """Yield the servers that take datagrams, each with where it sends them."""
    for server in scope.servers:
        goals = [goal for goal in server.find("proxy_pass") if goal.args]
        if goals and any("udp" in listen.args for listen in server.find("listen")):
            yield server, goals[0]
