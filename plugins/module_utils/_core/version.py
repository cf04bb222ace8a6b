# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a daemon. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown

__all__ = ("Version",)

_VERSION = re.compile(r"(?:v|\w+/)?(\d+)\.(\d+)(?:\.(\d+))?")


class Version(t.NamedTuple):
    """A release of a daemon; compares like numbers: 2.0.9 is older than 2.0.10."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version that a text such as ``1.22.1``, ``v2.1`` or ``nginx/1.22.1`` names, else HoldfastError."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise HoldfastError(f"{shown(text)} names no version: it reads as 1.22.1 does")
        return cls(*(int(number or 0) for number in match.groups()))
