# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of an inventory, and the variables that mean the same in several places. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import roles
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import meant

__all__ = (
    "DEFAULTS",
    "DRAWING",
    "GROUPS",
    "INSTANCE_OPTIONS",
    "MAIN_FILE",
    "OF_ONE_HOST",
    "OF_A_BACKEND",
    "OF_A_BALANCER",
    "OF_AN_ISSUER",
    "OF_THE_PLAYBOOKS",
    "PREFIXES",
    "REACHED_BY",
    "SECOND_FAMILY",
    "SERVICE",
    "UPSTREAMS",
    "VIRTUAL_SERVERS",
)

GROUPS: dict[str, str] = {"master": "master", "backup": "backup", "backend": "backend", "issuer": "issuer"}
"""The inventory groups by what their hosts are; the variable ``holdfast_groups`` changes them."""

DEFAULTS: t.Mapping[str, t.Any] = {
    name: meant(value, roles.specs()[name]) for name, value in roles.defaults().items() if "{{" not in str(value)
}
"""The variables that have a default, and that. ``hostvars`` hold no defaults of roles, so it is read from theirs.

One that is a template is not the planner's to read.
"""

SECOND_FAMILY: tuple[str, ...] = ("ride_along", "sync_group")
"""What becomes of the other family's addresses in ``keepalived_vips``: in the same instance, or in one of their own."""

SERVICE: dict[str, str] = {
    "balancer_log_formats": "log_formats",
    "balancer_maps": "maps",
    "balancer_geos": "geos",
    "balancer_split_clients": "split_clients",
    "balancer_limit_req_zones": "limit_req_zones",
    "balancer_limit_conn_zones": "limit_conn_zones",
    "balancer_cache_paths": "cache_paths",
    "balancer_stream_log_formats": "stream_log_formats",
    "balancer_stream_maps": "stream_maps",
    "balancer_stream_geos": "stream_geos",
    "balancer_stream_split_clients": "stream_split_clients",
    "balancer_stream_limit_conn_zones": "stream_limit_conn_zones",
    "balancer_upstreams": "upstreams",
    "balancer_sites": "servers",
    "balancer_stream_upstreams": "stream_upstreams",
    "balancer_streams": "stream_servers",
}
"""What a balancer serves: the variable, and the option of ``nginx_config`` that it becomes."""

MAIN_FILE: dict[str, str] = {
    "nginx_main": "main",
    "nginx_events": "events",
    "nginx_http": "http",
    "nginx_stream": "stream",
}
"""What stands in nginx.conf: the variable, and the option of ``nginx_config`` that it becomes."""

UPSTREAMS: tuple[str, ...] = ("balancer_upstreams", "balancer_stream_upstreams")

VIRTUAL_SERVERS = "keepalived_virtual_servers"

INSTANCE_OPTIONS = "keepalived_instance_options"

DRAWING: tuple[str, ...] = (*UPSTREAMS, VIRTUAL_SERVERS)
"""Lists whose elements may name a group of backends in ``servers_from``."""

REACHED_BY = "ansible_host"

OF_ONE_HOST: frozenset[str] = frozenset(
    {
        *(
            "balancer_drift",
            "balancer_certificates_interval",
            "nginx_conf",
            *MAIN_FILE,
            "nginx_package",
            "nginx_package_state",
            "nginx_version",
            "nginx_source",
            "nginx_source_url",
            "nginx_source_key",
            "nginx_source_fingerprints",
            "nginx_tarball",
            "nginx_tarball_checksum",
            "nginx_configure_options",
            "nginx_prefix",
            "nginx_user",
            "nginx_build_packages",
            "nginx_service_enabled",
            "nginx_welcome_site",
        ),
        *("backend_server", "backend_server_name", "backend_root", "backend_page", "backend_content"),
        *(
            "backend_firewall",
            "backend_real_ip",
            "backend_health_path",
            "backend_drain_timeout",
            "backend_drain_at_timeout",
            "backend_files",
            "backend_folders",
        ),
        *("keepalived_package", "keepalived_package_state", "keepalived_version"),
        *("keepalived_source", "keepalived_tarball", "keepalived_tarball_checksum", "keepalived_configure_options"),
        *("keepalived_prefix", "keepalived_build_packages"),
        *("keepalived_sandbox", "keepalived_guard"),
        *("keepalived_rt_priority", "keepalived_startup_delay", "keepalived_garp_master_repeat"),
        *("keepalived_garp_master_refresh", "keepalived_firewall", "keepalived_firewall_sources"),
        *("keepalived_adopt", "keepalived_drift", "keepalived_prove_trackers", "keepalived_prove_expect"),
        *("keepalived_notify_user", "keepalived_notify_timeout", "keepalived_log_file", "keepalived_log_install"),
        *("keepalived_log_frequency", "keepalived_log_keep", "keepalived_metrics_file"),
        *("issuer_address", "issuer_port", "issuer_certificates", "issuer_hooks"),
    }
)
"""Variables from which nothing follows for another host. A wrong value keeps nothing from being judged."""

OF_A_BALANCER: tuple[str, ...] = ("balancer_", "keepalived_", "nginx_")
OF_A_BACKEND: tuple[str, ...] = ("backend_", "nginx_")
OF_AN_ISSUER: tuple[str, ...] = ("issuer_",)
PREFIXES: tuple[str, ...] = tuple(sorted({*OF_A_BALANCER, *OF_A_BACKEND, *OF_AN_ISSUER}))
"""Variables that begin so may be meant for this collection; other roles have such as well: see spelling.py."""

OF_THE_PLAYBOOKS: tuple[str, ...] = (
    *("holdfast_groups", "holdfast_foreign_variables", "holdfast_no_log", "holdfast_lead", "holdfast_confirm_within"),
    *("holdfast_plan_salt", "holdfast_waves"),
)
"""Variables of the playbooks, which belong to no role."""
