# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which site gets the requests that name none. Private to this collection.

nginx takes the server that it reads first, and it reads files by their names; so it is always said here. The first
listed site at an address is its default, unless another one says ``default_server`` itself.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("FIRST", "STRANGERS", "with_default_servers")

NAME = "holdfast-default"
"""The server that closes the connection of whoever names no site."""

STRANGERS = FIRST, CLOSE, NONE = "first", "close", "none"
DEFAULT = "default_server"

# All servers of an address have to say these of it.
_OF_THE_ADDRESS = ("ssl", "quic", "proxy_protocol")

Site = t.Dict[str, t.Any]
Address = t.Tuple[str, bool]


def with_default_servers(sites: t.Iterable[Mapping[str, t.Any]], strangers: str) -> list[Site]:
    """Return the sites, and for every address at which they listen one of them, or one more, as its default.

    ``strangers`` is ``first`` for the first listed site, ``close`` for a server that closes the connection, and
    ``none`` where nothing is said beyond what the sites say.
    """
    said = [dict(site) for site in sites]
    listed = [_listens(site) for site in said]
    if strangers == NONE:
        return said
    taken = {address for listens in listed for address, words in listens if DEFAULT in words}
    catching: dict[Address, str] = {}
    for site, listens in zip(said, listed):
        own: list[str] = []
        for address, words in listens:
            if address in taken:
                own.append(" ".join(words))
                continue
            taken.add(address)
            own.append(" ".join([*words, *([DEFAULT] if strangers == FIRST else [])]))
            if strangers == CLOSE:
                shared = [word for word in words[1:] if word in _OF_THE_ADDRESS]
                catching[address] = " ".join([words[0], *shared, DEFAULT])
        if own != [" ".join(words) for _address, words in listens]:
            site["listen"] = own
    return [*said, *([_closed(list(catching.values()))] if catching else [])]


def _closed(listens: list[str]) -> Site:
    """Return a server that answers nothing, and shows no certificate."""
    is_tls = any({"ssl", "quic"} & set(listen.split()) for listen in listens)
    return {
        "name": NAME,
        "listen": listens,
        "access_log": "off",
        "return": "444",
        **({"ssl_reject_handshake": True} if is_tls else {}),
    }


def _listens(site: Mapping[str, t.Any]) -> list[tuple[Address, list[str]]]:
    """Return the addresses at which a site listens, each with the words of its listen."""
    said = values.listed(site.get("listen")) or ["443 ssl" if site.get("ssl_certificate") else "80"]
    words = [str(one).split() for one in said]
    return [(_address(one), one) for one in words if one]


def _address(words: list[str]) -> Address:
    """Return the address that several ways of writing it mean, and whether it is one of UDP."""
    host, colon, port = words[0].rpartition(":")
    if words[0].startswith("unix:") or (colon and not port.isdigit()):
        host, port = words[0], ""  # an IPv6 address or a socket, without a port
    elif not colon and not port.isdigit():
        host, port = words[0], "80"
    return f"{host if host not in ('', '0.0.0.0') else '*'}:{port or '80'}", "quic" in words
