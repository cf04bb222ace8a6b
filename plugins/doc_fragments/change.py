# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that changes a configuration: CHANGE_OPTIONS in _transaction/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of a change."""

    DOCUMENTATION = r"""
options:
  drift:
    description:
      - What becomes of files of this collection that were edited by hand since it wrote them.
      - V(overwrite) brings them back to what was asked for; the diff shows the edit.
      - V(keep) leaves them as they are and reports them in RV(ignore:drifted).
      - V(fail) changes nothing and names the first of them.
    type: str
    choices: [overwrite, keep, fail]
    default: overwrite
  stage_only:
    description:
      - Whether the change is only tested and left on the host, for M(holdfast.nginx_ha.staged_change) to make it live.
      - The task then reports what would change, as in check mode.
    type: bool
    default: false
"""
