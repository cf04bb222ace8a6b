# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory in a few words, for the tests of the planner."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import Documents, documents
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import Examined, examine
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.tls import Controller
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import Specs
from documented import ROOT, role_specs

Variables = t.Dict[str, t.Any]

SPECS: Specs = {name: spec for path in ROOT.glob("roles/*/meta") for name, spec in role_specs(path.parent.name).items()}
"""The variables of all roles."""

EVERYWHERE: Variables = {
    "keepalived_vips": ["10.0.0.100/24"],
    "balancer_upstreams": [{"name": "blog", "servers_from": "backend", "port": 8080}],
    "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
}

PAIR: dict[str, dict[str, Variables]] = {
    "master": {"lb1": {"ansible_host": "10.0.0.11"}},
    "backup": {"lb2": {"ansible_host": "10.0.0.12"}},
    "backend": {"web1": {"ansible_host": "10.0.0.21"}, "web2": {"ansible_host": "10.0.0.22"}},
}


class InventoryBuilder:
    """A pair with two backends, changed by the keywords: ``everywhere`` variables, hosts' own, whole groups.

    A variable that is None is taken away.
    """

    def __init__(
        self,
        everywhere: Variables | None = None,
        *,
        groups: dict[str, dict[str, Variables]] | None = None,
        **hosts: Variables,
    ) -> None:
        self.groups = copy.deepcopy({**PAIR, **(groups or {})})
        common = {**EVERYWHERE, **(everywhere or {})}
        self.hostvars: dict[str, Variables] = {}
        for members in self.groups.values():
            for name, own in members.items():
                said = {**common, **own, **hosts.get(name, {})}
                self.hostvars[name] = {key: value for key, value in said.items() if value is not None}

    def examine(self, specs: Specs = SPECS, **arguments: t.Any) -> Examined:
        groups = {name: list(members) for name, members in self.groups.items()}
        # On the controller is whatever an inventory names, unless a test says otherwise.
        arguments.setdefault("controller", Controller(find=lambda path, _folder, _is_folder: path))
        return examine(self.hostvars, groups, specs, **arguments)

    def slices(self, *hosts: str) -> dict[str, t.Any]:
        """Return the plan, which must be without a fault, for these hosts or for all."""
        examined = self.examine()
        faults = [str(finding) for finding in examined.faults.findings()]
        assert faults == [], faults
        return examined.plan.slices(hosts or self.hostvars)

    def documents(self, host: str) -> Documents:
        """Return the finished plan of this host, nothing of one that is only beside the fleet."""
        return documents(self.examine().plan, [host]).get(host, {})

    def instances(self, *hosts: str) -> dict[str, list[dict[str, t.Any]]]:
        """Return the instances of these hosts, or of all balancers."""
        return {name: one["keepalived_instances"] for name, one in self.slices(*hosts).items() if "cluster" in one}

    def findings(self, **arguments: t.Any) -> list[Finding]:
        return self.examine(**arguments).findings()
