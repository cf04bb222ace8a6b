# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the plan to the module, and tells every change by its name: the documentation is in modules/host_state.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import PlannedAction


class ActionModule(PlannedAction):
    """Runs the module and shows what one task has done, which would otherwise be a single word."""

    OWN = ("roles", "only")

    def arguments(self, own: t.Mapping[str, t.Any], given: dict[str, t.Any]) -> dict[str, t.Any]:
        if not own["roles"]:
            return given
        return {"steps": [self.step(role, own["only"], given) for role in own["roles"]]}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if self._task.args.get("role") == "balancer" and (result.get("failed") or result.get("warnings")):
            from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import (
                in_inventory,
            )

            # The module knows the options that the plan made of the variables.
            if result.get("msg"):
                result["msg"] = in_inventory(str(result["msg"]))
            result["warnings"] = [in_inventory(str(one)) for one in result.get("warnings") or ()]
        return result

    def show(self, result: t.Mapping[str, t.Any]) -> None:
        for change in result.get("changes") or ():
            self.tell(change, color="yellow")
        self.tell_of_a_move(result.get("sections") or {})
