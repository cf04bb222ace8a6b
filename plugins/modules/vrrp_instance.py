#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_instance
short_description: One virtual router of keepalived on a host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Adds, changes or removes one C(vrrp_instance) block, in a file of its own, and leaves everything else as it is.
  - The change is tested, written, reloaded and proven, or undone, as by M(holdfast.nginx_ha.keepalived_config).
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
  - holdfast.nginx_ha.change
  - holdfast.nginx_ha.vrrp_instance
options:
  state:
    description: Whether the block is there. What keepalived itself calls state is O(initial_state).
    type: str
    choices: [present, absent]
    default: present
  root:
    description: Folder of keepalived's configuration.
    type: path
    default: /etc/keepalived
seealso:
  - module: holdfast.nginx_ha.keepalived_config
"""

EXAMPLES = r"""
- name: One virtual router
  holdfast.nginx_ha.vrrp_instance:
    name: VI_1
    virtual_router_id: 100
    priority: 250
    unicast_src_ip: 192.0.2.11
    unicast_peer: [192.0.2.12]
    virtual_ipaddress: [192.0.2.100/24]

- name: Remove the virtual router
  holdfast.nginx_ha.vrrp_instance:
    name: VI_1
    state: absent
"""

RETURN = r"""
files:
  description: The files that were written or removed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    action:
      description: One of V(created), V(changed), V(removed).
      type: str
drifted:
  description: Files of this collection that were edited by hand since it wrote them.
  returned: success
  type: list
  elements: str
validated:
  description:
    - V(daemon) when the daemon's own test passed on the whole configuration as it is (or would be) now.
    - V(model) when the daemon is not installed yet, and only the rules of this collection were applied.
  returned: success
  type: str
  sample: daemon
staged_with:
  description:
    - How the configuration was shown to the daemon's test before it was in place. V(overlay) and V(bind) in a private
      mount namespace, V(copy) where root may not mount.
  returned: success
  type: str
  sample: overlay
reloaded:
  description:
    - Whether the daemon was reloaded, and was seen to run the new configuration.
    - The kernel is asked as well. Every instance that is V(MASTER) has all its addresses, routes and rules on its own
      interface, and what others have, or had before, is gone. What the reload does not bring is added or removed by
      itself, else keepalived is restarted, else the change is undone. RV(warnings) tell it.
  returned: success
  type: bool
running:
  description: Whether the daemon runs. Where it does not, nobody serves what was written, which is a warning.
  returned: success
  type: bool
started:
  description: Always V(false). The role starts keepalived, behind the watcher that tells it whether this node is fit.
  returned: success
  type: bool
repaired:
  description:
    - Whether a former run was killed half-way, and was finished or undone first.
    - Or whether no file differed, and the kernel had not what keepalived wants, and has it now.
  returned: success
  type: bool
warnings:
  description: What the daemon's test and the rules of this collection said although the configuration can work.
  returned: when there are any
  type: list
  elements: str
"""

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import apply
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import INSTANCE_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS, finish

# What keepalived needs to be told of an instance, it needs only where the instance shall be.
NEEDED = [name for name, spec in INSTANCE_OPTIONS.items() if spec.get("required") and name != "name"]


def main() -> None:
    module = QuietModule(
        argument_spec=dict(
            {name: dict(spec, required=name == "name") for name, spec in INSTANCE_OPTIONS.items()},
            **CHANGE_OPTIONS,
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            root={"type": "path", "default": "/etc/keepalived"},
        ),
        required_if=[("state", "present", NEEDED)],
        supports_check_mode=True,
    )
    instance = {name: module.params[name] for name in INSTANCE_OPTIONS}
    present = module.params["state"] == "present"
    try:
        result, _config = apply(
            {"instances": [instance] if present else []},
            owner="vrrp_instance",
            single=module.params["name"],
            check_mode=module.check_mode,
            drift=module.params["drift"],
            stage_only=module.params["stage_only"],
            root=module.params["root"],
        )
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    finish(module, result, daemon="keepalived")


if __name__ == "__main__":
    main()
