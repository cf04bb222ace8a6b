# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection promises."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of the modules that change a configuration."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - Python 3.7 or later on the host, nothing but its standard library
attributes:
  action_group:
    description: Whether C(module_defaults) can set options for it together with the other modules of the collection.
    support: full
    membership: [holdfast.nginx_ha.all]
  check_mode:
    description: Whether it can tell what it would change without changing it.
    support: full
  diff_mode:
    description: Whether it shows the lines that change, passwords hidden.
    support: full
  idempotent:
    description: Whether a second run with the same options changes nothing.
    support: full
  safe_file_operations:
    description: Whether files are replaced whole, never written in place.
    support: full
"""
