# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keepalived a host has: its version and what was built into it. Private to this collection."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version

__all__ = ("Build", "parse_build")

_BUILD = re.compile(r"^Keepalived v(?P<version>\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_FEATURES = re.compile(r"^Config options:(?P<words>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Build:
    """What ``keepalived --version`` tells: the version and the words of its line "Config options"."""

    version: Version
    features: frozenset[str] = frozenset()

    @property
    def has_json(self) -> bool:
        """True where the daemon can write its state as JSON."""
        return "JSON" in self.features

    @property
    def tests_as_first_process(self) -> bool:
        """True where ``keepalived -t`` ends itself by a signal unless it is process 1 (2.2.5 to 2.2.7)."""
        return Version(2, 2, 5) <= self.version <= Version(2, 2, 7)


def parse_build(output: str) -> Build:
    """Read what ``keepalived --version`` printed (it prints to standard error); ConfigError when it is not that."""
    version = _BUILD.search(output)
    if version is None:
        raise ConfigError(Position("keepalived --version"), "this is not what keepalived prints about itself")
    features = _FEATURES.search(output)
    words = features.group("words").split() if features else []
    return Build(Version.parse(version.group("version")), frozenset(words))
