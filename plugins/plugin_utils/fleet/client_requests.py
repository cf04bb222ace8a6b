# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a client asks for each service of a balancer: scheme, port, name, PROXY header. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access, values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import VIRTUAL_SERVERS

__all__ = ("client_requests",)

IN_MAINTENANCE = 503
NO_CERTIFICATE = 400
"""What nginx answers where it wants a certificate of the client's; https://nginx.org/en/docs/http/ngx_http_ssl_module.html"""


def client_requests(variables: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the requests of a client, as ``site_probe`` takes them: one for each site, and port that it listens on.

    One without an ``address`` is made at every shared address. What answers nobody on purpose is not asked, nor is a
    site with patterns for names where others have a name. A stream, a port of LVS, and one of HTTP/2 without TLS, at
    which nginx understands no HTTP/1.1 before 1.25.1, is connected to.
    """
    found: list[dict[str, t.Any]] = []
    nameless: list[dict[str, t.Any]] = []
    for index, site in values.mappings(variables["balancer_sites"]):
        closed = str(site.get("return") or "").split()[:1] == ["444"] and not site.get("maintenance")
        if closed or site.get("ssl_reject_handshake") in (True, "on"):
            continue
        names = access.server_names({"balancer_sites": [site]})
        for where in _where(variables, "balancer_sites", index):
            asked = {} if where.get("connects") else {"host": (names or [""])[0], "expect": list(_meant(site))}
            request = {**where, **asked}
            (found if names else nameless).append(request)
    found = found or nameless[:1]
    for index, _stream in values.mappings(variables["balancer_streams"]):
        found += [{**where, "connects": True} for where in _where(variables, "balancer_streams", index)]
    for _index, server in values.mappings(variables[VIRTUAL_SERVERS]):
        if str(server.get("protocol") or "tcp").lower() == "tcp" and server.get("port") and server.get("address"):
            found.append({"address": str(server["address"]), "port": int(server["port"]), "connects": True})
    found += [{"address": "", "port": port, "connects": True} for port in variables["keepalived_guarded_ports"]]
    return [one for number, one in enumerate(found) if one not in found[:number]]


def _meant(site: Mapping[str, t.Any]) -> t.Iterator[int]:
    """Yield the statuses with which a site answers on purpose, whatever counts as well elsewhere."""
    if str(site.get("ssl_verify_client") or "off") in ("on", "True"):
        yield NO_CERTIFICATE
    if site.get("maintenance"):
        yield IN_MAINTENANCE
    whole = [
        one for _index, one in values.mappings(site.get("locations")) if str(one.get("path", "")).split()[-1:] == ["/"]
    ]
    for answering in (site, *whole):
        status = "".join(str(answering.get("return") or "").split()[:1])
        if status.isdigit():
            yield int(status)


def _where(variables: Mapping[str, t.Any], variable: str, index: int) -> t.Iterator[dict[str, t.Any]]:
    """Yield where and how a client speaks to one site or stream; of a range, its first port."""
    for path, text in access.written(variables):
        if not path.startswith(f"{variable}[{index}]."):
            continue
        words = text.split()[1:]
        for host, ports, protocol in access.listen(text):
            if protocol == "tcp":
                only_http2 = variable == "balancer_sites" and "http2" in words and "ssl" not in words
                yield {
                    "address": host,
                    "port": access.first_and_last(ports)[0],
                    "tls": "ssl" in words and variable == "balancer_sites",
                    "proxy_protocol": "proxy_protocol" in words,
                    **({"connects": True} if only_http2 else {}),
                }
