# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: authenticated
author: The holdfast.nginx_ha authors (@holdfast)
version_added: 0.1.0
short_description: The instances of a plan with their passwords
description:
  - The plan of M(holdfast.nginx_ha.fleet_plan) holds no password, so that nothing that is handed a plan can tell one.
    This lays the passwords and keys of the inventory over its instances, for M(holdfast.nginx_ha.keepalived_config)
    and M(holdfast.nginx_ha.preflight), which repeat none of them.
options:
  _input:
    description: The instances, as the plan holds them.
    type: list
    elements: dict
    required: true
  variables:
    description: The variables of their host, as C(hostvars) has them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Configure keepalived by the plan
  holdfast.nginx_ha.keepalived_config:
    instances: >-
      {{ fleet.plan.hosts[inventory_hostname].keepalived_instances
         | holdfast.nginx_ha.authenticated(hostvars[inventory_hostname]) }}
"""

RETURN = r"""
_value:
  description: The instances with C(authentication) or C(auth_hmac), where the inventory has any.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import authenticated


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"authenticated": authenticated}
