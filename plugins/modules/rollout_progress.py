#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_progress
short_description: Tell how far a rollout has come
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Shows which clusters are done, in work and not begun, and writes it to a file. A run that fails ends with the wave
    that it is in, so what was told last is what became of it.
  - Runs on the controller, once for all hosts of the play.
options:
  waves:
    description: RV(holdfast.nginx_ha.fleet_waves#module:waves).
    type: list
    elements: list
    required: true
  at:
    description: The number of the wave that begins, from 1; one more than there are when all are done.
    type: int
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
- name: Tell that the second wave begins
  holdfast.nginx_ha.rollout_progress:
    waves: [[shop], [blog], [data, edge]]
    at: 2
    file: rollout.json
  run_once: true
"""

RETURN = r"""
waves:
  description: Each wave with its C(clusters) and its C(state), which is V(done), V(begun) or V(not begun).
  returned: success
  type: list
  elements: dict
"""
