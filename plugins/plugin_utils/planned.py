# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the finished plan of a host gets from fleet_plan to the modules of a role. Private to this collection.

It is kept in the folder that Ansible has for one run, where nobody else can read it and which goes with the run. A
registered result would be copied to every host of the batch and be seen; and a template between would make texts of
numbers under some versions of ansible-core, and evaluate what a value of the user holds.
"""

from __future__ import annotations

import json
import os
import pathlib
import typing as t
from collections.abc import Mapping
from urllib.parse import quote

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.tarball import (
    digest_of,
    is_url,
    need_checksum,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import MAIN_FILE
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import Documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.roles import defaults, specs

if t.TYPE_CHECKING:
    from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.content import Sources

__all__ = ("PlannedAction", "folder", "keep")

OF_NGINX_CONF = frozenset({"nginx_conf", *MAIN_FILE})
"""Variables of the role nginx that come to a host with what another role serves there."""


def keep(documents: Mapping[str, Documents]) -> None:
    """Keep the documents of these hosts until the run ends, in place of those that a former plan of it had."""
    place = folder()
    place.mkdir(mode=0o700, exist_ok=True)
    for host, document in documents.items():
        path = place / _name(host)
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file)
        new.replace(path)


class PlannedAction(ActionBase):  # type: ignore[misc]
    """Runs the module of its name with what the plan has for a role, and with the options of the task laid over that.

    ``OWN`` are the options that the action takes, and that the module never sees.
    """

    OWN: t.ClassVar[tuple[str, ...]] = ()

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.variables: Mapping[str, t.Any] = task_vars or {}
        given = dict(self._task.args)
        own = {name: given.pop(name, None) for name in self.OWN}
        try:
            result.update(self.execute(self.arguments(own, given)))
        except HoldfastError as error:
            return {**result, "failed": True, "msg": str(error)}
        self.show(result)
        return result

    def execute(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module and return its result."""
        result: dict[str, t.Any] = self._execute_module(
            module_args=arguments, task_vars=dict(self.variables), wrap_async=self._task.async_val
        )
        return result

    @staticmethod
    def in_inventory(result: dict[str, t.Any], roles: t.Container[str]) -> dict[str, t.Any]:
        """Return the result of a module, which knows the options that the plan made of a balancer's variables."""
        if "balancer" not in roles or not (result.get("failed") or result.get("warnings")):
            return result
        from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import in_inventory

        returned: dict[str, t.Any] = {
            "warnings": [in_inventory(str(warning)) for warning in result.get("warnings") or ()]
        }
        if result.get("msg"):
            returned["msg"] = in_inventory(str(result["msg"]))
        return {**result, **returned}

    def fitness(self, roles: t.Iterable[str]) -> dict[str, t.Any]:
        """Return what ``preflight`` is to look for before a host gets the roles; their lists add up."""
        found: dict[str, t.Any] = {}
        for role in roles:
            for name, value in self.planned(role, "preflight").items():
                found[name] = [*found.get(name, []), *value] if isinstance(value, list) else value
        return found

    def arguments(self, own: Mapping[str, t.Any], given: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the options of the module from the action's ``own`` and those that were given for it."""
        raise NotImplementedError

    def show(self, result: Mapping[str, t.Any]) -> None:
        """Show of a result what no callback does."""

    def step(self, role: str, only: t.Sequence[str] | None, given: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the sections of ``host_state`` that are planned for a role, with what is ``given`` laid over them."""
        document = self.planned(role, "state")
        chosen = document if only is None else only
        step = {name: {**document[name], **(given.get(name) or {})} for name in chosen if name in document}
        if step.get("content", {}).get("trees"):
            step["content"] = {"trees": self.sources().with_entries(step["content"]["trees"])}
        if "build" in step:
            self.tarball(step["build"])
        return {"role": role, **step}

    def tarball(self, build: Mapping[str, t.Any]) -> str:
        """Return where the tarball of a build lies on the controller, empty where the host fetches it.

        InputError where it is not there, or is another one than the inventory says.
        """
        from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planning import whole_path

        source = str(build["tarball"])
        if is_url(source):
            return ""
        daemon = build["daemon"]
        try:
            path = whole_path(self._loader, source, str(self.variables.get("inventory_dir") or ""), is_folder=False)
            need_checksum(daemon, source, digest_of(path), str(build["checksum"]))
        except OSError as error:
            raise InputError(f"{daemon}_tarball", str(error)) from None
        return path

    def sources(self) -> Sources:
        """Return what reads, on the controller, what the sites of the host serve."""
        from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.content import Sources

        return Sources(self._loader, self._templar, {**defaults(), **self.variables})

    def tell(self, message: str, color: str | None = None) -> None:
        """Show a line about the host."""
        Display().display(f"  [{self.variables.get('inventory_hostname', '')}] {message}", color=color)

    def tell_of_a_move(self, sections: Mapping[str, t.Any]) -> None:
        """Show that a planned move is in force: it outlives every run but that of its own playbook, and a reboot."""
        moved = (sections.get("keepalived") or {}).get("moved")
        if moved:
            self.tell(
                f"A planned move is in force on {self.variables.get('inventory_hostname', '')}: {', '.join(moved)} "
                "stays here until `ansible-playbook holdfast.nginx_ha.move -e back=true`."
            )

    def planned(self, role: str, purpose: str) -> t.Any:
        """Return what the plan has of this host for a role and a purpose, which is ``state`` or ``preflight``.

        HoldfastError where nothing was planned for the host, and where a variable of the role has another value here
        than the plan was made with.
        """
        host = str(self.variables["inventory_hostname"])
        try:
            document = json.loads((folder() / _name(host)).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise HoldfastError(
                f"Nothing is planned for {host}: run holdfast.nginx_ha.fleet_plan at the start of the play, and see "
                "that the host is in a group of this collection, or in one that an upstream names in servers_from."
            ) from None
        if role not in document:
            raise HoldfastError(f"{host} has the role {' and '.join(document)} in this inventory, not {role}.")
        elsewhere = self._elsewhere(role)
        if elsewhere:
            raise HoldfastError(
                f"{', '.join(elsewhere)}: the value here is not that of the inventory, from which the whole fleet is "
                "planned. Move it to group_vars or host_vars."
            )
        return document[role][purpose]

    def _elsewhere(self, role: str) -> list[str]:
        """Return the variables of a role whose value is not the one that the inventory has.

        The planner sees neither the variables of a play nor those that are handed to a role.
        """
        inventory = self.variables["hostvars"][self.variables["inventory_hostname"]]
        found = []
        beside = OF_NGINX_CONF if role in ("balancer", "backend") else frozenset()
        for name in beside.union(specs(role, "main")).intersection(self.variables):
            here = self.variables[name]
            there = inventory[name] if name in inventory else defaults().get(name)
            if here != there and self._templar.template(here) != there:
                found.append(name)
        return sorted(found)


def folder() -> pathlib.Path:
    """Return the folder of this run, which goes with it."""
    return pathlib.Path(constants.DEFAULT_LOCAL_TMP) / "holdfast_plan"


def _name(host: str) -> str:
    return f"{quote(host, safe='')}.json"
