# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keepalived a host has: its version and what was built into it. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError

__all__ = ("Build", "Version", "parse_build")

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_BUILD = re.compile(r"^Keepalived v(?P<version>[\d.]+)", re.MULTILINE)
_FEATURES = re.compile(r"^Config options:(?P<words>.*)$", re.MULTILINE)


class Version(t.NamedTuple):
    """A release of keepalived; compares like numbers: 2.0.9 is older than 2.0.10."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that the text is, as in ``2.2.7``; ValueError for anything else."""
        found = _VERSION.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a keepalived version such as 2.2.7")
        return cls(*(int(number or 0) for number in found.groups()))


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
    return Build(Version.parse(version.group("version").rstrip(".")), frozenset(words))
