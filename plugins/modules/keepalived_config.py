#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: keepalived_config
short_description: Bring all of keepalived's configuration that this collection owns onto a host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Writes one file for every block below C(holdfast.d) in keepalived's folder, and one line that includes them
    at the end of the main file. Files of a former run that are no longer wanted are removed; nothing else ever is.
  - Before a live file is touched, keepalived's own test runs on the whole configuration as it would be, in check
    mode too, and also when nothing has changed.
  - After a reload the state of the running keepalived must agree with the files. Where it does not,
    the old files are put back and reloaded.
  - Where keepalived is not installed yet, check mode applies the rules of this collection only and
    returns RV(validated=model).
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
  - holdfast.nginx_ha.change
  - holdfast.nginx_ha.keepalived_config
options:
  adopt:
    description:
      - Whether everything else in the main file goes, so that this collection alone says what keepalived does.
        A copy of the main file as it was is kept in C(/var/lib/holdfast/keepalived/adopted).
      - Without it, instances that somebody else configured on the host stay, unless they claim the same
        address or the same router id; then the module fails before anything is changed.
    type: bool
    default: false
  root:
    description: Folder of keepalived's configuration.
    type: path
    default: /etc/keepalived
seealso:
  - module: holdfast.nginx_ha.vrrp_instance
"""

EXAMPLES = r"""
- name: One address on two balancers
  holdfast.nginx_ha.keepalived_config:
    global_defs:
      vrrp_garp_master_refresh: 60
    instances:
      - name: VI_1
        virtual_router_id: 100
        priority: 250
        unicast_src_ip: 192.0.2.11
        unicast_peer: [192.0.2.12]
        virtual_ipaddress: [192.0.2.100/24]
"""

RETURN = r"""
addresses:
  description: Every virtual address of the instances, and the interface that has it when this host is the holder.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address, without a prefix length.
      type: str
    interface:
      description: The interface, derived from the subnet of the address where none was given.
      type: str
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

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.change import apply, homes
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import CONFIG_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.arguments import CHANGE_OPTIONS, finish


def addresses(config: KeepalivedConfig) -> list[dict[str, str]]:
    """Return every virtual address and the interface that will have it."""
    return [{"address": address, "interface": home} for address, home in homes(config.instances or ()).items()]


def main() -> None:
    module = QuietModule(
        argument_spec=dict(
            CONFIG_OPTIONS,
            **CHANGE_OPTIONS,
            adopt={"type": "bool", "default": False},
            root={"type": "path", "default": "/etc/keepalived"},
        ),
        supports_check_mode=True,
    )
    options: dict[str, t.Any] = {name: module.params[name] for name in CONFIG_OPTIONS}
    try:
        result, config = apply(
            options,
            owner="keepalived_config",
            check_mode=module.check_mode,
            drift=module.params["drift"],
            stage_only=module.params["stage_only"],
            adopt=module.params["adopt"],
            root=module.params["root"],
        )
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    finish(module, result, daemon="keepalived", addresses=addresses(config))


if __name__ == "__main__":
    main()
