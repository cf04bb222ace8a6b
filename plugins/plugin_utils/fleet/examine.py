# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way into this folder: from what an inventory says to a plan that holds. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Faults
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import read
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import hiding
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan, make
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import Specs
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.verify import verify

__all__ = ("Examined", "examine")


@dataclass(frozen=True)
class Examined:
    """The plan of the whole fleet, and what is wrong with it; it may only be used where nothing is."""

    plan: Plan
    faults: Faults

    def findings(self, origin: t.Callable[[str, str], str] = lambda host, path: "") -> list[Finding]:
        """Return what is wrong, in sentences without a secret; ``origin`` is that of ``Faults.findings``."""
        hosts = [member.variables for member in self.plan.fleet.balancers]
        return self.faults.findings(origin, hiding(hosts))


def examine(
    hostvars: Mapping[str, Mapping[str, t.Any]],
    groups: Mapping[str, t.Sequence[str]],
    specs: Specs,
    *,
    roles: t.Any = None,
    foreign: t.Any = None,
    in_use: Mapping[str, Mapping[str, int]] | None = None,
    controller: Controller | None = None,
) -> Examined:
    """Read, plan and verify the whole fleet; the arguments are those of ``inventory.read`` and of ``plan.make``.

    What was not read as a whole is not planned: the faults of its values come alone.
    """
    faults = Faults()
    fleet = read(hostvars, groups, specs, faults, roles=roles, foreign=foreign, controller=controller)
    if not fleet.whole:
        return Examined(Plan(fleet, {}, {}, {}, {}), faults)
    plan = make(fleet, faults, in_use)
    verify(plan, faults)
    return Examined(plan, faults)
