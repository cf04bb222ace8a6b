#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_waves
short_description: Deal the clusters of a play out to waves
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - A wave is whole clusters in the order of the inventory. C(serial) of a play slices hosts, and would part a pair.
  - A backend goes with the first cluster that draws on it.
  - Fails where a play has a part of a cluster only.
  - Runs on the controller, once for all hosts of the play.
options:
  sizes:
    description:
      - How many clusters each wave has, as a number or as a part of all of them. What is left is the last wave.
    type: list
    elements: str
    default: ["1", "10%"]
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Plan the waves
  holdfast.nginx_ha.fleet_waves:
    sizes: [1, 5, "20%"]
  run_once: true
  register: rollout

- name: Group each host by its wave
  ansible.builtin.group_by:
    key: wave_{{ rollout.wave_of[inventory_hostname] }}
"""

RETURN = r"""
waves:
  description: The clusters of each wave.
  returned: success
  type: list
  elements: list
  sample: [[shop], [blog], [data, edge]]
wave_of:
  description: The number of the wave of each host, from 1.
  returned: success
  type: dict
  sample: {"shop-lb1": 1, "shop-lb2": 1, "blog-lb1": 2}
"""
