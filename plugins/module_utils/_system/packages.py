# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether packages can be had, before one of them is installed. Private to this collection."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Completed, Runner, run

__all__ = ("download", "manager")

MINUTES = 600.0


def download(packages: t.Sequence[str], *, check_mode: bool, runner: Runner = run) -> list[str]:
    """Download what is not installed, and return its names; HoldfastError where it cannot be had.

    In check mode apt only says whether it would know how, with package lists that are fetched for the purpose where
    those of the host do not suffice. On hosts without apt nothing is done: there the package manager finds out when
    it installs.
    """
    missing = [name for name in packages if not _installed(name, runner)]
    if not missing or runner("apt-get", "--version").rc == NOT_FOUND:
        return missing
    with tempfile.TemporaryDirectory(prefix="holdfast-apt-") as folder:
        os.makedirs(os.path.join(folder, "lists", "partial"))
        lists = ("-o", f"Dir::State::lists={folder}/lists") if check_mode else ()
        apart = ("-o", f"Dir::Cache={folder}", "-o", f"Dir::Log={folder}") if check_mode else ()
        wanted = ("--yes", "--simulate" if check_mode else "--download-only", "install", *missing)
        done = _apt(*apart, *wanted, runner=runner)
        if done.rc:
            refreshed = _apt(*apart, *lists, "update", runner=runner)
            done = _apt(*apart, *lists, *wanted, runner=runner)
    if done.rc:
        # An update that reached nobody counts as one for apt, but says so.
        words = _complaints(refreshed) or _complaints(done) or [done.output]
        raise HoldfastError(
            f"{' and '.join(missing)} cannot be had from this host's package sources ({words[0].strip()}): "
            f"make `apt-get update && apt-get install {' '.join(missing)}` work"
        )
    return missing


def manager() -> dict[str, str]:
    """Return the fact ``pkg_mgr`` of this host, nothing where Ansible has to find it out."""
    return {"pkg_mgr": "apt"} if os.path.exists("/usr/bin/apt-get") else {}


def _apt(*args: str, runner: Runner) -> Completed:
    return runner("apt-get", "-o", "DPkg::Lock::Timeout=60", *args, timeout=MINUTES)


def _complaints(done: Completed) -> list[str]:
    return [line for line in done.output.split("\n") if line.startswith(("E:", "W: Failed to fetch"))]


def _installed(package: str, runner: Runner) -> bool:
    state = runner("dpkg-query", "--show", "--showformat=${db:Status-Status}", package)
    return state.rc == 0 and state.stdout.strip() == "installed"
