# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree that nginx and keepalived text both become. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

__all__ = ("COMMENT", "Block", "Position", "comment", "plain", "walk")

COMMENT = "#"


@dataclass(frozen=True)
class Position:
    """Where a block begins in its source: file name as given to the parser, line and column from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file or '<text>'}:{self.line}"


@dataclass(frozen=True)
class Block:
    """One directive (nginx) or keyword line (keepalived), with its words decoded.

    ``children`` is None for a directive without a body, and a tuple (maybe empty) for one with ``{ }``.
    A comment is a Block named ``#`` whose single argument is the text behind the sign.
    ``raw`` is the source text where a dialect must keep what it cannot model; it counts in comparison.
    The position does not: two trees are equal when they mean the same, wherever they were read.
    """

    name: str
    args: tuple[str, ...] = ()
    children: tuple[Block, ...] | None = None
    raw: str | None = None
    position: Position = field(default=Position(), compare=False)

    @property
    def is_comment(self) -> bool:
        return self.name == COMMENT and self.children is None and self.raw is None

    def find(self, *names: str) -> tuple[Block, ...]:
        """Return the direct children of these names, in their order; empty for a block without a body."""
        return tuple(child for child in self.children or () if child.name in names)


def comment(text: str) -> Block:
    """Return the comment ``# text``."""
    return Block(COMMENT, (text,))


def walk(blocks: t.Iterable[Block]) -> t.Iterator[Block]:
    """Yield every block and everything inside it, parents first, in source order."""
    for block in blocks:
        yield block
        if block.children:
            yield from walk(block.children)


def plain(block: Block) -> dict[str, t.Any]:
    """Return a block as plain data: directive, args, line, and block where it has a body; comments are left out."""
    data: dict[str, t.Any] = {"directive": block.name, "args": list(block.args), "line": block.position.line}
    if block.children is not None:
        data["block"] = [plain(child) for child in block.children if not child.is_comment]
    return data
