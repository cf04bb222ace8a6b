#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: clock_offset
short_description: How far the clock of a host is from the controller's
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Asks the host for its time over the connection of the play, several times, and takes the fastest answer.
  - What all members of a cluster shall do in the same instant is told to each in its own time
    (M(holdfast.nginx_ha.staged_change)), so the clocks need not agree.
options: {}
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Compare the clocks
  holdfast.nginx_ha.clock_offset:
  register: clock
"""

RETURN = r"""
offset:
  description: Seconds by which the clock of the host is ahead of the controller's.
  returned: success
  type: float
  sample: 0.0021
uncertainty:
  description: Seconds by which RV(offset) may be wrong at most.
  returned: success
  type: float
  sample: 0.0093
"""
