# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place in a configuration text. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ("Position",)


@dataclass(frozen=True)
class Position:
    """Where a block begins in its source: file name as given to the parser, line and column from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file or '<text>'}:{self.line}"
