#!/usr/bin/python
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_files
short_description: Write the plan of the fleet as files, a folder for each host
version_added: 0.1.0
author:
  - The holdfast.nginx_ha authors (@holdfast)
description:
  - Internal to the playbooks of this collection, and may change with any of its releases.
  - Writes on the controller what the roles of this collection would write on the hosts of the play, to be read and to
    be compared in a repository. No host is touched.
  - The same inventory gives the same files to the byte. What only a host knows stands as a placeholder, of which its
    C(host.json) says what it is. No secret is in any of the files.
  - Files that are planned no longer go. Others in the folder stay.
options:
  folder:
    description: The folder on the controller, which is made where it is not there.
    type: path
    required: true
  salt:
    description:
      - A secret of the fleet. With it a digest stands for each secret, so that a plan with another password differs.
        Without it a secret is eight asterisks, whatever it is.
    type: str
    default: ""
attributes:
  check_mode:
    description: Tells what would be written.
    support: full
  diff_mode:
    description: Shows what differs from the plan that was in the folder.
    support: full
"""

EXAMPLES = r"""
- name: Write the plan as files
  holdfast.nginx_ha.plan_files:
    folder: plan
    salt: "{{ holdfast_plan_salt }}"
  run_once: true
"""

RETURN = r"""
changes:
  description: The files that were written or removed, or would be, by their paths in the folder.
  returned: success
  type: list
  elements: str
  sample: ["lb1/files/etc/nginx/conf.d/holdfast-50-upstream-blog.conf", "holdfast-plan.json"]
"""
