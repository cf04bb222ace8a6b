# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and booleans of SELinux, which stays as strict as it is. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Runner, run

__all__ = ("is_enabled", "labelled", "switched_on")

ENFORCE = "/sys/fs/selinux/enforce"
MINUTE = 60.0


def is_enabled(path: str = ENFORCE) -> bool:
    """Return whether the kernel labels files, be it enforcing or permissive."""
    return os.path.exists(path)


def labelled(paths: t.Sequence[str], *, check: bool, runner: Runner = run) -> list[str]:
    """Give files and all below them the labels that the policy has for them; return a line for each that changes."""
    there = [path for path in paths if os.path.exists(path)]
    if not there:
        return []
    done = runner("restorecon", "-R", "-v", *(["-n"] if check else []), *there, timeout=MINUTE)
    if done.rc == NOT_FOUND:
        raise HoldfastError("restorecon is not installed, and SELinux is on: install policycoreutils")
    if done.rc:
        raise HoldfastError(f"the files cannot be labelled for SELinux: {done.output}")
    return [line for line in done.stdout.split("\n") if line]


def switched_on(booleans: t.Sequence[str], *, check: bool, runner: Runner = run) -> list[str]:
    """Switch these booleans on for good; return those that were off. One that the policy does not know is left out."""
    off = [name for name in booleans if runner("getsebool", name).stdout.strip().endswith("off")]
    if off and not check:
        done = runner("setsebool", "-P", *(f"{name}=on" for name in off), timeout=MINUTE)
        if done.rc:
            raise HoldfastError(f"setsebool refuses {' and '.join(off)}: {done.output}")
    return off
