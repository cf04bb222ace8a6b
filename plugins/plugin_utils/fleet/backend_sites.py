# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sites of a backend, complete: what the inventory says, and what follows for each. Private to this collection.

A site takes the options of a balancer's, ``page`` or ``content`` and, for Apache httpd, ``httpd_directives``. The short
form, some single variables, is one site.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.config import HTTPD_OPTIONS, HttpdConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.access import first_and_last, listen
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_pages import SITES, configured, pages
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import FIRST, with_default_servers
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.demand import Demand
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed

__all__ = ("accept", "files", "folders", "origin", "served")

Variables = Mapping[str, t.Any]
Site = t.Dict[str, t.Any]

OWN = ("page", "content")
"""Options of a site that are not the web server's."""

# Options by which a site answers without a root of its own.
_ANSWERS = ("return", "locations", "directives")
OF_THE_SHORT_FORM = {"server_name": "backend_server_name", "root": "backend_root"}


def served(variables: Variables, demand: Demand) -> list[Site]:
    """Return the sites as the web server takes them; InputError for the first that is wrong."""
    found = []
    for index, site in enumerate(configured(variables)):
        has_page = bool(site.get("page") or site.get("content"))
        site = {name: value for name, value in site.items() if name not in OWN and value is not None}
        site.setdefault("listen", [str(port) for port in demand.ports])
        if not site.get("root") and (has_page or not any(site.get(name) for name in _ANSWERS)):
            site["root"] = variables["backend_root"]
        names = values.listed(site.get("server_name"))
        if not site.get("name") and not any(str(name).strip("_*~. ") for name in names[:1]):
            site["name"] = f"backend-{index}" if index else "backend"
        found.append({**site, **_real_address(variables, site, demand), **_health(variables, site)})
    return with_default_servers(found, FIRST)


def _real_address(variables: Variables, site: Site, demand: Demand) -> Site:
    """Return the options by which a site sees the client and not the balancer, which names it in a header."""
    if not variables["backend_real_ip"] or not demand.balancers or site.get("set_real_ip_from"):
        return {}
    return {
        "set_real_ip_from": demand.addresses,
        "real_ip_header": site.get("real_ip_header") or "X-Forwarded-For",
        "real_ip_recursive": True,
    }


def _health(variables: Variables, site: Site) -> Site:
    """Return the locations of a site with the one by which a check asks whether it is well."""
    path = variables["backend_health_path"]
    if not path:
        return {}
    asked = {"path": f"= {path}", "return": "204", "access_log": "off"}
    return {"locations": [asked, *values.listed(site.get("locations"))]}


def _listens(site: Site) -> list[str]:
    return [str(one) for one in values.listed(site["listen"])]


def ports(sites: Iterable[Site]) -> set[int]:
    """Return the TCP ports at which others can reach any of the sites."""
    found: set[int] = set()
    for site in sites:
        for text in _listens(site):
            for _host, port, protocol in listen(text):
                if protocol == "tcp":
                    first, last = first_and_last(port)
                    found.update(range(first, last + 1))
    return found


def accept(server: str, sites: list[Site]) -> None:
    """Raise InputError, with the path of the section, for the first thing that the web server cannot be told."""
    options = HTTPD_OPTIONS["servers"] if server == "httpd" else NGINX_OPTIONS["servers"]
    found = [typed(site, options["options"], f"servers[{index}]") for index, site in enumerate(sites)]
    if server == "httpd":
        HttpdConfig.from_options({"servers": found})
    else:
        NginxConfig.from_options({"servers": found})


def origin(path: str, variables: Variables) -> str:
    """Return where the inventory says what has this path in the section of the web server."""
    if variables[SITES]:
        return path.replace("servers[", f"{SITES}[", 1)
    option = path.partition("].")[2].partition("[")[0]
    return OF_THE_SHORT_FORM.get(option, "backend_port")


def folders(variables: Variables) -> list[dict[str, t.Any]]:
    """Return the folders that the host has to have, outer ones first."""
    roots = dict.fromkeys(path.rpartition("/")[0] for path in pages(variables, ""))
    own = [{name: value for name, value in one.items() if value is not None} for one in variables["backend_folders"]]
    return [*({"path": path} for path in roots), *own]


def files(variables: Variables, host: str) -> list[dict[str, t.Any]]:
    """Return the files that the host has to have, apart from those that the web server reads as configuration."""
    own = [{name: value for name, value in one.items() if value is not None} for one in variables["backend_files"]]
    texts = pages(variables, host)
    return [
        *({**one, "shown": False} for one in own),
        *({"path": path, "content": text} for path, text in texts.items()),
    ]
