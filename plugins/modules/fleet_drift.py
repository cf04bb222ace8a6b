#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_drift
short_description: Show in what hosts differ from their plan
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Tells in sentences, and in a file for other programs, what M(holdfast.nginx_ha.host_state) would change.
  - Runs on the controller, once for all hosts of the play.
options:
  looks:
    description:
      - By host, the list of what M(holdfast.nginx_ha.host_state) returned in check mode. A host that has none, or one
        that failed, counts as one that differs.
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
- name: Show what differs
  holdfast.nginx_ha.fleet_drift:
    looks: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'looks'))) }}"
    file: drift.json
  run_once: true
"""

RETURN = r"""
as_planned:
  description: Whether every host was looked at and none differs.
  returned: success
  type: bool
hosts:
  description: By host, what C(differs), and the C(error) for which it cannot be told, which may be empty.
  returned: success
  type: dict
  sample: {"lb1": {"differs": ["files: /etc/holdfast/detector.json"], "error": ""}}
"""
