# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doorway to the planner: hands it the inventory, and hands its plan to the play."""

from __future__ import annotations

import os
import re
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, HoldfastError, errors
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import hide
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules_instances import NOTIFIES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import examine
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import specs
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import keep
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # ansible-core 2.18 and older mark what they read in another way
    Origin = None

IN_USE = ("__keepalived_in_use", "__keepalived_fit", "__keepalived_in_use_beside")
"""What looks at the router ids of a host, and of members beside it, register: in the role keepalived and in the
playbook holdfast.nginx_ha.site."""

NO_LOG = "holdfast_no_log"
"""Whether what may hold a secret is kept from the screen, which is so unless this variable says otherwise."""

NOT_TOGETHER = ("free", "host_pinned")
"""Strategies under which the hosts of a batch do not wait for each other."""

COMMANDS = ("command", "misc_path", "notify_down", "notify_up", "quorum_down", "quorum_up", *NOTIFIES)
"""Options of a plan that are command lines."""

# The steps of a path such as keepalived_instances[0].vips[1]
STEP = re.compile(r"(\w+)|\[(\d+)\]")


class ActionModule(ReadOnlyAction):
    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        strategy = str(self._task.get_play().strategy)
        if strategy.rpartition(".")[2] in NOT_TOGETHER:
            raise HoldfastError(
                f"The strategy is {strategy}, under which every host runs ahead on its own, and a pair must not: "
                "remove `strategy` from the play, or let it be linear.",
            )
        examined = examine(
            variables["hostvars"],
            variables["groups"],
            specs(),
            roles=variables.get("holdfast_groups"),
            foreign=variables.get("holdfast_foreign_variables"),
            in_use=_in_use(variables["hostvars"]),
        )
        findings = examined.findings(_origin(variables["hostvars"]))
        faults = errors(findings)
        if faults:
            raise HoldfastError(_message(faults))
        # The play plans several times, and Ansible shows each text once.
        warnings = [str(finding) for finding in findings]
        hosts = [str(host) for host in variables["ansible_play_batch"]]
        keep(documents(examined.plan, hosts))
        slices = examined.plan.slices(hosts)
        result: dict[str, t.Any] = {"warnings": warnings, "plan": {"hosts": slices}}
        hidden = values.boolean(variables.get(NO_LOG, True), NO_LOG)
        if hidden and _may_hold_secrets(slices):
            # The play can use them, and nobody reads them on the screen.
            result["_ansible_no_log"] = True
        return result


def _in_use(hostvars: Mapping[str, t.Any]) -> dict[str, Mapping[str, int]]:
    """Return the router ids with which hosts run, by host and instance, where they were looked at in this run."""
    found: dict[str, Mapping[str, int]] = {}
    for host in hostvars:
        for seen in [hostvars[host].get(name) or {} for name in IN_USE]:
            for name, look in [(host, seen), *((one["item"], one) for one in seen.get("results", ()))]:
                if look.get("router_ids"):
                    found[str(name)] = {str(instance): int(number) for instance, number in look["router_ids"].items()}
    return found


def _message(faults: list[Finding]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = [f"- {fault}" for fault in faults]
    return "\n".join([f"The inventory has {count}; no host was touched.", *lines])


def _may_hold_secrets(value: t.Any, name: str = "") -> bool:
    """Return whether there is an argument of a command, a query of a URL, or what looks like a secret."""
    if isinstance(value, Mapping):
        return any(_may_hold_secrets(one, str(key)) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return (name in COMMANDS and len(value) > 1) or any(_may_hold_secrets(one, name) for one in value)
    if not isinstance(value, str):
        return False
    return (name in COMMANDS and " " in value) or (name == "path" and "?" in value) or hide(value) != value


def _origin(hostvars: Mapping[str, t.Any]) -> Callable[[str, str], str]:
    """Return a function that tells file and line of a host's variable, empty where Ansible does not know them."""

    def origin(host: str, path: str) -> str:
        value, found = hostvars[host], ""
        for name, index in STEP.findall(path):
            try:
                value = value[int(index)] if index else value[name]
            except Exception:  # noqa: BLE001  the rest of the path is not there, or cannot be templated
                break
            found = _line(value) or found
        return found

    return origin


def _line(value: t.Any) -> str:
    tag = Origin.get_tag(value) if Origin else None
    file, line = (tag.path, tag.line_num) if tag else getattr(value, "ansible_pos", (None, 0, 0))[:2]
    if not file or not line:
        return ""
    near = os.path.relpath(file)
    return f"{file if near.startswith(os.pardir) else near}:{line}"
