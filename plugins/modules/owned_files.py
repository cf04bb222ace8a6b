#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: owned_files
short_description: Bring files and folders that this collection owns onto a host, all in one step
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Units, drop-ins and settings, each replaced as a whole and atomically where it differs. All belong to root.
  - Where a file below C(/etc/systemd/system) has changed, systemd reads its units again. What a file below
    C(/etc/tmpfiles.d) names is made in every run.
  - No service is started or restarted; see M(holdfast.nginx_ha.current_services).
  - Neither the journal nor the result repeats a text, but for O(files[].shown) in the difference.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  folders:
    description: Folders with other permissions than 0755 of root. All others that files need are made as well.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      mode:
        description: Permission bits in octal.
        type: str
        default: "0755"
      group:
        description: Its group.
        type: str
        default: root
  files:
    description: Files, in the order in which they are written.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description:
          - Its text. C(@EXEC_START@) stands for the command line of O(files[].unit), and where there is none, the lines
            that begin with C(ExecStart=) go.
          - Without it, there shall be no such file.
        type: str
      mode:
        description: Permission bits in octal.
        type: str
        default: "0644"
      unit:
        description: The unit to which a drop-in belongs.
        type: str
        default: ""
      shown:
        description: Whether a difference may be shown.
        type: bool
        default: true
"""

EXAMPLES = r"""
- name: Bring a unit and its settings onto the host
  holdfast.nginx_ha.owned_files:
    files:
      - {path: /etc/systemd/system/example.service, content: "{{ lookup('ansible.builtin.template', 'example.j2') }}"}
      - {path: /etc/example.json, content: "{{ example | to_nice_json }}", mode: "0600", shown: false}
      - {path: /etc/example.old}
"""

RETURN = r"""
paths:
  description: What was changed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [/etc/systemd/system/example.service]
"""

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.quiet import QuietModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.owned import File, Folder, bring
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import difference

HIDDEN = "(not shown: it may hold secrets)\n"


def bits(mode: str, path: str) -> int:
    try:
        return int(mode, 8)
    except ValueError:
        raise InputError(path, f"{mode} is no permission in octal: write it as 0644") from None


def main() -> None:
    module = QuietModule(
        argument_spec={
            "folders": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "mode": {"type": "str", "default": "0755"},
                    "group": {"type": "str", "default": "root"},
                },
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "mode": {"type": "str", "default": "0644"},
                    "unit": {"type": "str", "default": ""},
                    "shown": {"type": "bool", "default": True},
                },
            },
        },
        supports_check_mode=True,
    )
    try:
        need_root()
        folders = [
            Folder(one["path"], bits(one["mode"], f"folders[{index}].mode"), one["group"])
            for index, one in enumerate(module.params["folders"])
        ]
        files = [
            File(one["path"], one["content"], bits(one["mode"], f"files[{index}].mode"), one["unit"])
            for index, one in enumerate(module.params["files"])
        ]
        changes = bring(folders, files, check=module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    secret = {one["path"] for one in module.params["files"] if not one["shown"]}
    module.exit_json(
        changed=bool(changes),
        paths=[change.path for change in changes],
        diff=[
            difference(change.path, "", HIDDEN if change.path in secret else "")
            if change.path in secret
            else difference(change.path, change.before, change.after)
            for change in changes
        ],
    )


if __name__ == "__main__":
    main()
