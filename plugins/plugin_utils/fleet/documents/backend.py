# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a host serves behind the balancers. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import LAYOUTS, TLS_PACKAGE
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import NAME as HTTPD
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_content import contents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_pages import SITES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_sites import files, folders, served
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import builds
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx import (
    file_limits,
    main_file,
    nginx_service,
    nginx_source,
    pins,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx import (
    installed as nginx_installed,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx_modules import nginx_modules
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.site_logs import (
    rotation_file,
    rotation_packages,
    site_logs,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import judged
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("backend", "backend_preflight", "installed")

Document = t.Dict[str, t.Any]
UNITS = {"nginx": "nginx.service", "httpd": f"{HTTPD}.service"}


def installed(plan: Plan, host: str) -> Document:
    """Return the documents of the role nginx on a backend; they are empty where another web server serves."""
    variables = plan.fleet.backends[host].variables
    return nginx_installed(variables) if variables["backend_server"] == "nginx" else {"state": {}, "preflight": {}}


def backend(plan: Plan, host: str) -> Document:
    """Return the sections of ``host_state`` that let a host serve behind the balancers."""
    variables, derived, demand = plan.fleet.backends[host].variables, plan.backend(host), plan.demands[host]
    own_addresses = derived["loopback_addresses"]
    server = variables["backend_server"]
    firewall = {
        # Where nobody draws on it any more, what was let in before goes.
        "ports": [*(f"{port}/tcp" for port in demand.ports), *demand.streams] if demand.balancers else [],
        # What LVS forwards comes from the clients themselves.
        "sources": [] if own_addresses else derived["balancers"],
        "addresses": [derived["address"]],
    }
    is_nginx = server == "nginx"
    limits = file_limits(variables)["files"] if is_nginx else []
    httpd = {"name": UNITS["httpd"], "enabled": True, "restarts": False}
    sites = served(variables, demand)
    logs = site_logs(sites, server)
    former = [rotation_file(name) for name in UNITS if name != server]
    return {
        "files": {
            # One that the inventory names itself has its own owner and permissions, and so comes last.
            "folders": [*logs["folders"], *folders(variables)],
            "files": [*limits, *logs["files"], *former, *files(variables, host)],
        },
        "content": {"trees": contents(variables)},
        "loopback": {"addresses": own_addresses},
        **({"firewall": firewall} if variables["backend_firewall"] == "auto" else {}),
        "selinux_ports": {"ports": [{"first": port, "last": port} for port in demand.ports]},
        "web_server": {"replaces": [name for name in UNITS if name != server]},
        server: {**(main_file(variables) if is_nginx else {}), "servers": sites},
        "selinux": {"paths": ["/etc/nginx", *(one.root for one in LAYOUTS)]},
        "services": {"services": [nginx_service(variables) if is_nginx else httpd]},
    }


def backend_preflight(plan: Plan, host: str, state: Document) -> Document:
    """Return what ``preflight`` looks for before a host serves behind the balancers; ``state`` is its ``backend``."""
    variables = plan.fleet.backends[host].variables
    is_httpd = variables["backend_server"] == "httpd"
    is_built = not is_httpd and builds.is_built(variables, "nginx")
    packages = [HTTPD] if is_httpd else builds.packages(variables, "nginx")
    if is_httpd and any(site.get("tls") for site in state["httpd"]["servers"]):
        packages.append(TLS_PACKAGE)
    undefined = judged(state.get("nginx", {})).undefined
    names = [
        {"kind": kind, "name": name, "path": path.replace("balancer_sites[", f"{SITES}[")}
        for kind, name, path in undefined
    ]
    return {
        "packages": [*packages, *rotation_packages(state["files"]["files"], variables["backend_server"])],
        **({**pins(variables, "nginx"), **nginx_source(variables)} if not is_httpd else {}),
        "nginx_modules": [] if is_built else nginx_modules(state.get("nginx", {})),
        "ports": list(plan.demands[host].ports),
        "programs": ["nginx", HTTPD],
        **({"nginx_names": names} if names else {}),
    }
