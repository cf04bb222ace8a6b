#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: staged_change
short_description: Make a staged change live at an instant, and keep it or undo it
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - M(holdfast.nginx_ha.keepalived_config) and M(holdfast.nginx_ha.nginx_config) with O(ignore:stage_only=true) test a
    change and leave it on the host. This module makes it live.
  - Some changes have to happen on all members of a cluster in the same instant, because in between they would not
    understand each other and both hold the address. Those are the router id, the password, the version and the first
    address of an instance, and the peers.
  - A change that is not confirmed in time is undone by the host itself, even if the controller is gone by then, the
    host was started anew meanwhile, or the undo failed at first.
  - Hosts that agreed on a change first ask each other (UDP port 7112) what became of it, because the old configuration
    on one and the new one on another would be two holders. It is kept where one of them was confirmed.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  daemon:
    description: Whose change it is.
    type: str
    choices: [keepalived, nginx]
    required: true
  state:
    description:
      - V(agreed) names the staged change for the hosts that make it together. Each then sees before the instant that
        the others are prepared as well.
      - V(committed) makes the staged change live.
      - V(confirmed) keeps it. The task fails where the host has undone it already, or is about to.
      - V(undone) puts back what was there before, and drops a change that is only staged.
    type: str
    choices: [agreed, committed, confirmed, undone]
    required: true
  id:
    description:
      - A random text that is the name of the change and known to these hosts alone. Needed by V(agreed), and by
        V(confirmed) for a change that was agreed on.
    type: str
  peers:
    description: The addresses of the other hosts that make the change, by which they reach each other. For V(agreed).
    type: list
    elements: str
  at:
    description:
      - When to do it, in seconds since the epoch by the clock of the host. Without it, at once.
      - Where that is past when the module starts, the task fails and nothing is changed.
    type: float
  confirm_within:
    description:
      - Seconds after which a committed change that was not confirmed is undone. V(0) confirms it at once.
    type: float
    default: 60
  root:
    description: Folder of the daemon's configuration. Without it, the one of the distribution.
    type: path
"""

EXAMPLES = r"""
- name: Tell each host the change and its peers
  holdfast.nginx_ha.staged_change:
    daemon: keepalived
    state: agreed
    id: "{{ name_of_the_change }}"
    peers: [192.0.2.12]

- name: Commit the staged change on all nodes at the same instant
  holdfast.nginx_ha.staged_change:
    daemon: keepalived
    state: committed
    at: "{{ instant | float + clock.offset }}"

- name: Confirm the change
  holdfast.nginx_ha.staged_change:
    daemon: keepalived
    state: confirmed
    id: "{{ name_of_the_change }}"
"""

RETURN = r"""
files:
  description: The files that were written or removed.
  returned: when it was committed
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    action:
      description: One of V(created), V(changed), V(removed).
      type: str
reloaded:
  description: Whether the daemon was reloaded, and was seen to run the new configuration.
  returned: when it was committed
  type: bool
late_ms:
  description: Milliseconds from the instant until the daemon was seen to run the new configuration.
  returned: when it was committed
  type: float
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Transaction

DAEMONS: dict[str, t.Callable[..., Daemon]] = {"keepalived": KeepalivedDaemon, "nginx": NginxDaemon}


def act(change: Transaction, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Do what is asked and return the result of the module."""
    state, at = options["state"], options["at"]
    if state == "agreed":
        change.agree(options["id"], options["peers"])
        return {"changed": False}
    if state == "confirmed":
        change.confirm(options["id"] or "")
        return {"changed": True}
    if state == "undone":
        awaiting = change.journal.is_open
        if awaiting:
            change.undo()
        return {"changed": change.forget() or awaiting}
    begin = at or time.time()
    result = change.commit(at=at, confirm_within=options["confirm_within"] or None)
    return dict(result.to_dict(), late_ms=round((time.time() - begin) * 1000, 1))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "daemon": {"type": "str", "choices": sorted(DAEMONS), "required": True},
            "state": {"type": "str", "choices": ["agreed", "committed", "confirmed", "undone"], "required": True},
            "id": {"type": "str", "no_log": True},
            "peers": {"type": "list", "elements": "str"},
            "at": {"type": "float"},
            "confirm_within": {"type": "float", "default": 60},
            "root": {"type": "path"},
        },
        required_if=[("state", "agreed", ("id", "peers"))],
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    root = {"root": module.params["root"]} if module.params["root"] else {}
    try:
        with Transaction(DAEMONS[module.params["daemon"]](**root)) as change:
            result = act(change, module.params)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    warnings = result.pop("warnings", [])
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
