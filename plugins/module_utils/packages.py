# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether packages can be had, before one of them is installed. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import NOT_FOUND, Runner, run

__all__ = ("download",)

MINUTES = 600.0


def download(packages: t.Sequence[str], *, check_mode: bool, runner: Runner = run) -> list[str]:
    """Download what is not installed yet, and return its names; HoldfastError where it cannot be had.

    In check mode apt only says whether it would know how, from the package lists that the host has.
    On hosts without apt nothing is done: there the package manager finds out when it installs.
    """
    missing = [name for name in packages if not _installed(name, runner)]
    if not missing or runner("apt-get", "--version").rc == NOT_FOUND:
        return []
    step = "--simulate" if check_mode else "--download-only"
    wanted = ("apt-get", "-o", "DPkg::Lock::Timeout=60", "--yes", step, "install", *missing)
    done = runner(*wanted, timeout=MINUTES)
    if done.rc and not check_mode:
        refreshed = runner("apt-get", "-o", "DPkg::Lock::Timeout=60", "update", timeout=MINUTES)
        done = runner(*wanted, timeout=MINUTES)
        if done.rc and refreshed.rc:
            done = refreshed
    if done.rc:
        words = [line for line in done.output.split("\n") if line.startswith(("E:", "W:", "Err:"))]
        raise HoldfastError(
            f"{' and '.join(missing)} cannot be had from this host's package sources "
            f"({(words or [done.output])[-1].strip()}): "
            f"make `apt-get update && apt-get install {' '.join(missing)}` work"
        )
    return missing


def _installed(package: str, runner: Runner) -> bool:
    state = runner("dpkg-query", "--show", "--showformat=${db:Status-Status}", package)
    return state.rc == 0 and state.stdout.strip() == "installed"
