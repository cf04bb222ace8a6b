#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_lock
short_description: Keep a second run off the balancers that a first one changes
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Two runs at once would each roll out its own state, and each would find the other's in the middle.
  - A run takes the lock of every balancer before it changes one, and gives it back at its end. A second run is refused
    with the name of the first.
  - A run that ended without giving it back keeps nobody off. On the same controller that is seen at once. For runs from
    another controller, which cannot see it, the lock ends half an hour after it was taken, and when the host boots.
options:
  state:
    description: Whether to take the lock, or to give it back.
    type: str
    choices: [present, absent]
    default: present
  holder:
    description: Who takes it, as C(id) and C(name); the controller fills this in.
    type: dict
  ended:
    description: The C(id) of a holder of whom the controller knows that it has ended; the controller fills this in.
    type: str
    default: ""
attributes:
  check_mode:
    description: The lock is neither taken nor looked at, for nothing is changed.
    support: full
  diff_mode:
    description: A lock is no part of the state of a host, so there is no difference.
    support: none
"""

EXAMPLES = r"""
- name: Take the lock
  holdfast.nginx_ha.rollout_lock:

- name: Give the lock back
  holdfast.nginx_ha.rollout_lock:
    state: absent
"""

RETURN = r"""
holder:
  description: Who has the lock, where it is somebody else; C(id), C(name) and C(left), its seconds at most.
  returned: when another run has it
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.lock import PATH, settle


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "holder": {"type": "dict"},
            "ended": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False)
    if not given["holder"]:
        module.fail_json(msg="holder: is missing, call this as holdfast.nginx_ha.rollout_lock from a play")
    try:
        holder = settle(given["holder"], state=given["state"], ended=given["ended"])
    except OSError as error:
        module.fail_json(msg=f"{PATH} cannot be written: {error.strerror}")
    module.exit_json(changed=False, **({"holder": holder} if holder else {}))


if __name__ == "__main__":
    main()
