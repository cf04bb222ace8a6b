# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failure
author: The holdfast.nginx_ha authors (@holdfast)
version_added: 0.1.0
short_description: What a task that failed has to say, in one line
description:
  - Makes a line for a person of the result of a task, whatever module it was, C(ansible_failed_result) in a C(rescue).
  - What a program printed is in it, a traceback and a list of all that was returned are not. Of a task whose result
    may hold a password nothing is shown.
options:
  _input:
    description: The result of a task, or of a loop of tasks, of which only those that failed are told.
    type: dict
    required: true
  role:
    description: The role that ends with it. With it a whole sentence is returned, that says what to do.
    type: str
  task:
    description: The name of the task.
    type: str
"""

EXAMPLES = r"""
- name: Install the package, or say why that cannot be
  block:
    - name: Install the package
      ansible.builtin.package:
        name: nginx
  rescue:
    - name: Fail with a sentence
      ansible.builtin.fail:
        msg: "nginx cannot be installed: {{ ansible_failed_result | holdfast.nginx_ha.failure }}."
"""

RETURN = r"""
_value:
  description: The line, without a full stop, or the sentence.
  type: str
"""

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import failure


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"failure": failure}
