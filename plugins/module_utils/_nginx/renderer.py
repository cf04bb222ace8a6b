# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of blocks to nginx text, in one layout. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import COMMENT, Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.lexer import END, fits, statements

__all__ = ("quote", "render")

_INDENT = "    "
# Deeper blocks stand below each other, or a text would grow with the square of their depth.
_DEEPEST_INDENT = 20

# What may stand without quotes, chosen for the reader's eye: nginx itself would take more.
_PLAIN = re.compile(
    r"""(?:
        [A-Za-z0-9_./:=~^*+,@%&!?<>|()\[\]-]
      | \$(?:\{\w+\})?            # a variable
      | \\[^"'\\trn \t\r\n;{}\#]  # a backslash that stays, as in \.php$
    )+""",
    re.VERBOSE | re.ASCII,
)

# What nginx would take out of a quoted word: these pairs, control characters that are better seen, a last backslash.
_SPECIAL = re.compile(r"""\\(?=["'\\trn\t\r\n]|\Z)|[\t\r\n]""")
_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n"}

# A backslash that nginx would take out.
_DOUBLED = re.compile(r"""\\(?=["'\\trn]|\Z)""")


def quote(word: str) -> str:
    """Return the word as nginx reads it back: plain where that is possible, else in quotes."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = _SPECIAL.sub(lambda special: _ESCAPED[special.group()], word)
    if '"' not in escaped:
        return f'"{escaped}"'
    if "'" not in escaped:
        return f"'{escaped}'"
    return '"{}"'.format(escaped.replace('"', '\\"'))


def render(blocks: t.Iterable[Block], depth: int = 0) -> str:
    """Return the text of the blocks, ending in a newline; ``parse`` reads the same blocks from it.

    A comment of several lines becomes several comments. ``depth`` is how far to indent. Raises ConfigError with the
    position of a block of which nginx could not hold a word or a comment, however it is written.
    """
    lines: list[str] = []
    # Blocks still to write and the one before them, for each level that is open.
    levels: list[tuple[t.Iterator[Block], Block | None]] = [(iter(blocks), None)]
    while levels:
        rest, before = levels.pop()
        indent = _indent(depth + len(levels))
        for block in rest:
            if before is not None and (_has_body(block) or _has_body(before)) and not before.is_comment:
                lines.append("")
            before = block
            if block.is_comment:
                lines.extend(indent + _comment(text, block) for text in "".join(block.args).split("\n"))
                continue
            end = " " if _has_body(block) else END
            words = (block.name, *block.args)
            head = indent + " ".join(
                _written(word, " " if i < len(words) else end, block) for i, word in enumerate(words, 1)
            )
            if block.children is not None:
                lines.append(head + " {")
                levels.append((rest, before))
                levels.append((iter(block.children), None))
                break
            if _has_body(block):
                lines.append(f"{head} {{{block.raw}}}")
            else:
                lines.append(head + ";")
        else:
            if levels:
                lines.append(_indent(depth + len(levels) - 1) + "}")
    return "\n".join(lines) + "\n"


def _indent(depth: int) -> str:
    return _INDENT * min(depth, _DEEPEST_INDENT)


def _written(word: str, sign: str, block: Block) -> str:
    """Return the word of a block as is good to read, or as short as it can be where nginx could not hold that."""
    text = quote(word)
    if fits(text, sign):
        return text
    least = _DOUBLED.sub(r"\\\\", word)
    bare = f"\\{least}" if least[0] in "\"'" else least
    for text in (bare, *(mark + least.replace(mark, f"\\{mark}") + mark for mark in "\"'")):
        if fits(text, sign) and _is_word(text, word):
            return text
    raise ConfigError(block.position, f'"{word[:20]}..." is longer than nginx can hold as one word; shorten it')


def _is_word(text: str, word: str) -> bool:
    """Tell whether nginx reads a text as this one word."""
    try:
        read = next(statements(f"{text}{END}"))
    except ConfigError:
        return False
    return read.end == END and read.words == [word]


def _is_literal_sign(block: Block) -> bool:
    """Whether it is a directive named by the sign of a comment, as in a map; its raw text says so, and is no body."""
    return block.name == COMMENT and not block.is_comment


def _has_body(block: Block) -> bool:
    return block.children is not None or (block.raw is not None and not _is_literal_sign(block))


def _comment(text: str, block: Block) -> str:
    """Return the comment with a blank behind its sign, where nginx can hold that."""
    bare = f"#{text}"
    spaced = bare if text[:1] in ("", "#") else f"# {text}"
    for written in (spaced, bare):
        # The reader takes one blank away.
        if fits(written, "\n") and (written == spaced or text[0] != " "):
            return written
    raise ConfigError(block.position, f'"{spaced[:20]}..." is longer than nginx can hold as one comment; shorten it')
