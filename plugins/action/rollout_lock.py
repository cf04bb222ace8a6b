# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs on this controller, and whether another run here has ended: the rest is in modules/rollout_lock.py."""

from __future__ import annotations

import getpass
import os
import platform
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import process
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

MODULE = "holdfast.nginx_ha.rollout_lock"


def began(pid: int) -> str:
    """Return when a process of this controller began, which tells it from another of its number; empty if it ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass  # somebody else's, and alive
    found = process(pid)
    return found.began if found is not None else "unknown"  # no Linux


def identify(pid: int) -> dict[str, str]:
    """Return the identity and the name of the run whose main process this is."""
    controller = platform.node()
    name = f"{getpass.getuser()} on {controller} (process {pid})"
    return {"id": f"{controller} {pid} {began(pid)}", "name": name}


def has_ended(identity: str) -> bool:
    """Whether a run of this controller has ended; of another controller's that is not known."""
    controller, _blank, rest = identity.rpartition(" ")[0].rpartition(" ")
    since = identity.rpartition(" ")[2]
    return controller == platform.node() and rest.isdigit() and began(int(rest)) != since


class ActionModule(ReadOnlyAction):
    """Takes the lock of a host for the run, that is for the process that started this one for the task."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"}
    }
    _requires_connection = True

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        arguments = {"state": given["state"], "holder": identify(os.getppid())}
        result = self._ask(arguments, variables)
        if result.get("holder") and has_ended(result["holder"]["id"]):
            result = self._ask({**arguments, "ended": result["holder"]["id"]}, variables)
        other = result.pop("holder", None)
        if other and given["state"] == "present":
            raise HoldfastError(
                f"{other['name']} is changing {variables.get('inventory_hostname', 'this host')} right now: wait until "
                f"that run has ended. Had it been cut off, its lock would end by itself within {other['left']} s."
            )
        return result

    def _ask(self, arguments: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(
            module_name=MODULE, module_args=dict(arguments), task_vars=dict(variables)
        )
        return result
