# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that changes a configuration shares with the others. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import DRIFT, Result

__all__ = ("CHANGE_OPTIONS", "finish")

CHANGE_OPTIONS: dict[str, dict[str, t.Any]] = {
    "drift": {"type": "str", "choices": list(DRIFT), "default": "overwrite"},
    "stage_only": {"type": "bool", "default": False},
}

NOT_RUNNING = "{daemon} does not run here, so what was written is not in force: start it."


def finish(module: t.Any, result: Result, *, daemon: str, **more: t.Any) -> None:
    """End the module with this result and what else it returns; what is not wrong but worth a word is a warning.

    ``daemon`` is the name of what reads the files.
    """
    returned = result.to_dict()
    for warning in returned.pop("warnings"):
        module.warn(warning)
    if not result.running and not result.started and result.files and not module.check_mode:
        module.warn(NOT_RUNNING.format(daemon=daemon))
    module.exit_json(**returned, **more)
