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
        self.roles = own["roles"] or ()
        if not self.roles:
            return given
        return {"steps": [self.step(role, own["only"], given) for role in self.roles]}

    def execute(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.in_inventory(super().execute(arguments), self.roles)

    def show(self, result: t.Mapping[str, t.Any]) -> None:
        for change in result.get("changes") or ():
            self.tell(change, color="yellow")
        self.tell_of_a_move(result.get("sections") or {})
