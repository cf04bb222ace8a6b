# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: moved_instances
author: The holdfast.nginx_ha authors (@holdfast)
version_added: 0.1.0
short_description: The instances of a node while a planned move is in force
description:
  - Lays the priorities that a planned move has left on a node over those of the plan.
  - With priority V(254), that of a node which is taking over, an instance also loses what would delay it.
options:
  _input:
    description: The instances, as M(holdfast.nginx_ha.keepalived_config) takes them.
    type: list
    elements: dict
    required: true
  marks:
    description: Priorities by the name of the instance. Names that no instance has are passed over.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the instances while VI_1 is moved here
  ansible.builtin.debug:
    msg: >-
      {{ fleet.plan.hosts[inventory_hostname].keepalived_instances
         | holdfast.nginx_ha.moved_instances({'VI_1': 252}) }}
"""

RETURN = r"""
_value:
  description: The instances with these priorities.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.move import marked


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"moved_instances": marked}
