# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows and writes who holds what: the documentation is in modules/fleet_status.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.utils.display import Display
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet_status import cluster_status, node_status, table
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.report import inventory_order, write_report


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "plan": {"type": "dict", "required": True},
        "vrrp": {"type": "dict", "required": True},
        "nginx": {"type": "dict", "required": True},
        "changed": {"type": "dict", "required": True},
        "file": {"type": "path", "default": ""},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        planned = given["plan"]["hosts"]
        hosts = {host: planned[host] for host in inventory_order(planned, variables) if "cluster" in planned[host]}
        clusters: dict[str, t.Any] = {}
        for one in hosts.values():
            name = one["cluster"]
            if name not in clusters:
                members = {host: _node(host, hosts.get(host, one), given) for host in one["members"]}
                clusters[name] = cluster_status(one["vips"], members)
        if given["file"]:
            write_report(given["file"], {"clusters": clusters})
        for line in table(clusters):
            Display().display(line)
        return {"clusters": clusters}


def _node(host: str, planned: Mapping[str, t.Any], given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    changed = given["changed"].get(host) or {}
    return node_status(
        planned, given["vrrp"].get(host) or {}, given["nginx"].get(host) or {}, changed.get("results") or ()
    )
