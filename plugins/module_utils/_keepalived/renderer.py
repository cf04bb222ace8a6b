# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks written as keepalived text, in one layout. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import (
    LONGEST_LINE,
    include_pattern,
    quote,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import NAMES, redact

__all__ = ("render",)

_INDENT = "    "
# One less than keepalived reads at a time: the line break counts.
MOST_BYTES = 1022


def render(blocks: t.Iterable[Block]) -> str:
    """Return the text of the blocks, one statement a line; empty for no blocks, else it ends in a newline.

    ConfigError where a word cannot be written so that keepalived reads the same word back.
    """
    return "".join(f"{line}\n" for line in _lines(blocks))


def _lines(blocks: t.Iterable[Block]) -> t.Iterator[str]:
    # The blocks that are open, outermost first, with the children that are left: a text may be deeper than the stack.
    parents: list[Block] = []
    left = [iter(blocks)]
    while left:
        block = next(left[-1], None)
        if block is None:
            left.pop()
            if parents:
                parent = parents.pop()
                yield _indented("}", len(parents), parent)
            continue
        head = _head(block)
        if block.children is None:
            yield _indented(head, len(parents), block)
        else:
            yield _indented(f"{head} {{" if head else "{", len(parents), block)
            parents.append(block)
            left.append(iter(block.children))


def _head(block: Block) -> str:
    if block.raw is not None:
        return block.raw
    if block.is_comment:
        text = f"# {block.args[0]}".rstrip()
        return text if len(text) < LONGEST_LINE // 2 else f"#{block.args[0]}"
    try:
        head = " ".join(quote(word) for word in (block.name, *block.args) if word or block.args)
    except ValueError as error:
        message = f"{block.name} has a word that keepalived cannot read" if block.name in NAMES else str(error)
        raise ConfigError(block.position, message) from None
    # In quotes the word is no include.
    return f'"{block.name}"{head[len(block.name) :]}' if include_pattern(f"{head} ") else head


def _indented(text: str, depth: int, block: Block) -> str:
    """Return the text with its first line indented where there is room; some definitions have more lines."""
    first = text.split("\n", 1)[0]
    longest = max(len(line.encode(errors="surrogateescape")) for line in text.split("\n"))
    if longest > MOST_BYTES:
        raise ConfigError(block.position, f"a line is longer than {MOST_BYTES} bytes: {redact(text)[:40]}")
    return text if len(first) + depth * len(_INDENT) > LONGEST_LINE // 2 else _INDENT * depth + text
