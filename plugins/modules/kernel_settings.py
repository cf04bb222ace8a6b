#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Keep settings of the kernel (sysctl) in a file of their own, now and after a reboot
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Writes the settings to one file in C(sysctl.d) and sets those that differ in the running kernel.
  - A setting that is no longer listed goes back to what it was before. An empty list removes the file.
  - Where the kernel refuses a value, as in a container whose C(/proc/sys) is read-only, the task says so and fails only
    if the setting is needed.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  path:
    description: The file.
    type: path
    default: /etc/sysctl.d/90-holdfast.conf
  settings:
    description: The settings.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with dots, such as V(net.ipv4.ip_nonlocal_bind).
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
      reason:
        description: Why it is set; it stands in the file.
        type: str
        required: true
      needed:
        description: Whether the host is of no use without it.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Let nginx listen on an address that another host holds
  holdfast.nginx_ha.kernel_settings:
    settings:
      - name: net.ipv4.ip_nonlocal_bind
        value: "1"
        reason: nginx listens on the shared address itself
        needed: true
"""

RETURN = r"""
set:
  description: Settings that were changed in the running kernel, or in check mode would be.
  returned: success
  type: list
  elements: str
refused:
  description: Settings that the kernel refused, each with its own words.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.kernel import Setting, parse, render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)


def current(setting: Setting) -> str:
    """Return the value in the running kernel, empty where it has no such setting."""
    try:
        with open(setting.path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def assign(setting: Setting, value: str) -> str:
    """Set it in the running kernel; return why that failed, empty where it did not."""
    try:
        with open(setting.path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError as error:
        return f"{setting.name} = {value} is refused by the kernel ({error.strerror}): {setting.reason}"
    return ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/sysctl.d/90-holdfast.conf"},
            "settings": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "reason": {"type": "str", "required": True},
                    "needed": {"type": "bool", "default": False},
                },
            },
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    try:
        need_root()
        there = read_text(path)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    earlier = parse(there)
    wanted = []
    for said in module.params["settings"]:
        setting = Setting(said["name"], said["value"], said["reason"], is_needed=said["needed"])
        before = earlier[setting.name].before if setting.name in earlier else current(setting)
        wanted.append(Setting(setting.name, setting.value, setting.reason, before, setting.is_needed))
    text = render(wanted) if wanted else ""
    names = [one.name for one in wanted]
    changes = [(one, one.value) for one in wanted if current(one) != one.value]
    changes += [
        (one, one.before)
        for one in earlier.values()
        if one.name not in names and one.before and current(one) == one.value
    ]
    refused: list[str] = []
    done: list[str] = []
    try:
        if text != there and not module.check_mode:
            replace_text(path, text or None)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    for setting, value in changes:
        fault = "" if module.check_mode else assign(setting, value)
        if fault and setting.is_needed:
            module.fail_json(msg=f"{fault}. Set it where the kernel is (for a container, on the machine that runs it)")
        (refused if fault else done).append(fault or f"{setting.name} = {value}")
    for fault in refused:
        module.warn(fault)
    module.exit_json(
        changed=text != there or bool(done),
        set=done,
        refused=refused,
        diff=difference(path, there, text),
    )


if __name__ == "__main__":
    main()
