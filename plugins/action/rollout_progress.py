# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows and writes how far a rollout has come: the documentation is in modules/rollout_progress.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.utils.display import Display
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.report import write_report
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.rollout import progress, sentences


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "waves": {"type": "list", "elements": "list", "required": True},
        "at": {"type": "int", "required": True},
        "file": {"type": "path", "default": ""},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        waves = progress(given["waves"], given["at"])
        if given["file"]:
            write_report(given["file"], {"waves": waves})
        for line in sentences(waves):
            Display().display(line)
        return {"waves": waves}
