# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers, their addresses and their locations. Private to this collection."""

from __future__ import annotations

import re

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import separated
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule, where

_PORT = re.compile(r"(?:(.*):)?(\d+)(?:-(\d+))?")


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
def return_before_access(scope: Scope) -> Found:
    """Rules of access have no effect on a return beside them, which nginx obeys before it asks who the client is."""
    if scope.name == "stream":  # whose return is the content, which comes last
        return
    for block in walk(scope.blocks):
        answers = block.find("return") if block.name in ("server", "location") else ()
        asks = [one for one in block.find("allow", "deny", "auth_basic") if one.args != ("off",)] if answers else ()
        if asks:
            early = f"nginx answers with this return before it reads {asks[0].name}, so everybody gets it"
            yield answers[0], f"{early}: leave the rule away, or let requests go to a target"


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
    """Return the addresses of one TCP listen, a range of ports has several, as host:port; nothing for others."""
    text = listen.args[0] if listen.args else ""
    if text.startswith("unix:") or "udp" in listen.args or "quic" in listen.args:
        return []
    match = _PORT.fullmatch(text)
    if match:
        host, first, last = match.group(1) or "*", int(match.group(2)), int(match.group(3) or match.group(2))
        return [f"{host}:{port}" for port in range(first, last + 1)]
    return [f"{text}:{default}"]
