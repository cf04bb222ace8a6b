#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: current_services
short_description: Have services run what their files say
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - A play that writes a file and restarts its service later may end in between. The next run finds the file as it
    should be, and a restart that rests on C(is changed), or on a handler, never comes.
  - This module looks at the host instead. A service is restarted if its unit, a drop-in of that or one of its programs
    was written after it was last started, and reloaded if one of its settings was written after it was last started or
    reloaded. One that does not run is started. Before that, systemd reads units again that it has not read.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  services:
    description: The services, in the order in which they are looked after.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The unit with its suffix.
        type: str
        required: true
      programs:
        description: Files that it reads once, when it starts. One that is not there is passed over.
        type: list
        elements: path
        default: []
      settings:
        description: Files that it reads again when it is reloaded.
        type: list
        elements: path
        default: []
      runs:
        description: Whether it has to run.
        type: bool
        default: true
      enabled:
        description: Whether it has to be enabled. V(false) leaves it as it is.
        type: bool
        default: true
      restarts:
        description: Whether it may be restarted.
        type: bool
        default: true
"""

EXAMPLES = r"""
- name: Run it as its files say
  holdfast.nginx_ha.current_services:
    services:
      - name: example.service
        programs: [/usr/local/lib/example/example.py]
        settings: [/etc/example.json]
"""

RETURN = r"""
done:
  description: What was done, or in check mode would be, as arguments of systemctl.
  returned: success
  type: list
  elements: str
  sample: [daemon-reload, restart example.service]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.services import Service, settle


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "services": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "programs": {"type": "list", "elements": "path", "default": []},
                    "settings": {"type": "list", "elements": "path", "default": []},
                    "runs": {"type": "bool", "default": True},
                    "enabled": {"type": "bool", "default": True},
                    "restarts": {"type": "bool", "default": True},
                },
            }
        },
        supports_check_mode=True,
    )
    try:
        need_root()
        done = settle([Service(**one) for one in module.params["services"]], check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    words = [f"{verb} {name}".strip() for name, verb in done]
    module.exit_json(
        changed=bool(done),
        done=words,
        diff={
            "before_header": "services",
            "after_header": "services",
            "before": "",
            "after": "".join(f"systemctl {one}\n" for one in words),
        },
    )


if __name__ == "__main__":
    main()
