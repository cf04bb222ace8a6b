#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_diagnosis
short_description: Say in sentences what is wrong with a cluster and what to do
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Compares what M(holdfast.nginx_ha.vrrp_doctor) gathered on the balancers of a cluster with each other, with the
    plan, and with what other hosts see.
  - Runs on the controller, once for all hosts of the play. The task fails where something is wrong.
options:
  plan:
    description: RV(holdfast.nginx_ha.fleet_plan#module:plan).
    type: dict
    required: true
  facts:
    description:
      - What M(holdfast.nginx_ha.vrrp_doctor) returned, by balancer. One that is missing was not seen.
    type: dict
    required: true
  clocks:
    description: What M(holdfast.nginx_ha.clock_offset) returned, by balancer.
    type: dict
    default: {}
  outside:
    description:
      - What other hosts see, by their names. C(asked) is what a loop of M(holdfast.nginx_ha.vip_probe) over the
        addresses returned, C(seen) what M(holdfast.nginx_ha.vrrp_doctor) did.
    type: dict
    default: {}
  part:
    description:
      - V(noticed) compares only what the detectors have raised and who is on the network, of facts of that part.
      - V(proof) compares that, and whether every address has one holder, of facts of that part.
    type: str
    choices: [all, noticed, proof]
    default: all
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Diagnose the cluster
  holdfast.nginx_ha.vrrp_diagnosis:
    plan: "{{ fleet.plan }}"
    facts: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'facts'))) }}"
  run_once: true
"""

RETURN = r"""
settled:
  description:
    - Whether every instance has found its place, and every address one holder. Where not, the hosts may have been
      looked at while an address moved between them.
  returned: when O(part=proof)
  type: bool
healthy:
  description: Whether nothing is wrong.
  returned: success
  type: bool
report:
  description: The sentences, worst first, cluster by cluster.
  returned: success
  type: list
  elements: str
  sample: ["Cluster all is healthy: lb1 holds 10.0.0.100, lb2 stands by."]
"""
