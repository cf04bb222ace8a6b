# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that the planner reads, and their defaults. Private to this collection.

``hostvars`` hold no defaults of roles, so those that the planner and a role share are written here once;
a test equates them with the roles'.
"""

from __future__ import annotations

import typing as t

__all__ = (
    "DEFAULTS",
    "DRAWING",
    "GROUPS",
    "INSTANCE_OPTIONS",
    "OF_A_BACKEND",
    "OF_A_BALANCER",
    "PREFIXES",
    "REACHED_BY",
    "SECOND_FAMILY",
    "SERVICE",
    "UNSET",
    "UPSTREAMS",
    "USED",
    "VIRTUAL_SERVERS",
)

GROUPS: dict[str, str] = {"master": "master", "backup": "backup", "backend": "backend"}
"""The inventory groups by what their hosts are; the variable ``holdfast_groups`` changes them."""

DEFAULTS: dict[str, t.Any] = {
    "keepalived_vips": [],
    "keepalived_spread": False,
    "keepalived_second_family": "ride_along",
    "keepalived_sync_groups": [],
    "keepalived_timing": "fast",
    "keepalived_preempt": True,
    "keepalived_preempt_delay": 60,
    "keepalived_unicast": True,
    "keepalived_instance_options": {},
    "keepalived_global_options": {},
    "keepalived_policy": "failover",
    "keepalived_restart_patience": 2,
    "keepalived_checks": [],
    "keepalived_allow_no_holder": False,
    "keepalived_probe_address": "127.0.0.1",
    "keepalived_probe_port": 80,
    "keepalived_probe_host": "health.holdfast.invalid",
    "keepalived_probe_path": "/holdfast-health",
    "keepalived_probe_interval": 0.03,
    "keepalived_probe_timeout": 0.23,
    "keepalived_probe_fall": 2,
    "keepalived_probe_rise": 2,
    "keepalived_detector_interval": 1.0,
    "keepalived_notify_commands": {},
    "keepalived_track_files": [],
    "keepalived_vrrp_scripts": [],
    "keepalived_track_processes": [],
    "keepalived_track_interfaces": [],
    "keepalived_virtual_servers": [],
    "balancer_maps": [],
    "balancer_upstreams": [],
    "balancer_sites": [],
    "balancer_stream_upstreams": [],
    "balancer_streams": [],
    "balancer_health_host": "health.holdfast.invalid",
    "balancer_health_path": "/holdfast-health",
    "balancer_health_listen": ["80"],
    "backend_port": 8080,
}

SECOND_FAMILY: tuple[str, ...] = ("ride_along", "sync_group")
"""What becomes of the other family's addresses in ``keepalived_vips``: in the same instance, or in one of their own."""

SERVICE: dict[str, str] = {
    "balancer_maps": "maps",
    "balancer_upstreams": "upstreams",
    "balancer_sites": "servers",
    "balancer_stream_upstreams": "stream_upstreams",
    "balancer_streams": "stream_servers",
}
"""What a balancer serves: the variable, and the option of ``nginx_config`` that it becomes."""

UPSTREAMS: tuple[str, ...] = ("balancer_upstreams", "balancer_stream_upstreams")

VIRTUAL_SERVERS = "keepalived_virtual_servers"

INSTANCE_OPTIONS = "keepalived_instance_options"

DRAWING: tuple[str, ...] = (*UPSTREAMS, VIRTUAL_SERVERS)
"""Lists whose elements may name a group of backends in ``servers_from``."""

UNSET: tuple[str, ...] = (
    "keepalived_address",
    "keepalived_address6",
    "keepalived_auth_pass",
    "keepalived_cluster",
    "keepalived_instances",
    "keepalived_interface",
    "keepalived_multicast_group",
    "keepalived_multicast_group6",
    "keepalived_mail",
    "keepalived_priority",
    "keepalived_virtual_router_id",
    "keepalived_witnesses",
    "backend_address",
    "backend_backup",
    "backend_down",
    "backend_fail_timeout",
    "backend_max_conns",
    "backend_max_fails",
    "backend_weight",
)
"""Read as well; absent means that the value is derived, or that nothing is said about it."""

REACHED_BY = "ansible_host"

USED: frozenset[str] = frozenset(DEFAULTS) | frozenset(UNSET) | {REACHED_BY}
"""All that the plan follows from. What the roles have beside it is judged, and nothing else is ever templated."""

OF_A_BALANCER: tuple[str, ...] = ("balancer_", "keepalived_", "nginx_")
OF_A_BACKEND: tuple[str, ...] = ("backend_", "nginx_")
PREFIXES: tuple[str, ...] = tuple(sorted({*OF_A_BALANCER, *OF_A_BACKEND}))
"""Variables that begin so belong to this collection, and a name that it does not know is a slip of the pen."""
