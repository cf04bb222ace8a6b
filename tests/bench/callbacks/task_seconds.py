# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps when each task of a run began, as lines of JSON, for the bench of a rollout."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_seconds
type: notification
short_description: Keep when each task began
description: [Appends one line of JSON a task to the file that E(TASK_SECONDS) names.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_seconds"

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        self._note(task.get_name())

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        hosts = {host: stats.summarize(host) for host in stats.processed}
        self._note("", {host: counted["ok"] for host, counted in hosts.items()})

    def _note(self, name: str, tasks: dict[str, int] | None = None) -> None:
        with open(os.environ["TASK_SECONDS"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.monotonic(), "name": name, "tasks": tasks or {}}) + "\n")
