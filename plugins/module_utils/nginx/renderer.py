# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of blocks to nginx text, in one layout. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import COMMENT, Block

__all__ = ("quote", "render")

_INDENT = "    "

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

    A comment of several lines becomes several comments. ``depth`` is how far to indent.
    """
    lines: list[str] = []
    # Blocks still to write and the one before them, for each level that is open.
    levels: list[tuple[t.Iterator[Block], Block | None]] = [(iter(blocks), None)]
    while levels:
        rest, before = levels.pop()
        indent = _INDENT * (depth + len(levels))
        for block in rest:
            if before is not None and (_has_body(block) or _has_body(before)) and not before.is_comment:
                lines.append("")
            before = block
            if block.is_comment:
                lines.extend(indent + _comment(text) for text in "".join(block.args).split("\n"))
                continue
            head = indent + " ".join(map(quote, (block.name,) + block.args))
            if block.children is not None:
                lines.append(head + " {")
                levels.append((rest, before))
                levels.append((iter(block.children), None))
                break
            if block.raw is not None and not _is_literal_sign(block):
                lines.append(f"{head} {{{block.raw}}}")
            else:
                lines.append(head + ";")
        else:
            if levels:
                lines.append(_INDENT * (depth + len(levels) - 1) + "}")
    return "\n".join(lines) + "\n"


def _is_literal_sign(block: Block) -> bool:
    """Whether it is a directive named by the sign of a comment, as in a map; its raw text says so, and is no body."""
    return block.name == COMMENT and not block.is_comment


def _has_body(block: Block) -> bool:
    return block.children is not None or (block.raw is not None and not _is_literal_sign(block))


def _comment(text: str) -> str:
    return f"#{text}" if text[:1] in ("", "#") else f"# {text}"
