#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_files
short_description: Bring the agent of this collection onto a host, all of it in one step
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - The agent is what runs on a balancer for ever, a watcher, a detector, a notifier and a few more parts. Each is
    started by a unit of its own, which other tasks install.
  - Its files become a folder C(agent-DIGEST), which is complete before the symbolic link C(agent) is moved to it. The
    folder of before is kept, and older ones go.
  - Nothing is restarted. RV(parts) says what loads a file that has changed.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  folder:
    description: The absolute path of the folder in which the link and the folders lie; it is made where it is missing.
    type: path
    default: /usr/local/lib/holdfast
"""

EXAMPLES = r"""
- name: Install the agent
  holdfast.nginx_ha.agent_files:
  register: agent

- name: Restart the watcher where its files have changed
  ansible.builtin.systemd_service:
    name: holdfast-watcher.service
    state: "{{ 'restarted' if 'watcher' in agent.parts else 'started' }}"
"""

RETURN = r"""
parts:
  description: The parts of the agent that load a file which was changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [detector, watcher]
paths:
  description: The files that each part loads, by its name, as they are reached through the link.
  returned: success
  type: dict
  sample:
    supervisor:
      - /usr/local/lib/holdfast/agent/__main__.py
      - /usr/local/lib/holdfast/agent/holdfast/_agent/parts.py
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.delivery import FOLDER, deliver
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference


def main() -> None:
    module = AnsibleModule(argument_spec={"folder": {"type": "path", "default": FOLDER}}, supports_check_mode=True)
    try:
        delivery = deliver(module.params["folder"], check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=delivery.changed,
        parts=delivery.parts,
        paths=delivery.paths,
        diff=difference(delivery.path, delivery.before, delivery.after),
    )


if __name__ == "__main__":
    main()
