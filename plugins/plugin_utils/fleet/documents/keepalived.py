# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the role keepalived wants of a balancer. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import agent, builds
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.nginx import (
    newest,
    package_sources,
    pins,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.services import (
    AGENT_DIR,
    NOTIFY_FIFO,
    files,
    services,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.scripts import scripts

__all__ = ("preflight", "state")

Variables = Mapping[str, t.Any]
Document = t.Dict[str, t.Any]

PROMOTE = {
    "name": "net.ipv4.conf.all.promote_secondaries",
    "value": "1",
    "reason": "else a shared address goes when the first one of its subnet is taken away",
}
FORWARD = {
    "name": "net.ipv4.ip_forward",
    "value": "1",
    "needed": True,
    "reason": "LVS rewrites addresses and forwards the packets",
}
LABELLED = (
    "/etc/keepalived",
    "/etc/holdfast",
    "/etc/systemd/system/keepalived.service.d",
    "/etc/systemd/system/nginx.service.d",
    "/run/holdfast",
    AGENT_DIR,
)
"""What has the labels of SELinux by where it lies, with all below it."""


def state(plan: Plan, host: str, derived: Document) -> Document:
    """Return the sections of ``host_state`` that make a host a balancer whose addresses are kept.

    ``derived`` is its ``Plan.balancer``.
    """
    variables = plan.members[host].variables
    if plan.cluster_of[host].is_alone:
        alone = {**_firewall(variables, derived["firewall"]), "guard": False}
        return {"firewall": alone} if variables["keepalived_firewall"] == "auto" else {}
    own = {"firewall": _firewall(variables, derived["firewall"])}
    heard = variables["keepalived_firewall"] == "auto" or variables["keepalived_guard"]
    return {
        "package_sources": package_sources(variables, "keepalived"),
        **builds.build(variables, "keepalived"),
        "agent": {"folder": AGENT_DIR},
        "files": files(variables, host, derived["detected"], [one.advertised for one in plan.instances[host]]),
        "kernel": {"settings": [PROMOTE, *([FORWARD] if derived["kernel"]["forward"] else [])]},
        **(own if heard else {}),
        "keepalived": _config(plan, host, derived),
        "watcher": {"document": agent.watcher(variables, derived["detected"], plan.patience(plan.members[host]))},
        "networkd": {},
        "selinux": {
            "paths": list(LABELLED),
            "booleans": ["keepalived_connect_any"] if derived["keepalived_virtual_servers"] else [],
        },
        "services": {"services": services(variables)},
    }


def preflight(plan: Plan, host: str, derived: Document) -> Document:
    """Return what ``preflight`` looks for before a host becomes a balancer whose addresses are kept.

    ``derived`` is its ``Plan.balancer``.
    """
    if plan.cluster_of[host].is_alone:
        return {}
    variables = plan.members[host].variables
    run = scripts(variables, [one.configured for one in plan.instances[host]])
    commands = variables["keepalived_notify_commands"].values()
    logs = bool(variables["keepalived_log_file"])
    return {
        "packages": [*derived["packages"], *(["rsyslog"] if logs and variables["keepalived_log_install"] else [])],
        **pins(variables, "keepalived"),
        **builds.builds(variables, "keepalived"),
        "newest": newest(variables, "keepalived"),
        "log": logs,
        "commands": [command for listed in commands for command in (listed if isinstance(listed, list) else [listed])],
        "command_user": variables["keepalived_notify_user"],
        "instances": _instances(plan, host),
        "detected": derived["detected"],
        "sync_groups": derived["keepalived_sync_groups"],
        "ipvs": derived["kernel"]["ipvs"],
        "real_time": variables["keepalived_rt_priority"] if derived["kernel"]["real_time"] else 0,
        "adopt": variables["keepalived_adopt"],
        "scripts": {place: one.program for place, one in run.items()},
        "script_users": {place: one.user for place, one in run.items() if one.user != "root"},
        "track_processes": bool(variables["keepalived_track_processes"]),
    }


def _global_defs(variables: Variables, host: str) -> Document:
    """Return the global options of keepalived, those of ``keepalived_global_options`` laid over the collection's."""
    delay = variables["keepalived_startup_delay"]
    return {
        "router_id": host,
        "enable_script_security": True,
        # Else keepalived looks for a user keepalived_script, and complains where there is none.
        "script_user": ["root"],
        # The user is said because keepalived wants to know one; systemd has made the FIFO, and keepalived leaves it.
        "vrrp_notify_fifo": [NOTIFY_FIFO, "root"],
        "vrrp_rt_priority": variables["keepalived_rt_priority"],
        # Microseconds of real time without a pause, after which the kernel kills it. The default of 10 ms is over as
        # soon as the host or its hypervisor is busy, and then the address moves for nothing; adverts every 0.1 s bear
        # half a second.
        "vrrp_rlimit_rttime": 500000,
        "vrrp_no_swap": True,
        "vrrp_check_unicast_src": True,
        "vrrp_skip_check_adv_addr": True,
        "vrrp_higher_prio_send_advert": True,
        **({"vrrp_startup_delay": delay} if delay else {}),
        "vrrp_garp_master_delay": 1,
        "vrrp_garp_master_repeat": variables["keepalived_garp_master_repeat"],
        "vrrp_garp_master_refresh": variables["keepalived_garp_master_refresh"],
        "vrrp_garp_lower_prio_delay": 1,
        "vrrp_garp_lower_prio_repeat": 3,
        **variables["keepalived_global_options"],
    }


def _config(plan: Plan, host: str, derived: Document) -> Document:
    member = plan.members[host]
    variables = member.variables
    return {
        "global_defs": _global_defs(variables, host),
        "track_files": [*plan.own_track_files(member), *variables["keepalived_track_files"]],
        "vrrp_scripts": variables["keepalived_vrrp_scripts"],
        "track_processes": variables["keepalived_track_processes"],
        "sync_groups": derived["keepalived_sync_groups"],
        "instances": _instances(plan, host),
        "virtual_servers": derived["keepalived_virtual_servers"],
        "adopt": variables["keepalived_adopt"],
        "drift": variables["keepalived_drift"],
    }


def _instances(plan: Plan, host: str) -> list[Document]:
    """Return the instances of a host with their secrets."""
    return [dict(one.options) for one in plan.instances[host]]


def _firewall(variables: Variables, wanted: Document) -> Document:
    return {
        **wanted,
        "sources": variables["keepalived_firewall_sources"],
        "through": variables["keepalived_firewall"] == "auto",
        "guard": variables["keepalived_guard"],
        "senders": "joined",
    }
