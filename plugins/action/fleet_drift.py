# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows and writes in what hosts differ from their plan: the documentation is in modules/fleet_drift.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.utils.display import Display
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet_drift import host_drift, report
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.report import inventory_order, write_report


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "looks": {"type": "dict", "required": True},
        "file": {"type": "path", "default": ""},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        looks = given["looks"]
        hosts = {host: host_drift(looks[host]) for host in inventory_order(looks, variables)}
        as_planned = not any(one["differs"] or one["error"] for one in hosts.values())
        if given["file"]:
            write_report(given["file"], {"as_planned": as_planned, "hosts": hosts})
        for line in report(hosts):
            Display().display(line)
        return {"as_planned": as_planned, "hosts": hosts}
