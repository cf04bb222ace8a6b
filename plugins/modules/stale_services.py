#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stale_services
short_description: Which services run what their files said once, and no longer say
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - A play that writes a file and restarts its service later may end in between. The next run finds the file as it
    should be, and a restart that rests on C(is changed), or on a handler, never comes.
  - This module looks at the host instead. A service is stale if its unit or a drop-in of that was written after it was
    last started, or one of its files after it was last started or reloaded. One that does not run is not.
  - It changes nothing.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  services:
    description:
      - The files that each unit reads, by its name with the suffix. Units and drop-ins are known from systemd.
      - A file that is not there, and a unit that systemd does not know, is passed over.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Find what an earlier run has left undone
  holdfast.nginx_ha.stale_services:
    services:
      example.service: [/usr/local/lib/example/example.py, /etc/example.json]
  register: stale

- name: Run it
  ansible.builtin.systemd_service:
    name: example.service
    state: "{{ 'restarted' if 'example.service' in stale.services else 'started' }}"
    daemon_reload: "{{ stale.daemon_reload }}"
"""

RETURN = r"""
services:
  description: Those that are stale, in the order in which they were given.
  returned: success
  type: list
  elements: str
  sample: [example.service]
daemon_reload:
  description: Whether systemd itself has not read the files of one of these units yet.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.stale import stale


def main() -> None:
    module = AnsibleModule(argument_spec={"services": {"type": "dict", "required": True}}, supports_check_mode=True)
    try:
        services, daemon_reload = stale(module.params["services"])
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, services=services, daemon_reload=daemon_reload)


if __name__ == "__main__":
    main()
