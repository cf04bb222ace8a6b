# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the plan to the module, and tells every change by its name: the documentation is in modules/host_state.py."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import PlannedAction, folder


class ActionModule(PlannedAction):
    """Runs the module and shows what one task has done, which would otherwise be a single word."""

    OWN = ("roles", "only")

    def arguments(self, own: t.Mapping[str, t.Any], given: dict[str, t.Any]) -> dict[str, t.Any]:
        self.roles = own["roles"] or ()
        if not self.roles:
            return given
        return {"steps": [self.step(role, own["only"], given) for role in self.roles]}

    def execute(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        result = super().execute(arguments)
        if result.get("lacks"):
            try:
                result = super().execute({"steps": [self.sent(step, result["lacks"]) for step in arguments["steps"]]})
            finally:
                # A module that ran holds the folder for gone.
                self._remove_tmp_path(self._connection._shell.tmpdir, force=True)
        return self.in_inventory(result, self.roles)

    def sent(self, step: dict[str, t.Any], lacks: t.Container[str]) -> dict[str, t.Any]:
        """Return the sections with what sites serve sent to the host, where it lacks that."""
        trees = step.get("content", {}).get("trees", ())
        sent = [
            {**one, "pack": self.send(one, index)} if one["path"] in lacks else one for index, one in enumerate(trees)
        ]
        return {**step, **({"content": {"trees": sent}} if trees else {})}

    def send(self, tree: t.Mapping[str, t.Any], index: int) -> str:
        """Send what a tree shall hold to the host, and return where it lies there; it goes with the task."""
        name = f"content-{index}.tar.gz"
        local = folder() / f"{quote(str(self.variables['inventory_hostname']), safe='')}-{name}"
        shell = self._connection._shell
        try:
            self.sources().pack(tree, str(local))
            if shell.tmpdir is None:
                self._make_tmp_path()
            remote: str = self._transfer_file(str(local), shell.join_path(shell.tmpdir, name))
            self._fixup_perms2((shell.tmpdir, remote))
        finally:
            local.unlink(missing_ok=True)
        return remote

    def show(self, result: t.Mapping[str, t.Any]) -> None:
        for change in result.get("changes") or ():
            self.tell(change, color="yellow")
        self.tell_of_a_move(result.get("sections") or {})
