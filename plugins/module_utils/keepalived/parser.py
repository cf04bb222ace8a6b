# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived text read into blocks. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lexer import decomment, words

__all__ = ("parse",)


def parse(text: str, file: str = "") -> tuple[Block, ...]:
    """Return the blocks of a text; ConfigError where a quote or a brace is not closed."""
    stack: list[tuple[list[Block], Block | None]] = [([], None)]
    pending: Block | None = None

    def flush() -> None:
        nonlocal pending
        if pending is not None:
            stack[-1][0].append(pending)
        pending = None

    for number, line in enumerate(text.split("\n"), 1):
        position = Position(file, number, 1)
        code, closed = decomment(line.rstrip("\r"))
        if not closed:
            raise ConfigError(position, "a double quote is not closed")
        for piece in pieces(code):
            if piece == "{":
                stack.append(([], pending or Block("", position=position)))
                pending = None
            elif piece == "}":
                flush()
                children, opener = stack.pop()
                if opener is None:
                    raise ConfigError(position, "there is a } without its {")
                stack[-1][0].append(Block(opener.name, opener.args, tuple(children), opener.raw, opener.position))
            else:
                flush()
                found, closed = words(piece)
                if found:
                    pending = Block(found[0], found[1:], position=position)
    flush()
    if len(stack) > 1:
        opener = t.cast(Block, stack[-1][1])
        raise ConfigError(opener.position, f"the block {opener.name!r} is not closed: a }} is missing")
    return tuple(stack[0][0])


def pieces(code: str) -> t.Iterator[str]:
    """Cut a line at its braces outside double quotes."""
    start = 0
    quoted = False
    for at, sign in enumerate(code):
        if sign == '"':
            quoted = not quoted
        elif sign in "{}" and not quoted:
            if code[start:at].strip():
                yield code[start:at]
            yield sign
            start = at + 1
    if code[start:].strip():
        yield code[start:]
