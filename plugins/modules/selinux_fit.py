#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: selinux_fit
short_description: Label what was written for SELinux, and switch on the booleans that the service needs
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Where the kernel has SELinux, files get the labels that the policy has for them, and booleans are switched on for
    good. SELinux itself stays as it is. Where it is off, nothing is done.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  paths:
    description: Files and folders to label, with all below them. One that is not there is passed over.
    type: list
    elements: path
    default: []
  booleans:
    description: Booleans of the policy that have to be on.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Let nginx reach its upstreams
  holdfast.nginx_ha.selinux_fit:
    paths: [/etc/nginx]
    booleans: [httpd_can_network_connect]
"""

RETURN = r"""
labelled:
  description: What C(restorecon) said of each file whose label changed, or in check mode would change.
  returned: success
  type: list
  elements: str
switched_on:
  description: Booleans that were off.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import is_enabled, labelled, switched_on


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "booleans": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    labels: list[str] = []
    booleans: list[str] = []
    if is_enabled():
        try:
            labels = labelled(module.params["paths"], check=module.check_mode)
            booleans = switched_on(module.params["booleans"], check=module.check_mode)
        except HoldfastError as error:
            module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(labels or booleans),
        labelled=labels,
        switched_on=booleans,
        diff={
            "before_header": "SELinux",
            "after_header": "SELinux",
            "before": "".join(f"{name}=off\n" for name in booleans),
            "after": "".join(f"{line}\n" for line in [*(f"{name}=on" for name in booleans), *labels]),
        },
    )


if __name__ == "__main__":
    main()
