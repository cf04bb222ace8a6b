#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_status
short_description: Show on one screen who holds what in the whole fleet
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Makes a table of what other modules have seen on the balancers, and a file for other programs.
  - Runs on the controller, once for all hosts of the play.
options:
  plan:
    description: RV(holdfast.nginx_ha.fleet_plan#module:plan).
    type: dict
    required: true
  vrrp:
    description: What M(holdfast.nginx_ha.vrrp_info) returned, by balancer. One that is missing was not looked at.
    type: dict
    required: true
  nginx:
    description: What M(holdfast.nginx_ha.nginx_info) returned, by balancer.
    type: dict
    required: true
  changed:
    description: What a loop of M(ansible.builtin.stat) returned, by balancer, of files that each change writes.
    type: dict
    required: true
  file:
    description: A file on the controller that gets the same as JSON; empty for none.
    type: path
    default: ""
attributes:
  check_mode:
    description: Nothing is ever changed but O(file).
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Show who holds what
  holdfast.nginx_ha.fleet_status:
    plan: "{{ fleet.plan }}"
    vrrp: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'vrrp'))) }}"
    nginx: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'nginx'))) }}"
    changed: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'changed'))) }}"
    file: status.json
  run_once: true
"""

RETURN = r"""
clusters:
  description:
    - By cluster, the holders of each address (C(addresses)), its balancers (C(members)), and in sentences what is not
      as it should be (C(wrong)).
    - A balancer that was C(seen) has what it C(holds), its C(instances) with C(state), C(since) and C(addresses),
      whether it is C(fit) and what says that it is C(unfit), the versions of C(keepalived) and C(nginx), its
      C(last_change), what was C(edited) by hand, and what is C(amiss) in the kernel. Another has a C(message).
  returned: success
  type: dict
"""
