# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doorway to the planner: hands it the inventory, and hands its plan to the play."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import unreadable
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import keep
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planning import HostVariables, planned_fleet
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

IN_USE = ("__keepalived_in_use", "__keepalived_fit", "__keepalived_in_use_beside")
"""What looks at the router ids of a host, and of members beside it, register: in the role keepalived and in the
playbook holdfast.nginx_ha.site."""

NO_LOG = "holdfast_no_log"
"""Whether what may hold a secret is kept from the screen, which is so unless this variable says otherwise."""

NOT_TOGETHER = ("free", "host_pinned")
"""Strategies under which the hosts of a batch do not wait for each other."""


class ActionModule(ReadOnlyAction):
    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        strategy = str(self._task.get_play().strategy)
        if strategy.rpartition(".")[2] in NOT_TOGETHER:
            raise HoldfastError(
                f"The strategy is {strategy}, under which every host runs ahead on its own, and a pair must not: "
                "remove `strategy` from the play, or let it be linear.",
            )
        # The play plans several times, and Ansible shows each text once.
        hostvars = HostVariables(variables["hostvars"])
        plan, warnings = planned_fleet({**variables, "hostvars": hostvars}, self._loader, _in_use(hostvars))
        hosts = [str(host) for host in variables["ansible_play_batch"]]
        keep(documents(plan, hosts))
        slices = plan.slices(hosts)
        result: dict[str, t.Any] = {"warnings": warnings, "plan": {"hosts": slices}}
        hidden = values.boolean(variables.get(NO_LOG, True), NO_LOG)
        if hidden and unreadable(slices) != slices:
            # The play can use them, and nobody reads them on the screen.
            result["_ansible_no_log"] = True
        return result


def _in_use(hostvars: Mapping[str, t.Any]) -> dict[str, Mapping[str, int]]:
    """Return the router ids with which hosts run, by host and instance, where they were looked at in this run."""
    found: dict[str, Mapping[str, int]] = {}
    for host in hostvars:
        own = hostvars[host]
        for seen in [own.get(name) or {} for name in IN_USE]:
            for name, look in [(host, seen), *((one["item"], one) for one in seen.get("results", ()))]:
                if look.get("router_ids"):
                    found[str(name)] = {str(instance): int(number) for instance, number in look["router_ids"].items()}
    return found
