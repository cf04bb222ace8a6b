#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_info
short_description: What keepalived does on a host right now
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Asks the running keepalived for the state of its instances, and the kernel for the addresses that are really there.
  - Passwords are never returned.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  configuration:
    description: Whether RV(configuration) is returned.
    type: bool
    default: false
  settled:
    description: Whether every instance has to be V(MASTER) or V(BACKUP), and there has to be one.
    type: bool
    default: false
  steady:
    description: Seconds for which all that is asked for has to be as it is asked for, without a break.
    type: float
    default: 0
  holds:
    description: Addresses that have to be on this host.
    type: list
    elements: str
    default: []
  lacks:
    description: Addresses that must not be on this host.
    type: list
    elements: str
    default: []
  patience:
    description:
      - Seconds that are waited for what O(settled), O(holds) and O(lacks) ask for, before the module fails.
      - In check mode nothing of it is asked for, since what leads to it was not done.
    type: float
    default: 0
  root:
    description: Folder of keepalived's configuration.
    type: path
    default: /etc/keepalived
"""

EXAMPLES = r"""
- name: Gather the state of keepalived
  holdfast.nginx_ha.vrrp_info:
  register: vrrp

- name: Show the states
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }} holds {{ vrrp.held | join(', ') or 'nothing' }}"
"""

RETURN = r"""
installed:
  description: Whether keepalived is installed.
  returned: success
  type: bool
version:
  description: The version of keepalived.
  returned: when it is installed
  type: str
  sample: 2.2.7
running:
  description: Whether keepalived runs.
  returned: success
  type: bool
instances:
  description: Every C(vrrp_instance) that runs.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    state:
      description: One of V(INIT), V(BACKUP), V(MASTER), V(FAULT).
      type: str
    interface:
      description: The interface on which it speaks; the one that keepalived has made for it where it has C(use_vmac).
      type: str
    virtual_router_id:
      description: Its number on the segment.
      type: int
    base_priority:
      description: The priority that was configured.
      type: int
    effective_priority:
      description: The priority with the weights of its trackers.
      type: int
    last_transition:
      description: When it changed its state last, in seconds since the epoch.
      type: float
    addresses:
      description: Its virtual addresses, without those that are excluded from the adverts.
      type: list
      elements: str
    excluded_addresses:
      description: Its virtual addresses that are excluded from the adverts.
      type: list
      elements: str
    present:
      description:
        - Those of its addresses that the kernel has now on the interface where they belong, whatever the state says.
      type: list
      elements: str
held:
  description:
    - Every virtual address that this host holds. The instance is V(MASTER), and the kernel has the address on the
      interface where it belongs.
  returned: success
  type: list
  elements: str
amiss:
  description:
    - In what the kernel is not as keepalived wants it, a sentence each. An instance that is V(MASTER) lacks an address,
      a route or a rule, or has it otherwise than it was said, or one is there that no such instance has.
    - M(holdfast.nginx_ha.keepalived_config) mends it, also where no file differs.
  returned: success
  type: list
  elements: str
  sample: ["VI_1 is MASTER, and 192.0.2.102/24 is not on eth0"]
scheduler:
  description:
    - How the kernel runs the process that speaks VRRP. V(rr) and V(fifo) are real-time; with V(other) adverts may come
      late on a busy host. There is a warning where the configuration asks for real-time and the host refuses it.
  returned: when keepalived runs
  type: dict
  contains:
    policy:
      description: One of V(rr), V(fifo), V(other), or the number of another one.
      type: str
    priority:
      description: The real-time priority; V(0) where it has none.
      type: int
  sample: {"policy": "rr", "priority": 50}
trackers:
  description: The track files of this collection and what they hold; V(0) is fit.
  returned: success
  type: dict
  sample: {"nginx_crash": "0", "nginx_probe": "0", "nginx_stop": "0"}
configuration:
  description:
    - What keepalived sees of its files, with includes, definitions and conditions resolved, as a list of blocks.
      A block has C(directive), C(args), C(line), and C(block) where it has a body. Passwords are hidden.
  returned: when it is asked for
  type: list
  elements: dict
owned:
  description: The files on this host that this collection owns.
  returned: success
  type: list
  elements: str
drifted:
  description: Those of RV(owned) that were edited by hand or removed since they were written.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.info import settle


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "configuration": {"type": "bool", "default": False},
            "settled": {"type": "bool", "default": False},
            "holds": {"type": "list", "elements": "str", "default": []},
            "lacks": {"type": "list", "elements": "str", "default": []},
            "steady": {"type": "float", "default": 0},
            "patience": {"type": "float", "default": 0},
            "root": {"type": "path", "default": "/etc/keepalived"},
        },
        supports_check_mode=True,
    )
    nothing_asked = {"settled": False, "steady": 0, "holds": [], "lacks": []}
    try:
        found, warning = settle({**module.params, **(nothing_asked if module.check_mode else {})})
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    if warning:
        module.warn(f"{os.uname().nodename}: {warning}")
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
