# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that keepalived and the watcher run for the inventory. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import shell_words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rules_instances import NOTIFIES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import checks
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.instance_options import InstanceOptions

__all__ = ("Run", "scripts")

START_AND_END = ("startup_script", "shutdown_script")


class Run(t.NamedTuple):
    """A program, and the user that it runs as."""

    program: str
    user: str = "root"


def default_user(variables: Mapping[str, t.Any]) -> str:
    """Return the user that keepalived runs scripts as where they say none."""
    script_user = values.mapping(variables["keepalived_global_options"], "keepalived_global_options").get("script_user")
    return _user(script_user) or "root"


def scripts(variables: Mapping[str, t.Any], instances: Iterable[InstanceOptions]) -> dict[str, Run]:
    """Return the programs that keepalived and the watcher run, by the path of the variable; raises InputError."""
    user = default_user(variables)
    # Those of the checks are the watcher's, which is root.
    found = {
        f"{one.path}.command": Run(one.options["command"][0]) for one in checks(variables) if one.kind == "command"
    }
    for index, script in enumerate(values.items(variables["keepalived_vrrp_scripts"], "keepalived_vrrp_scripts")):
        place = f"keepalived_vrrp_scripts[{index}].script"
        if isinstance(script, Mapping) and "script" in script:
            found[place] = Run(_program(script["script"], place), _user(script.get("user")) or user)
    commands = [(one.place(option), one.options.get(option)) for one in instances for option in NOTIFIES]
    wide = variables["keepalived_global_options"]
    commands += [(f"keepalived_global_options.{option}", wide.get(option)) for option in START_AND_END]
    for path, command in commands:
        if command:
            own = _user(command.get("user")) if isinstance(command, Mapping) else ""
            found[path] = Run(_program(command, path), own or user)
    return found


def _user(value: t.Any) -> str:
    """Return the user of a text, or of a list of user and group; empty where none is said."""
    word = value[0] if isinstance(value, list) and value else value
    return str(word) if word else ""


def _program(value: t.Any, path: str) -> str:
    """Return the program of a command of keepalived: a text, or a mapping of ``command`` and the user it runs as."""
    line = values.text(value.get("command") if isinstance(value, Mapping) else value, path)
    program = next(iter(shell_words(line) or ()), "")
    if not program.startswith("/"):
        raise InputError(
            path, f"`{program or line}` is no whole path: keepalived runs no shell, so write where it lies"
        )
    return program
