# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package manager a host has, by its family. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_manager import PackageManager
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import RED_HAT, of_this_host

__all__ = ("package_manager",)


def package_manager(runner: Runner = run) -> PackageManager:
    """Return the package manager of this host."""
    if of_this_host().family == RED_HAT:
        from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf import Dnf

        return Dnf(runner)
    from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt import Apt

    return Apt(runner)
