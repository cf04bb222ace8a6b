# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx text to a tree of blocks. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.lexer import (
    CLOSE,
    COMMENT,
    OPEN,
    RAW,
    Statement,
    statements,
)

__all__ = ("parse",)

# The raw text of a directive whose first word is "#" (a key in a map): without it, it would be a comment.
LITERAL_SIGN = '"#"'


def parse(text: str, file: str = "", *, judged: bool = False) -> tuple[Block, ...]:
    """Return the blocks of a text; every word decoded, comments kept, positions set.

    A comment loses one blank behind its sign. Raises ConfigError with the place where nginx would stop reading;
    ``judged`` is as in lexer.statements.
    """
    blocks: list[Block] = []
    # What is open: the statement, its position and the list that its block will go to.
    opened: list[tuple[Statement, Position, list[Block]]] = []
    line, line_start, last = 1, 0, 0
    for statement in statements(text, file, judged=judged):
        offset = statement.offset
        lines = text.count("\n", last, offset)
        if lines:
            line += lines
            line_start = text.rindex("\n", last, offset) + 1
        last = offset
        position = Position(file, line, offset - line_start + 1)
        end = statement.end
        if end == OPEN:
            opened.append((statement, position, blocks))
            blocks = []
        elif end == CLOSE:
            if not opened:
                raise ConfigError(position, 'there is no "{" that this "}" could close')
            children = tuple(blocks)
            statement, position, blocks = opened.pop()
            blocks.append(_block(statement.words, children, None, position))
        elif end == COMMENT:
            text_behind = statement.words[0]
            behind = text_behind[1:] if text_behind.startswith(" ") else text_behind
            blocks.append(Block(COMMENT, (behind,), position=position))
        else:
            blocks.append(_block(statement.words, None, statement.raw if end == RAW else None, position))
    if opened:
        raise ConfigError(opened[-1][1], f"the block {shown(opened[-1][0].words[0])} is never closed")
    return tuple(blocks)


def _block(words: list[str], children: tuple[Block, ...] | None, raw: str | None, position: Position) -> Block:
    name = words[0]
    return Block(name, tuple(words[1:]), children, LITERAL_SIGN if name == COMMENT else raw, position)
