# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source of apt. Private to this collection."""

from __future__ import annotations

import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.package_source import OWNED, PackageSource

__all__ = ("AptSource",)


@dataclass(frozen=True)
class AptSource(PackageSource):
    """A source of apt; ``suite`` is the name of the release."""

    KEY: t.ClassVar[str] = "/etc/apt/keyrings/holdfast-nginx.asc"
    SOURCES: t.ClassVar[str] = "/etc/apt/sources.list.d/holdfast-nginx.sources"
    PREFERENCES: t.ClassVar[str] = "/etc/apt/preferences.d/holdfast-nginx-source"
    FILES: t.ClassVar[tuple[str, ...]] = (KEY, SOURCES, PREFERENCES)

    def entry(self, key: str = KEY) -> str:
        """Return the entry of sources.list(5) in the form of deb822, with the path of the key."""
        return f"{OWNED}Types: deb\nURIs: {self.url}\nSuites: {self.suite}\nComponents: nginx\nSigned-By: {key}\n"

    def preferences(self) -> str:
        """Return what puts its packages before those of the distribution; apt_preferences(5)."""
        host = urllib.parse.urlsplit(self.url).hostname or ""
        return f'{OWNED}Package: *\nPin: origin "{host}"\nPin-Priority: 900\n'

    def files(self) -> dict[str, str]:
        return {self.KEY: self.key, self.SOURCES: self.entry(), self.PREFERENCES: self.preferences()}
