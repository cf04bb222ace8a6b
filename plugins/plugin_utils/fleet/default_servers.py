# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which site gets the requests that name none. Private to this collection.

nginx takes the server that it reads first, and it reads files by their names; so it is always said here. The first
listed site at an address is its default, unless another one says ``default_server`` itself.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import (
    default_listens,
    redirect_listens,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("FIRST", "STRANGERS", "with_default_servers")

NAME = "holdfast-default"
"""The server that closes the connection of whoever names no site; where there are several, of the first of them."""

STRANGERS = FIRST, CLOSE, NONE = "first", "close", "none"
DEFAULT, SHARED_OUT = "default_server", "reuseport"

# All servers of an address have to say these of it.
_OF_THE_ADDRESS = ("ssl", "quic", "proxy_protocol")

Site = t.Dict[str, t.Any]
Address = t.Tuple[str, bool]


def with_default_servers(sites: t.Iterable[Mapping[str, t.Any]], strangers: str) -> list[Site]:
    """Return the sites, and for every address at which they listen one of them, or one more, as its default.

    ``strangers`` is ``first`` for the first listed site, ``close`` for a server that closes the connection, and
    ``none`` where nothing is said beyond what the sites say. The first at an address of QUIC shares its socket out to
    all workers, without which the packets of a client would reach any of them.
    """
    servers = [dict(site) for site in sites]
    listed = [(_listens(_own(site)), _listens(redirect_listens(site))) for site in servers]
    every = [one for pair in listed for listens in pair for one in listens]
    shared_out = {address for address, words in every if SHARED_OUT in words}
    taken = {address for address, words in every if DEFAULT in words}
    catching: dict[Address, tuple[str, Site]] = {}

    def settled(site: Site, listens: list[tuple[Address, list[str]]]) -> list[str]:
        own: list[str] = []
        for address, words in listens:
            more = []
            if "quic" in words and address not in shared_out:
                shared_out.add(address)
                more.append(SHARED_OUT)
            if address not in taken and strangers != NONE:
                taken.add(address)
                more += [DEFAULT] if strangers == FIRST else []
                if strangers == CLOSE:
                    shared = [word for word in words[1:] if word in _OF_THE_ADDRESS]
                    catching[address] = " ".join([words[0], *shared, DEFAULT]), site
            own.append(" ".join([*words, *more]))
        return own

    for site, (own, redirects) in zip(servers, listed):
        listens, leading = settled(site, own), settled(site, redirects)
        if listens != _texts(own):
            site["listen"] = listens
        if leading != _texts(redirects):
            site["tls"] = {**site["tls"], "redirect_listen": leading}
    return [*servers, *_closed(catching.values())]


def _closed(catching: t.Iterable[tuple[str, Site]]) -> t.Iterator[Site]:
    """Yield servers that answer nothing, and show no certificate, for each address with the site that is first there.

    nginx takes the versions of TLS of an address, and the keys for its tickets, from this one; so there is one for all
    addresses at which sites say the same of them.
    """
    said = [(listen, _of_its_tls(site) if {"ssl", "quic"} & set(listen.split()) else None) for listen, site in catching]
    # Where there is no TLS, the first one closes connections as well as any.
    first: Site = next((tls for _listen, tls in said if tls is not None), {})
    listens: dict[str, list[str]] = {}
    for listen, tls in said:
        listens.setdefault(json.dumps(first if tls is None else tls, sort_keys=True), []).append(listen)
    for at, (tls_text, own) in enumerate(listens.items()):
        name = f"{NAME}-{at + 1}" if at else NAME
        yield {"name": name, "listen": own, "access_log": "off", "return": "444", **json.loads(tls_text)}


def _of_its_tls(site: Site) -> Site:
    """Return what a server says of TLS that is the default of a site's address."""
    versions = {"ssl_protocols": site["ssl_protocols"]} if site.get("ssl_protocols") else {}
    tls = site.get("tls")
    if not isinstance(tls, Mapping):
        return {"ssl_reject_handshake": True, **versions}
    kept = {
        "profile": "intermediate",
        **{name: tls[name] for name in ("profile", "session_ticket_keys") if tls.get(name)},
    }
    return {"ssl_reject_handshake": True, **versions, "tls": kept}


def _own(site: Mapping[str, t.Any]) -> list[t.Any]:
    return values.listed(site.get("listen")) or default_listens(site)


def _listens(listens: t.Iterable[t.Any]) -> list[tuple[Address, list[str]]]:
    """Return addresses to listen at, and the words of each."""
    words = [str(one).split() for one in listens]
    return [(_address(one), one) for one in words if one]


def _texts(listens: list[tuple[Address, list[str]]]) -> list[str]:
    return [" ".join(words) for _address, words in listens]


def _address(words: list[str]) -> Address:
    """Return the address that several ways of writing it mean, and whether it is one of UDP."""
    host, colon, port = words[0].rpartition(":")
    if words[0].startswith("unix:") or (colon and not port.isdigit()):
        host, port = words[0], ""  # an IPv6 address or a socket, without a port
    elif not colon and not port.isdigit():
        host, port = words[0], "80"
    return f"{host if host not in ('', '0.0.0.0') else '*'}:{port or '80'}", "quic" in words
