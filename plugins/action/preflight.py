# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the plan to the module: the documentation is in modules/preflight.py."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planned import PlannedAction


class ActionModule(PlannedAction):
    """Runs the module with what the plan has for all of the roles; their packages and their ports add up."""

    OWN = ("roles",)

    def arguments(self, own: t.Mapping[str, t.Any], given: dict[str, t.Any]) -> dict[str, t.Any]:
        return {**self.fitness(own["roles"] or ()), **given}
