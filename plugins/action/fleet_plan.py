# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doorway to the planner: hands it the inventory, and hands its plan to the play."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import Finding, errors
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import examine

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ActionBase):  # type: ignore[misc]
    TRANSFERS_FILES = False
    _VALID_ARGS: frozenset[str] = frozenset()
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        del tmp
        given = task_vars or {}
        strategy = str(self._task.get_play().strategy)
        if strategy.rpartition(".")[2] in ("free", "host_pinned"):
            return self._failed(
                result,
                f"The strategy is {strategy}, under which every host runs ahead on its own, and a pair must not: "
                "remove `strategy` from the play.",
            )
        examined = examine(
            given["hostvars"],
            given["groups"],
            roles=given.get("holdfast_groups"),
            known=self._known(),
            foreign=given.get("holdfast_foreign_variables"),
        )
        findings = examined.faults.findings()
        faults = errors(findings)
        if faults:
            return self._failed(result, _message(faults))
        slices = examined.plan.slices(str(host) for host in given["ansible_play_batch"])
        result.update(changed=False, plan={"hosts": slices})
        result.setdefault("warnings", []).extend(str(finding) for finding in findings)
        return result

    @staticmethod
    def _failed(result: dict[str, t.Any], message: str) -> dict[str, t.Any]:
        result.update(failed=True, changed=False, msg=message)
        return result

    def _known(self) -> set[str]:
        """Return the names of the roles' variables, from their own argument specs."""
        names: set[str] = set()
        for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
            for spec in self._loader.load_from_file(str(path))["argument_specs"].values():
                names.update(str(name) for name in spec.get("options") or ())
        return names


def _message(faults: list[Finding]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = [f"- {fault}" for fault in faults]
    return "\n".join([f"The inventory has {count}; no host was touched.", *lines])
