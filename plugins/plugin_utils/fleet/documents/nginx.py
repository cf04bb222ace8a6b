# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that nginx serves on a balancer. Private to this collection."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import MANAGED
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import file_limit
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.tls import RESPONDERS, Tls
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import argument_spec
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import access, values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import own_probe
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import with_default_servers
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import MAIN_FILE, SERVICE
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import builds
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.agent import NGINX_UNIT
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.certificates import fetched
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx_modules import nginx_modules
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.site_logs import (
    rotation_packages,
    site_logs,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import judged
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import rendered
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.typed import typed
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.values import boolean

__all__ = (
    "balancer",
    "balancer_preflight",
    "file_limits",
    "installed",
    "main_file",
    "newest",
    "nginx_service",
    "nginx_source",
    "package_sources",
    "pins",
    "question",
    "served",
)

Variables = Mapping[str, t.Any]
Document = t.Dict[str, t.Any]

JSON = json.dumps(
    {
        "time": "$time_iso8601",
        "client": "$remote_addr",
        "forwarded_for": "$http_x_forwarded_for",
        "request_id": "$request_id",
        "scheme": "$scheme",
        "host": "$host",
        "method": "$request_method",
        "uri": "$request_uri",
        "protocol": "$server_protocol",
        "status": "$status",
        "bytes_sent": "$bytes_sent",
        "request_time": "$request_time",
        "upstream": "$upstream_addr",
        "upstream_status": "$upstream_status",
        "upstream_connect_time": "$upstream_connect_time",
        "upstream_header_time": "$upstream_header_time",
        "upstream_response_time": "$upstream_response_time",
        "cache": "$upstream_cache_status",
        "referer": "$http_referer",
        "user_agent": "$http_user_agent",
    }
)
"""A line of JSON for each request, with the time that each part of it took; several upstreams are told with commas."""

WELCOME_SITE = "/etc/nginx/sites-enabled/default"
WELCOME_SITE_OF_NGINX_ORG = "/etc/nginx/conf.d/default.conf"
SOURCES = {
    "nginx.org": "https://nginx.org/packages",
    "nginx.org-mainline": "https://nginx.org/packages/mainline",
}
"""Repositories by their names; the distribution and the release follow, https://nginx.org/en/linux_packages.html."""

FOLDERS = ({"path": "/var/lib/nginx"}, {"path": "/var/log/nginx", "group": "adm"})
"""What a package of nginx brings, and its own ``make install`` does not."""

HARD_LIMIT = 524288
"""What systemd lets a service raise its limit to by itself; a lower one would take that away."""

TLS_OPTIONS = argument_spec(Tls)

SHARED = "nginx listens on a shared address itself"
"""Where it does, it has to start also where that address is not held."""


def served(plan: Plan, host: str) -> Document:
    """Return what nginx of a balancer serves, as options of ``nginx_config``."""
    variables, upstreams = plan.members[host].variables, plan.upstreams[host]
    return {
        **main_file(variables),
        **{option: variables[variable] for variable, option in SERVICE.items()},
        "upstreams": upstreams["balancer_upstreams"],
        "log_formats": [*_ready_formats(variables, "json"), *variables["balancer_log_formats"]],
        "servers": [
            *with_default_servers(variables["balancer_sites"], variables["balancer_default_server"]),
            *_status(variables),
            _health(variables),
        ],
        "stream_upstreams": upstreams["balancer_stream_upstreams"],
    }


def balancer(plan: Plan, host: str, derived: Document) -> Document:
    """Return the sections of ``host_state`` that let nginx of a host balance; ``derived`` is its ``Plan.balancer``."""
    options, variables = served(plan, host), plan.members[host].variables
    balances = bool(options["upstreams"] or options["stream_upstreams"])
    limits, logs = file_limits(variables), site_logs(variables["balancer_sites"])
    certificates = fetched(variables, plan.cluster_of[host].name)
    return {
        **certificates["agent"],
        "kernel": {
            "path": "/etc/sysctl.d/90-holdfast-balancer.conf",
            "settings": [
                {"name": f"net.ipv{family}.ip_nonlocal_bind", "value": "1", "needed": True, "reason": SHARED}
                for family in derived["kernel"]["nonlocal_bind"]
            ],
        },
        "files": {
            "folders": [*logs["folders"], *certificates["folders"]],
            "files": [*limits["files"], *logs["files"], *certificates["files"]],
        },
        "selinux_ports": {"ports": access.bound_ports(variables)},
        "nginx": {**options, "drift": variables["balancer_drift"], "service_ports": access.service_ports(variables)},
        "selinux": {"paths": ["/etc/nginx"], "booleans": ["httpd_can_network_connect"] if balances else []},
        "services": {"services": [nginx_service(variables), *certificates["services"]]},
    }


def installed(variables: Variables, question: Document | None = None) -> Document:
    """Return the documents of the role nginx on a host whose nginx another role configures, and starts.

    ``question`` is what a new nginx has to answer before the old one goes.
    """
    stays = boolean(variables["nginx_welcome_site"], "nginx_welcome_site")
    is_built = builds.is_built(variables, "nginx")
    files = [*builds.unit(variables, "nginx"), *([] if stays or is_built else [_welcome_site(variables)])]
    unit = {"name": NGINX_UNIT, "enabled": variables["nginx_service_enabled"], "runs": False, "restarts": False}
    return {
        "state": {
            "package_sources": package_sources(variables, "nginx"),
            **builds.build(variables, "nginx", question),
            **({"files": {"folders": list(FOLDERS) if is_built else [], "files": files}} if files else {}),
            "services": {"services": [unit]},
        },
        "preflight": {"newest": newest(variables, "nginx"), **builds.builds(variables, "nginx")},
    }


def question(variables: Variables) -> Document | None:
    """Return what tells whether nginx of a balancer answers: what the watcher asks, where that looks after nginx."""
    return dict(own_probe(variables)) if variables["keepalived_guarded_unit"] == NGINX_UNIT else None


def main_file(variables: Variables) -> Document:
    """Return what nginx_config takes for nginx.conf."""
    managed = variables["nginx_conf"] == MANAGED
    return {
        "nginx_conf": variables["nginx_conf"],
        **{option: variables[variable] for variable, option in MAIN_FILE.items() if managed},
    }


def file_limits(variables: Variables) -> Document:
    """Return the section ``files`` that lets nginx have as many files open as its workers may."""
    drop_in: Document = {"path": f"/etc/systemd/system/{NGINX_UNIT}.d/holdfast-limits.conf"}
    if variables["nginx_conf"] == MANAGED:
        limit = file_limit({option: variables[variable] for variable, option in MAIN_FILE.items()})
        drop_in["content"] = rendered("nginx", "limits.conf.j2", soft=limit, hard=max(limit, HARD_LIMIT))
    return {"files": [drop_in]}


def _ready_formats(variables: Variables, name: str) -> list[Document]:
    """Return the format of logs that is ready to use, where a log has it and nobody else has its name."""
    asked = [variables["nginx_http"], *variables["balancer_sites"]]
    asked += [location for site in variables["balancer_sites"] for location in site.get("locations") or ()]
    logs = [str(one.get("access_log") or "").split() for one in asked]
    own = {one.get("name") for one in variables["balancer_log_formats"]}
    if name in own or not any(log[1:2] == [name] for log in logs):
        return []
    return [{"name": name, "escape": "json", "format": JSON}]


def balancer_preflight(plan: Plan, host: str, state: Document) -> Document:
    """Return what ``preflight`` looks for before nginx of a host balances; ``state`` is what ``balancer`` returns."""
    variables = plan.members[host].variables
    ranges = [(one["first"], one["last"]) for one in access.tcp_ports(variables)]
    ranges += [ports for ports in map(access.port_range, variables["balancer_health_listen"]) if ports]
    numbers = dict.fromkeys(number for first, last in ranges for number in range(first, last + 1))
    names = [{"kind": kind, "name": name, "path": path} for kind, name, path in judged(state["nginx"]).undefined]
    certificates = list(_certificates(variables["balancer_sites"]))
    return {
        "packages": [*builds.packages(variables, "nginx"), *rotation_packages(state["files"]["files"])],
        **pins(variables, "nginx"),
        **nginx_source(variables),
        "nginx_modules": [] if builds.is_built(variables, "nginx") else nginx_modules(state["nginx"]),
        "ports": list(numbers),
        **({"nginx_names": names} if names else {}),
        **({"certificates": certificates} if certificates else {}),
    }


def pins(variables: Variables, daemon: str) -> Document:
    """Return the version that the package of a daemon shall have, as ``preflight`` takes it, where one is said."""
    version = variables[f"{daemon}_version"]
    if not version:
        return {}
    return {"pins": [{"package": variables[f"{daemon}_package"], "version": version, "path": f"{daemon}_version"}]}


def _certificates(sites: list[Document]) -> Iterator[Document]:
    """Yield what is to be judged of each site with a certificate: its path, its names, what it says of TLS."""
    for index, site in enumerate(sites):
        if (site.get("tls") or {}).get("certificate"):
            path = f"balancer_sites[{index}].tls"
            yield {
                "path": path,
                "names": [str(name) for name in values.listed(site.get("server_name"))],
                "tls": typed(site["tls"], TLS_OPTIONS, path),
                "has_responder": any(site.get(name) for name in RESPONDERS),
            }


def newest(variables: Variables, daemon: str) -> list[str]:
    """Return the package of a daemon where it is to be the newest."""
    is_wanted = variables[f"{daemon}_package_state"] == "latest" and not variables[f"{daemon}_version"]
    return [variables[f"{daemon}_package"]] if is_wanted and not builds.is_built(variables, daemon) else []


def package_sources(variables: Variables, daemon: str) -> Document:
    """Return the section ``package_sources`` of ``host_state``: which version of a daemon is installed, and whence."""
    pinned = pins(variables, daemon).get("pins", ())
    return {
        "daemon": daemon,
        **({"pin": pinned[0]} if pinned else {}),
        **(nginx_source(variables) if daemon == "nginx" else {}),
    }


def nginx_source(variables: Variables) -> Document:
    """Return the repository that nginx comes from, as ``preflight`` takes it, where it is not the distribution's."""
    name = variables["nginx_source"]
    if name not in SOURCES:
        return {}
    return {
        "nginx_source": {
            "url": variables["nginx_source_url"] or SOURCES[name],
            "package": variables["nginx_package"],
            "key": variables["nginx_source_key"],
            "fingerprints": variables["nginx_source_fingerprints"],
        }
    }


def _welcome_site(variables: Variables) -> Document:
    """Return the file of the welcome page, which is to go; what somebody wrote into that of nginx.org stays."""
    if nginx_source(variables):
        return {"path": WELCOME_SITE_OF_NGINX_ORG, "conffile_of": variables["nginx_package"]}
    return {"path": WELCOME_SITE}


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
            {"path": f"= {variables['balancer_health_path']}", "return": "204"},
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
