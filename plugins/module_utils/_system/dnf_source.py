# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of dnf. Private to this collection.

Its options are those that https://nginx.org/en/linux_packages.html has for RHEL and derivatives, with the key in a file
of the host.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import OWNED, PackageSource

__all__ = ("DnfSource",)


@dataclass(frozen=True)
class DnfSource(PackageSource):
    """A repository of dnf; ``suite`` is the first number of the release, as ``$releasever`` may have a second one."""

    KEY: t.ClassVar[str] = "/etc/pki/rpm-gpg/RPM-GPG-KEY-holdfast-nginx"
    REPOSITORY: t.ClassVar[str] = "/etc/yum.repos.d/holdfast-nginx.repo"
    FILES: t.ClassVar[tuple[str, ...]] = (KEY, REPOSITORY)
    ID: t.ClassVar[str] = "holdfast-nginx"

    def entry(self, key: str = KEY) -> str:
        """Return the file of the repository (dnf.conf(5)), with the path of the key.

        Its packages go before those of the distribution, whose priority is 99, and before its module of nginx.
        """
        return (
            f"{OWNED}[{self.ID}]\nname=nginx\nbaseurl={self.url}/{self.suite}/$basearch/\nenabled=1\ngpgcheck=1\n"
            f"gpgkey=file://{key}\npriority=90\nmodule_hotfixes=1\n"
        )

    def files(self) -> dict[str, str]:
        return {self.KEY: self.key, self.REPOSITORY: self.entry()}
