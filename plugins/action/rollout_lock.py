# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the lock of a host for this run, or gives it back: the documentation is in modules/rollout_lock.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.lock import refused, with_lock
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction

MODULE = "holdfast.nginx_ha.rollout_lock"


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"}
    }
    _requires_connection = True

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        def ask(own: Mapping[str, t.Any]) -> dict[str, t.Any]:
            result: dict[str, t.Any] = self._execute_module(
                module_name=MODULE, module_args={"state": given["state"], **own}, task_vars=dict(variables)
            )
            return result

        result = with_lock(ask)
        if given["state"] == "present":
            refused(result, str(variables.get("inventory_hostname", "this host")))
        result.pop("holder", None)
        return result
