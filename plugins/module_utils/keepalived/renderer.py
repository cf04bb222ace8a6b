# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks written as keepalived text, in one layout. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lexer import LONGEST_LINE, quote

__all__ = ("render",)

_INDENT = "    "


def render(blocks: t.Iterable[Block]) -> str:
    """Return the text of the blocks, one statement a line; empty for no blocks, else it ends in a newline.

    ConfigError where a word cannot be written so that keepalived reads the same word back.
    """
    return "".join(f"{line}\n" for line in _lines(blocks, 0))


def _lines(blocks: t.Iterable[Block], depth: int) -> t.Iterator[str]:
    for block in blocks:
        head = _head(block)
        if block.children is None:
            yield _indented(head, depth, block)
            continue
        yield _indented(f"{head} {{" if head else "{", depth, block)
        yield from _lines(block.children, depth + 1)
        yield _indented("}", depth, block)


def _head(block: Block) -> str:
    if block.raw is not None:
        return block.raw
    if block.is_comment:
        return f"# {block.args[0]}".rstrip()
    try:
        return " ".join(quote(word) for word in (block.name, *block.args))
    except ValueError as error:
        raise ConfigError(block.position, str(error)) from error


def _indented(text: str, depth: int, block: Block) -> str:
    if len(text.encode(errors="surrogateescape")) > LONGEST_LINE:
        raise ConfigError(block.position, f"a line that begins with {text[:40]!r} is longer than {LONGEST_LINE} bytes")
    indented = _INDENT * depth + text
    return indented if len(indented.encode(errors="surrogateescape")) <= LONGEST_LINE else text
