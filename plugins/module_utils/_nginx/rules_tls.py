# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of servers that share an address. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rule import Found, Scope, rule, where
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules_names import address_of

# "now the ssl_protocols directive works in a virtual server different from the default server", CHANGES of nginx.
VERSIONS_BY_NAME = Version(1, 29, 2)


@rule("error")
def tls_versions_at_one_address(scope: Scope) -> Found:
    """A server wants other versions of TLS than the default server of its address, whose nginx takes for all."""
    if scope.version is not None and scope.version >= VERSIONS_BY_NAME:
        return
    everywhere = _versions(scope.blocks)
    for address, servers in _by_address(scope).items():
        taken = _versions(servers[0].children or ()) or everywhere
        # A default that shows no certificate is one that closes connections, and has its versions from another.
        alike = [
            one for one in servers if one.find("ssl_certificate") and set(_versions(one.children or ())) == set(taken)
        ]
        like = (alike or servers)[0]
        for server in servers[1:]:
            own = _versions(server.children or ()) or everywhere
            if taken and own and set(taken) != set(own):
                yield (
                    server,
                    f"clients of {address} get {' and '.join(taken)} of this server, as of {where(like)}, and not "
                    f"{' and '.join(own)}: nginx takes the versions of TLS of an address from its default server. Let "
                    "both say the same (tls.profile, ssl_protocols), or give one another address or port",
                )


def _by_address(scope: Scope) -> dict[str, list[Block]]:
    """Return the servers of each address of TLS over TCP, its default server first."""
    found: dict[str, list[Block]] = {}
    secure = set()
    for server in scope.servers:
        for listen in server.find("listen"):
            address, is_udp = address_of(listen) if listen.args else ("", True)
            if is_udp:
                continue
            servers = found.setdefault(address, [])
            if "default_server" in listen.args[1:]:
                servers.insert(0, server)
            elif server not in servers:
                servers.append(server)
            if "ssl" in listen.args[1:]:
                secure.add(address)
    return {address: servers for address, servers in found.items() if address in secure}


def _versions(blocks: tuple[Block, ...]) -> tuple[str, ...]:
    """Return the versions of TLS that a context says itself; nothing where it says none."""
    return next((block.args for block in blocks if block.name == "ssl_protocols"), ())
