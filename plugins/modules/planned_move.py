# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of this name; it runs on the controller, and nothing of this file does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: planned_move
short_description: Decide which shared addresses a planned move takes where
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Decides from the plan of the fleet, and from how its nodes were found, which addresses move to which node, and which
    priorities have to be remembered on each for it. It changes nothing by itself.
  - It fails with one sentence where a move must not be made, because the node that would take the addresses is not fit,
    or because the request names what is not there.
  - C(holdfast.nginx_ha.move) uses it; by itself it is of little use.
options:
  to:
    description: Node to which the addresses shall move.
    type: str
    default: ""
  away:
    description: Node that the addresses shall leave, each for the best fit other one.
    type: str
    default: ""
  back:
    description: Whether the addresses shall move to where the inventory prefers them.
    type: bool
    default: false
  addresses:
    description: Only instances with one of these addresses move. Without it, all do.
    type: list
    elements: str
    default: []
  plan:
    description: RV(holdfast.nginx_ha.fleet_plan#module:plan.hosts).
    type: dict
    required: true
  seen:
    description:
      - How every node of RV(members) was found. C(reachable) says whether it answered, C(info) is what
        M(holdfast.nginx_ha.vrrp_info) returned, C(drift) and C(mute) say why its files or its nginx are not well, and
        C(marks) are the priorities that an earlier move has left there.
      - Without it, only the request is examined.
    type: dict
attributes:
  check_mode:
    support: full
    description: It changes nothing and does the same in check mode.
  diff_mode:
    support: none
    description: It changes nothing, so there is no difference to show.
"""

EXAMPLES = r"""
- name: Plan the fleet
  holdfast.nginx_ha.fleet_plan:
  run_once: true
  register: fleet

- name: Check the request
  holdfast.nginx_ha.planned_move:
    to: lb2
    plan: "{{ fleet.plan.hosts }}"
  run_once: true
"""

RETURN = r"""
members:
  description: The nodes of the clusters that the request is about.
  returned: success
  type: list
  elements: str
moves:
  description: What moves.
  returned: with O(seen)
  type: list
  elements: dict
  contains:
    instance:
      description: The instance.
      type: str
    addresses:
      description: Its addresses.
      type: list
      elements: str
    source:
      description: The node that holds them.
      type: str
    target:
      description: The node that shall.
      type: str
    seconds:
      description: Seconds within which it has to.
      type: int
    words:
      description: All of this in a line.
      type: str
steps:
  description: >-
    By node, the priorities to be remembered, by instance: as they were, while the targets take over, when the others
    have let go, and in the end. A node on which nothing changes is not there.
  returned: with O(seen)
  type: dict
  sample: {"lb2": {"before": {}, "taking": {"VI_1": 254}, "between": {"VI_1": 254}, "after": {"VI_1": 252}}}
"""
