# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the plan to the module, and says in a sentence why not: the documentation is in modules/host_look.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import failure
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.lock import refused, with_lock
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import PlannedAction

UNREACHABLE = (
    "{host} cannot be reached: {why}. Nothing was changed. See that it runs, that ansible_host is its address, and "
    "that ansible_user may log in{else_}."
)


class ActionModule(PlannedAction):
    """Runs the module with what the plan has for all of the roles; their packages and their ports add up."""

    OWN = ("roles", "lock")

    def arguments(self, own: Mapping[str, t.Any], given: dict[str, t.Any]) -> dict[str, t.Any]:
        self.roles, self.lock = own["roles"] or (), bool(own["lock"])
        # Who is as planned hears nobody but the peers of the inventory any more.
        steps = [self.step(role, None, {"firewall": {"senders": "exact"}}) for role in self.roles]
        return {**given, "fitness": self.fitness(self.roles), "steps": steps}

    def execute(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        host = str(self.variables["inventory_hostname"])
        try:
            if not self.lock:
                return self.look(arguments)
            result = with_lock(lambda own: self.look({**arguments, **own}))
            refused(result, host)
        except AnsibleConnectionFailure as error:
            # It would end in the words of ssh; here it is said what was not done, and what to do.
            why = failure({"msg": str(error)})
            without = "; or leave it out with --limit" if "backend" in self.roles else ""
            raise HoldfastError(UNREACHABLE.format(host=host, why=why, else_=without)) from None
        return result

    @staticmethod
    def in_one_line(result: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result with one line for a person in place of what a host without Python or sudo says."""
        return {**result, "msg": failure(result)} if result.get("failed") else result

    def look(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module and return its result, in the words of the inventory."""
        return self.in_inventory(self.in_one_line(super().execute(arguments)), self.roles)

    def show(self, result: Mapping[str, t.Any]) -> None:
        if result.get("failed") or result.get("plan_again"):
            return
        if "keepalived" in self.roles and self.planned("keepalived", "outage"):
            self.tell(self.planned("keepalived", "outage"))
        self.tell_of_a_move(result.get("sections") or {})
