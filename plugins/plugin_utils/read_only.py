# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of every action plugin of this collection: they find something out, and change nothing."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = ("ReadOnlyAction",)


class ReadOnlyAction(ActionBase):  # type: ignore[misc]
    """Checks the arguments of the task and returns what ``gather`` does; a HoldfastError fails the task."""

    TRANSFERS_FILES = False
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {}
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        del tmp
        _validated, given = self.validate_argument_spec(self.ARGUMENTS)
        result["changed"] = False
        try:
            result.update(self.gather(given, task_vars or {}))
        except HoldfastError as error:
            result.update(failed=True, msg=str(error))
        return result

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the result of the task, from its arguments and the variables of its host."""
        raise NotImplementedError
