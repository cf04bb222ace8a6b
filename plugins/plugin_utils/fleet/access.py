# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall of a balancer has to let in: adverts of its peers, and the ports of its service."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.wire import GROUPS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import (
    default_listens,
    redirect_listens,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.ttl import HIGHEST_TTL, sent_ttl
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import VIRTUAL_SERVERS

__all__ = (
    "adverts",
    "bound_ports",
    "first_and_last",
    "guarded_ports",
    "listen",
    "listens",
    "port_range",
    "ports",
    "server_names",
    "service_ports",
    "spoken_at",
    "tcp_ports",
    "written",
)

# What precedes the port of a listen: nothing, a name or an address, IPv6 in brackets.
_LISTEN = re.compile(r"(?:(?P<host>\[[^]]*\]|[^:]*):)?(?P<port>\d+(?:-\d+)?)")
# Neither a pattern such as *.example.com, .example.com and ~^www, nor the name of nobody, _.
_NAMED = re.compile(r"[A-Za-z0-9][^*]*")
_NAMELESS = ("", "*", "[::]", "0.0.0.0")


def adverts(
    instances: Iterable[tuple[Mapping[str, t.Any], Iterable[str]]],
) -> list[dict[str, t.Any]]:
    """Return whose adverts a member has to hear: source, group where they go to one, and a TTL that is not 255.

    Each instance is given by its options, and the addresses from which the other members would send to a group.
    """
    found: dict[tuple[str, str], int] = {}
    for options, peers in instances:
        heard = list(_peers(options.get("unicast_peer"), options.get("unicast_ttl")))
        if options.get("unicast_src_ip") or heard:
            for source, ttl in heard:
                found[source, ""] = min(ttl, found.get((source, ""), ttl))
            continue
        source = str(options.get("mcast_src_ip") or "")
        group = str(options.get("mcast_dst_ip") or "")
        for peer in peers:
            family = 6 if ":" in (peer or source or group) else 4
            found[peer, group or GROUPS[family]] = HIGHEST_TTL
    return [
        {"source": source, **({"group": group} if group else {}), **({} if ttl == HIGHEST_TTL else {"ttl": ttl})}
        for (source, group), ttl in found.items()
    ]


def ports(variables: Mapping[str, t.Any]) -> list[str]:
    """Return the ports on which sites, streams and virtual servers are there for others, such as 80/tcp."""
    found = {f"{port}/{protocol}": None for _host, port, protocol in listens(variables)}
    found.update((f"{port}/tcp", None) for port in variables["keepalived_guarded_ports"])
    for _index, server in values.mappings(variables[VIRTUAL_SERVERS]):
        protocol = str(server.get("protocol") or "tcp").lower()
        if server.get("port") and protocol in ("tcp", "udp"):
            found[f"{server['port']}/{protocol}"] = None
    return list(found)


def listens(variables: Mapping[str, t.Any]) -> t.Iterator[tuple[str, str, str]]:
    """Yield (address, ports, protocol) of everything that others can reach; no address stands for all of them."""
    for _path, text in written(variables):
        yield from listen(text)


def service_ports(variables: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the ports on which nginx of a balancer has to listen, as the watcher takes them; those of UDP say so.

    A name of an address is known to the host alone: there any address will do.
    """
    found: dict[tuple[str, int, int, str], None] = {}
    for host, port, protocol in listens(variables):
        found[(_literal(host), *first_and_last(port), protocol)] = None
    return [
        {"address": address, "first": first, "last": last, **({} if protocol == "tcp" else {"protocol": protocol})}
        for address, first, last, protocol in found
    ]


def bound_ports(variables: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return all ports that nginx of a balancer takes, those that only this host can reach as well."""
    texts = [text for _path, text in written(variables)]
    texts += [*variables["balancer_health_listen"], *values.listed(variables["balancer_status_listen"] or [])]
    found = dict.fromkeys((port_range(str(text)), _protocol(str(text).split()[1:])) for text in texts)
    return [
        {"first": ports[0], "last": ports[1], **({} if protocol == "tcp" else {"protocol": protocol})}
        for ports, protocol in found
        if ports
    ]


def tcp_ports(variables: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return those of TCP."""
    return [one for one in service_ports(variables) if "protocol" not in one]


def guarded_ports(variables: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the same of another service than nginx, which keepalived guards."""
    return [{"address": "", "first": port, "last": port} for port in variables["keepalived_guarded_ports"]]


def spoken_at(variables: Mapping[str, t.Any], address: str, port: int) -> tuple[str, frozenset[str]] | None:
    """Return which listen takes connections to an address and port, by its path, and the words behind it."""
    for path, text in written(variables):
        for host, ports, protocol in listen(text):
            first, last = first_and_last(ports)
            if protocol == "tcp" and host in ("", address) and first <= port <= last:
                return path, frozenset(text.split()[1:])
    return None


def written(variables: Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Yield each listen of a site or stream with its path, that which nginx is given where none is said as well.

    Behind those of a site come those where http leads to it.
    """
    for variable, default in (("balancer_sites", True), ("balancer_streams", False)):
        for index, site in values.mappings(variables[variable]):
            listens = site.get("listen") or (default_listens(site) if default else [])
            for number, one in enumerate(listens if isinstance(listens, list) else [listens]):
                yield f"{variable}[{index}].listen[{number}]", str(one)
            for one in redirect_listens(site) if default else ():
                yield f"{variable}[{index}].tls.redirect", one


def port_range(text: str) -> tuple[int, int] | None:
    """Return the first and the last port of a listen, also where only this host can reach it; None for a socket."""
    address = (text.split() or [""])[0]
    match = _LISTEN.fullmatch(address)
    if address.startswith("unix:") or (match is None and not address):
        return None
    return first_and_last(match.group("port") if match else "80")


def first_and_last(ports: str) -> tuple[int, int]:
    """Return the ends of a port, or of a range such as 8000-8010."""
    first, _sign, last = ports.partition("-")
    return int(first), int(last or first)


def _literal(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host)) if host else ""
    except ValueError:
        return ""


def server_names(variables: Mapping[str, t.Any]) -> list[str]:
    """Return a name for each site by which a client can ask for it; none for one that has patterns alone."""
    found: dict[str, None] = {}
    for site in variables["balancer_sites"]:
        server_name = site.get("server_name") or []
        names = " ".join(map(str, server_name if isinstance(server_name, list) else [server_name])).split()
        found.update(dict.fromkeys([word for word in names if _NAMED.fullmatch(word)][:1]))
    return list(found)


def listen(text: str) -> t.Iterator[tuple[str, str, str]]:
    """Yield the same of one listen; nothing where only this host can reach it."""
    address, *parameters = text.split() or [""]
    match = _LISTEN.fullmatch(address)
    if address.startswith("unix:") or (match is None and not address):
        return
    # An address without a port means port 80.
    host, port = (match.group("host") or "", match.group("port")) if match else (address, "80")
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return
    except ValueError:
        if host == "localhost":
            return
    yield "" if host in _NAMELESS else host.strip("[]"), port, _protocol(parameters)


def _protocol(parameters: t.Sequence[str]) -> str:
    return "udp" if "udp" in parameters or "quic" in parameters else "tcp"


def _peers(value: t.Any, unicast_ttl: t.Any) -> t.Iterator[tuple[str, int]]:
    """Yield address and lowest TTL of each peer, which is a mapping or a line of keepalived.

    ``unicast_ttl`` is the option, which the peers have as well.
    """
    for one in value if isinstance(value, list) else [value] if value else []:
        words = str(one.get("address", "") if isinstance(one, dict) else one).split()
        options = one if isinstance(one, dict) else dict(zip(words[1::2], words[2::2]))
        if words:
            lowest = _number(options.get("min_ttl"))
            yield words[0], sent_ttl(_number(unicast_ttl), 6 if ":" in words[0] else 4) if lowest is None else lowest


def _number(value: t.Any) -> int | None:
    return int(value) if str(value).isdigit() else None
