# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deals the hosts of a play out to waves: the documentation is in modules/fleet_waves.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.waves import DEFAULT_SIZES, sizes, waves
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planning import planned_fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "sizes": {"type": "list", "elements": "str", "default": list(DEFAULT_SIZES)}
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        plan, warnings = planned_fleet(variables, self._loader)
        hosts = [str(host) for host in variables["ansible_play_hosts_all"]]
        found = waves(plan, hosts, sizes(given["sizes"]))
        return {
            "warnings": warnings,
            "waves": [list(wave.clusters) for wave in found],
            "wave_of": {host: number for number, wave in enumerate(found, 1) for host in wave.hosts},
        }
