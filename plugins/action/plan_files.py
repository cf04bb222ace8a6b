# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the plan of the hosts as files on the controller: the documentation is in modules/plan_files.py."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan_files import digest, plan_files
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.plan_tree import Change, PlanTree
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planning import planned_fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

SALT = "holdfast_plan_salt"
SHORTEST = 16
"""Characters of a salt; with a shorter one a password could be found by trying."""


class ActionModule(ReadOnlyAction):
    """No host is touched: what is written lies on the controller."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "folder": {"type": "path", "required": True},
        "salt": {"type": "str", "default": "", "no_log": True},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        if 0 < len(given["salt"]) < SHORTEST:
            raise InputError(
                SALT, f"is shorter than {SHORTEST} characters, and secrets could be guessed: make it longer"
            )
        tree = PlanTree(Path(os.path.abspath(given["folder"])))
        # Keys that are new every day are those of one day, or the files would differ on each.
        plan, warnings = planned_fleet(variables, self._loader, tree.router_ids(), now=0)
        fleet = [*plan.members, *plan.fleet.groups.get(plan.fleet.roles["backend"], ())]
        hosts = [host for host in dict.fromkeys(map(str, variables["ansible_play_hosts_all"])) if host in fleet]
        stand_in = digest(given["salt"])
        planned = {host: plan_files(plan, host, stand_in) for host in hosts}
        # Who is left out by a limit is planned still.
        gone = [host for host in tree.hosts if host not in fleet] if set(hosts) == set(fleet) else []
        changes = tree.changes(planned, gone)
        if not self._task.check_mode:
            tree.write(changes)
        result = {"changed": bool(changes), "warnings": warnings, "changes": [one.path for one in changes]}
        return {**result, "diff": [_difference(one) for one in changes]} if self._task.diff else result


def _difference(change: Change) -> dict[str, str]:
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": change.before or "",
        "after": change.after or "",
    }
