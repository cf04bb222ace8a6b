# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Python that runs what stays on a host is new enough. Private to this collection.

Ansible may find another one than that: RHEL 8 has Python 3.6 by itself, and newer ones beside it.
"""

from __future__ import annotations

import re

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run

__all__ = ("unfit_python",)

PYTHON = "/usr/bin/python3"
"""What the units of this collection start."""
OLDEST = (3, 7)
_VERSION = re.compile(r"Python (\d+)\.(\d+)\.\S+")


def unfit_python(path: str = PYTHON, runner: Runner = run) -> str:
    """Return a sentence where there is no such Python, or one that is too old; else nothing."""
    done = runner(path, "--version")
    found = _VERSION.fullmatch(done.output.strip())
    if found and (int(found[1]), int(found[2])) >= OLDEST:
        return ""
    there = f"is {found[0]}" if found else "is not there"
    return (
        f"{path} {there}, and what this collection starts needs Python {OLDEST[0]}.{OLDEST[1]} or newer: install one "
        f"and let {path} be it (on a system of Red Hat's family 8: dnf install python3.11, then "
        "alternatives --set python3 /usr/bin/python3.11; dnf keeps its own)"
    )
