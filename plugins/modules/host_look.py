#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_look
short_description: Find out, in one step, whether a host is fit for its plan, and whether it differs from it
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Looks at everything that M(holdfast.nginx_ha.preflight) looks at. Where the host is fit, the lock of
    M(holdfast.nginx_ha.rollout_lock) is taken, and all that M(holdfast.nginx_ha.host_state) would bring about is
    compared with what is there. Nothing else is changed.
  - Where an instance runs with another router id than the plan has, nothing is judged yet. The fleet is to be planned
    once more with those that are in use. The same goes for a new member of a cluster, of which O(left_out) may run.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  roles:
    description: Roles of this collection. What M(holdfast.nginx_ha.fleet_plan) has planned for them is looked at.
    type: list
    elements: str
  lock:
    description: Whether to take the lock of the host, but in check mode.
    type: bool
    default: false
  left_out:
    description: Members of the cluster of this host that are not in this run, and so have not been looked at.
    type: list
    elements: str
    default: []
  planned_again:
    description: Whether the plan was made with the router ids that are in use.
    type: bool
    default: false
  fitness:
    description: Options of M(holdfast.nginx_ha.preflight); the controller fills this in.
    type: dict
    default: {}
  steps:
    description: Steps of M(holdfast.nginx_ha.host_state); the controller fills this in.
    type: list
    elements: dict
    default: []
  holder:
    description: Who takes the lock, as C(id) and C(name); the controller fills this in.
    type: dict
  ended:
    description: The C(id) of a holder of whom the controller knows that it has ended; the controller fills this in.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Look at a balancer
  holdfast.nginx_ha.host_look:
    roles: [nginx, balancer, keepalived]
  register: look

- name: Say what differs
  ansible.builtin.debug:
    var: look.differs
"""

RETURN = r"""
plan_again:
  description: Whether the fleet is to be planned once more, with RV(router_ids). Nothing else is returned then.
  returned: success
  type: bool
router_ids:
  description: The router ids of the instances that the collection has configured on this host, by their names.
  returned: success
  type: dict
  sample: {VI_1: 100}
missing:
  description: Packages that are not installed. They were downloaded, but not in check mode.
  returned: when it was looked at
  type: list
  elements: str
pinned:
  description: Those of RV(missing) that shall have a version, as the package manager takes both.
  returned: when it was looked at
  type: list
  elements: str
  sample: ["nginx=1.22.*"]
install:
  description: RV(missing) as the package manager takes them, with the versions that some shall have.
  returned: when it was looked at
  type: list
  elements: str
  sample: ["nginx=1.22.*", "keepalived"]
nginx_packages:
  description: Those of RV(missing) that bring modules of nginx.
  returned: when it was looked at
  type: list
  elements: str
adds_source:
  description: Whether nginx shall come from a repository that is not among the package sources of this host yet.
  returned: when it was looked at
  type: bool
newest:
  description: Packages that have to be the newest, which only the package manager can find out.
  returned: when it was looked at
  type: list
  elements: str
running:
  description: Whether keepalived runs here already, with an instance that this collection wrote.
  returned: when it was looked at
  type: bool
as_planned:
  description: Whether the host was compared with its plan and does not differ.
  returned: when it was looked at
  type: bool
differs:
  description: What M(holdfast.nginx_ha.host_state) would change.
  returned: when it was looked at
  type: list
  elements: str
sections:
  description: What sections of M(holdfast.nginx_ha.host_state) say besides.
  returned: when it was looked at
  type: dict
holder:
  description: Who has the lock, where it is somebody else; C(id), C(name) and C(left), its seconds at most.
  returned: when another run has it
  type: dict
ansible_facts:
  description: C(pkg_mgr) and C(service_mgr), which modules for packages and services would find out each time.
  returned: when it was looked at
  type: dict
  sample: {pkg_mgr: apt, service_mgr: systemd}
"""

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.fitness import (
    FITNESS_OPTIONS,
    fitness,
    router_ids,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.fitness import secret_options as of_fitness
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.lock import PATH, settle
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.state import HostState, checked, section_options
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root

NOTHING = "Nothing was changed"


def secret_options() -> dict[str, t.Any]:
    """Return the spec with what each section takes, which is a free dict to Ansible."""
    sections = section_options()
    return {"steps": {"options": sections}, "fitness": {"options": of_fitness()}}


def is_planned_otherwise(
    instances: t.Sequence[t.Mapping[str, t.Any]], ids: t.Mapping[str, int], left_out: t.Sequence[str]
) -> bool:
    """Return whether the plan may have other router ids than those that are in use, here or on members left out."""
    planned = {one["name"]: one.get("virtual_router_id") for one in instances}
    return any(planned.get(name, ids[name]) != ids[name] for name in ids) or bool(instances and left_out and not ids)


def take(holder: t.Mapping[str, t.Any], ended: str) -> dict[str, t.Any]:
    """Take the lock for this holder and return whoever else has it, or an empty lock; raises HoldfastError."""
    try:
        return settle(dict(holder), state="present", ended=ended)
    except OSError as error:
        raise HoldfastError(f"{PATH} cannot be written: {error.strerror}") from None


def differences(steps: t.Sequence[t.Mapping[str, t.Any]]) -> HostState:
    """Return what all steps would do; raises HoldfastError where one cannot be."""
    state = HostState(check=True)
    try:
        for step in steps:
            state.bring(step, step["role"])
    except HoldfastError as error:
        sentence = str(error).rstrip(".")
        raise HoldfastError(sentence if sentence.endswith(NOTHING) else f"{sentence}. {NOTHING}.") from None
    return state


def main() -> None:
    module = QuietModule(
        argument_spec={
            # The action plugin puts the plan in their place.
            "roles": {"type": "list", "elements": "str"},
            "lock": {"type": "bool", "default": False},
            "left_out": {"type": "list", "elements": "str", "default": []},
            "planned_again": {"type": "bool", "default": False},
            "fitness": {"type": "dict", "default": {}},
            "steps": {"type": "list", "elements": "dict", "default": []},
            "holder": {"type": "dict"},
            "ended": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
        secret_options=secret_options,
    )
    given = module.params
    result: dict[str, t.Any] = {"plan_again": False}
    warnings: list[str] = []
    try:
        need_root()
        wanted = checked("fitness", FITNESS_OPTIONS, given["fitness"])
        ids = router_ids(wanted["root"])
        if not given["planned_again"] and is_planned_otherwise(wanted["instances"], ids, given["left_out"]):
            module.exit_json(changed=False, plan_again=True, router_ids=ids)
        found = fitness(wanted, check=module.check_mode)
        warnings += found.warnings
        if found.faults:
            raise HoldfastError(found.sentence)
        if given["holder"] and not module.check_mode:
            other = take(given["holder"], given["ended"])
            if other:
                module.exit_json(changed=False, holder=other)
        result.update(found.returned, as_planned=False, newest=wanted["newest"], differs=[], sections={})
        # Else the run says all that it does: what is not there yet cannot be compared.
        if given["steps"] and not found.missing and not module.check_mode:
            state = differences(given["steps"])
            warnings += state.warnings
            as_planned = not state.changes and not wanted["newest"]
            result.update(as_planned=as_planned, differs=state.changes, sections=state.returned)
    except HoldfastError as error:
        for warning in warnings:
            module.warn(warning)
        module.fail_json(msg=str(error))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
