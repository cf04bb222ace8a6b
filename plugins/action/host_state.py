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
            if given.get("build"):
                self.tarball(given["build"])
            return given
        return {"steps": [self.step(role, own["only"], given) for role in self.roles]}

    def execute(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        result = super().execute(arguments)
        if result.get("lacks"):
            try:
                sent = [self.sent(step, result["lacks"]) for step in arguments.get("steps", ())]
                result = super().execute({**self.sent(arguments, result["lacks"]), **({"steps": sent} if sent else {})})
            finally:
                # A module that ran holds the folder for gone.
                self._remove_tmp_path(self._connection._shell.tmpdir, force=True)
        return self.in_inventory(result, self.roles)

    def sent(self, step: dict[str, t.Any], lacks: t.Container[str]) -> dict[str, t.Any]:
        """Return the sections with what sites serve, and daemons are built from, sent to the host that lacks it."""
        build = step.get("build")
        if build and build["tarball"] in lacks:
            name = f"{build['daemon']}.tar"
            step = {**step, "build": {**build, "pack": self.bring(self.tarball(build), name)}}
        trees = step.get("content", {}).get("trees", ())
        sent = [
            {**one, "pack": self.send(one, index)} if one["path"] in lacks else one for index, one in enumerate(trees)
        ]
        return {**step, **({"content": {"trees": sent}} if trees else {})}

    def send(self, tree: t.Mapping[str, t.Any], index: int) -> str:
        """Send what a tree shall hold to the host, and return where it lies there; it goes with the task."""
        name = f"content-{index}.tar.gz"
        local = folder() / f"{quote(str(self.variables['inventory_hostname']), safe='')}-{name}"
        try:
            self.sources().pack(tree, str(local))
            return self.bring(str(local), name)
        finally:
            local.unlink(missing_ok=True)

    def bring(self, local: str, name: str) -> str:
        """Send a file to the host under this name, and return where it lies there; it goes with the task."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._transfer_file(local, shell.join_path(shell.tmpdir, name))
        self._fixup_perms2((shell.tmpdir, remote))
        return remote

    def show(self, result: t.Mapping[str, t.Any]) -> None:
        for change in result.get("changes") or ():
            self.tell(change, color="yellow")
        self.tell_of_a_move(result.get("sections") or {})
