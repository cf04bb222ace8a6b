#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: program_files
short_description: Bring the files of programs into a folder, all in one step
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Writes each file that is missing or differs atomically, in the order in which they are given, as the user who runs
    it. What stands first is there before what imports it.
  - A text that begins with C(#!) becomes a program that everybody may run, V(0755); any other file everybody may read,
    V(0644). Files of the folder that are not named stay as they are.
extends_documentation_fragment:
  - holdfast.nginx_ha.attributes
options:
  folder:
    description: The absolute path of the folder; it is made where it is missing.
    type: path
    required: true
  files:
    description: The text of every file by its name, without a folder.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Install a program and what it imports
  holdfast.nginx_ha.program_files:
    folder: /usr/local/lib/example
    files:
      example_words.py: "{{ lookup('ansible.builtin.file', 'example_words.py', rstrip=false) }}"
      example.py: "{{ lookup('ansible.builtin.file', 'example.py', rstrip=false) }}"
"""

RETURN = r"""
changed_files:
  description: The names of the files that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [example_words.py]
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.files import Wanted, read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.text import difference, replace_text
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError, InputError

PROGRAM, OTHER = 0o755, 0o644


def checked(name: str, text: object) -> str:
    """Return the text; InputError where it is none, or where this is no name of a file in the folder."""
    if name in ("", os.curdir, os.pardir) or "/" in name or "\0" in name:
        raise InputError("files", f"{name!r} is no name of a file: leave the folder out")
    if not isinstance(text, str):
        raise InputError(f"files.{name}", "has to be a text")
    return text


def mode_of(text: str) -> int:
    return PROGRAM if text.startswith("#!") else OTHER


def bring(folder: str, files: t.Mapping[str, object], *, write: bool) -> list[dict[str, str]]:
    """Write what is missing or differs, unless it is only asked for; return the differences, in the order of the files.

    Nothing is written where anything about the input or what is there is wrong, which is a HoldfastError.
    """
    if not os.path.isabs(folder):
        raise InputError("folder", f"{folder} is no absolute path")
    texts = {os.path.join(folder, name): checked(name, text) for name, text in files.items()}
    there = {path: read_state(path) for path in texts}
    changed = [path for path, text in texts.items() if not there[path].satisfies(Wanted(text.encode(), mode_of(text)))]
    for path in changed if write else ():
        replace_text(path, texts[path], mode_of(texts[path]))
    return [difference(path, (there[path].content or b"").decode(errors="replace"), texts[path]) for path in changed]


def main() -> None:
    module = AnsibleModule(
        argument_spec={"folder": {"type": "path", "required": True}, "files": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    try:
        diff = bring(module.params["folder"], module.params["files"], write=not module.check_mode)
    except HoldfastError as error:
        module.fail_json(msg=str(error))
    names = [os.path.basename(one["after_header"]) for one in diff]
    module.exit_json(changed=bool(diff), changed_files=names, diff=diff)


if __name__ == "__main__":
    main()
