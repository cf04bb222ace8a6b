# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that nginx serves on a balancer. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import with_default_servers
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.agent import NGINX_UNIT
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import judged
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("balancer", "balancer_preflight", "nginx_service", "served")

Variables = Mapping[str, t.Any]
Document = t.Dict[str, t.Any]

SHARED = "nginx listens on a shared address itself"
"""Where it does, it has to start also where that address is not held."""


def served(plan: Plan, host: str) -> Document:
    """Return what nginx of a balancer serves, as options of ``nginx_config``."""
    variables, upstreams = plan.members[host].variables, plan.upstreams[host]
    return {
        "upstreams": upstreams["balancer_upstreams"],
        "maps": variables["balancer_maps"],
        "servers": [
            *with_default_servers(variables["balancer_sites"], variables["balancer_default_server"]),
            *_status(variables),
            _health(variables),
        ],
        "stream_upstreams": upstreams["balancer_stream_upstreams"],
        "stream_servers": variables["balancer_streams"],
    }


def balancer(plan: Plan, host: str, derived: Document) -> Document:
    """Return the sections of ``host_state`` that let nginx of a host balance; ``derived`` is its ``Plan.balancer``."""
    options, variables = served(plan, host), plan.members[host].variables
    balances = bool(options["upstreams"] or options["stream_upstreams"])
    return {
        "kernel": {
            "path": "/etc/sysctl.d/90-holdfast-balancer.conf",
            "settings": [
                {"name": f"net.ipv{family}.ip_nonlocal_bind", "value": "1", "needed": True, "reason": SHARED}
                for family in derived["kernel"]["nonlocal_bind"]
            ],
        },
        "nginx": {**options, "drift": variables["balancer_drift"], "service_ports": access.service_ports(variables)},
        "selinux": {"booleans": ["httpd_can_network_connect"] if balances else []},
        "services": {"services": [nginx_service(variables)]},
    }


def balancer_preflight(plan: Plan, host: str) -> Document:
    """Return what ``preflight`` looks for before nginx of a host balances."""
    variables = plan.members[host].variables
    ranges = [(one["first"], one["last"]) for one in access.service_ports(variables)]
    ranges += [said for said in map(access.port_range, variables["balancer_health_listen"]) if said]
    numbers = dict.fromkeys(number for first, last in ranges for number in range(first, last + 1))
    names = [{"kind": kind, "name": name, "path": path} for kind, name, path in judged(served(plan, host)).undefined]
    return {
        "packages": [variables["nginx_package"]],
        "ports": list(numbers),
        **({"nginx_names": names} if names else {}),
    }


def nginx_service(variables: Variables) -> Document:
    """Return the service of nginx, as ``host_state`` takes it: started when its configuration is there."""
    return {"name": NGINX_UNIT, "enabled": variables["nginx_service_enabled"], "restarts": False}


def _health(variables: Variables) -> Document:
    """Return the server that tells the watcher whether nginx answers; no site shares its listener."""
    return {
        "name": "holdfast-health",
        "server_name": [variables["balancer_health_host"]],
        "listen": variables["balancer_health_listen"],
        "access_log": "off",
        "locations": [
            {
                "path": f"= {variables['balancer_health_path']}",
                "return": "204",
                "access": ["allow 127.0.0.0/8", "deny all"],
            },
            {"path": "/", "return": "444"},
        ],
    }


def _status(variables: Variables) -> Iterator[Document]:
    """Yield the site that shows how many connections and requests there are, where it is wanted."""
    if variables["balancer_status_listen"]:
        yield {
            "name": "holdfast-status",
            "listen": variables["balancer_status_listen"],
            "access_log": "off",
            "access": [*(f"allow {one}" for one in variables["balancer_status_allow"]), "deny all"],
            "locations": [{"path": "/", "stub_status": True}],
        }
