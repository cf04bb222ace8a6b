# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived text read into blocks as it was written: comments, definitions and includes stay what they are.

Private to this collection. ``parse(render(blocks)) == blocks``, and rendering what was parsed means the same to
keepalived. A line that depends on definitions, conditions or backslashes is kept as it is, in ``Block.raw``. Where
such lines open and close blocks in a way that the text alone does not tell, no block has children: every line is a
block of its own. What keepalived makes of a text is told by expand.py.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import COMMENT, Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import ROOT, keywords
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import (
    BLANK,
    decomment,
    first_brace,
    include_pattern,
    is_plain,
    shell_words,
    split_comment,
    words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.reader import Line, physical_lines
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact

__all__ = ("parse",)

_SIMPLE = re.compile(r"[^!#\"\\{}$@~'\f\v]*")
_COMMENT_END = re.compile(r"[\s\\]+\Z")
_DEFINITION = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*=")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][^{}]*\}")


def parse(text: str, file: str = "") -> tuple[Block, ...]:
    """Return the blocks of a text; ConfigError where a double quote or a brace is not closed."""
    lines = list(physical_lines(text, file))
    builder = _Builder()
    _read(lines, builder)
    if builder.is_whole:
        return builder.blocks
    if not builder.has_macros:
        raise builder.fault()
    flat = _Flat()
    _read(lines, flat)
    return flat.blocks


class _Builder:
    """Takes statements and braces, and nests them."""

    def __init__(self) -> None:
        self.position = Position()
        self.has_macros = False
        # Open blocks, outermost first, with the list that their children go to and the table of their keywords.
        self._open: list[tuple[Block, list[Block], str | None]] = [(Block(""), [], ROOT)]
        # The statement that a { may still follow on another line.
        self._pending: Block | None = None
        self._extra: Position | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._open[0][1])

    @property
    def is_whole(self) -> bool:
        """True when every brace has its other one."""
        return len(self._open) == 1 and self._extra is None

    def fault(self) -> ConfigError:
        """Return the error that says which brace is alone."""
        if self._extra is not None:
            return ConfigError(self._extra, "there is a } without its {")
        opener = self._open[-1][0]
        return ConfigError(opener.position, f"the block {shown(opener.name)} is not closed: a }} is missing")

    def comment(self, text: str) -> None:
        self._open[-1][1].append(Block(COMMENT, (text,), position=self.position))

    def raw(self, code: str, name: str = "", args: tuple[str, ...] | None = None) -> None:
        """Take a line that is kept as it is."""
        result = words(code.split("\n")[0])[0] or ("",)
        args = result[1:] if args is None else args
        self._pending = None
        self._open[-1][1].append(Block(name or result[0], args, raw=code, position=self.position))

    def kept(self, code: str, clear: bool) -> None:
        """Take a line that ends in a backslash, with the lines that belong to it."""
        self.has_macros = True
        first = code.split("\n")[0]
        self.raw(code, first.split("=")[0] if _DEFINITION.match(first) else words(decomment(first)[0])[0][0], ())
        if not clear or (not _DEFINITION.match(first) and _braces(_REFERENCE.sub("x", first))):
            self._unclear()

    def _unclear(self) -> None:
        self._extra = self._extra or self.position

    def statement(self, code: str) -> None:
        """Take the words of a statement without braces."""
        made = self._statement(code)
        if made is not None:
            self._pending = made if made.raw is None else None
            self._open[-1][1].append(made)

    def _statement(self, code: str) -> Block | None:
        result = words(code)[0]
        if not result:
            return None
        table = self._open[-1][2]
        known = keywords(table).get(result[0]) if table is not None else None
        if known is not None and known.is_script:
            result = shell_words(code) or result
        faithful = result[0] != COMMENT and is_plain(result)
        return Block(result[0], result[1:], raw=None if faithful else code, position=self.position)

    def opening(self, head: str = "") -> None:
        """Take a {, behind ``head`` on the same line when that has to be kept as it is."""
        siblings = self._open[-1][1]
        opener = self._pending
        if head:
            result = words(head)[0]
            opener = Block(result[0], result[1:], raw=head, position=self.position)
        elif opener is None:
            opener = Block("", position=self.position)
        else:
            # Comments may come between the words and their brace.
            index = len(siblings) - 1
            while siblings[index] is not opener:
                index -= 1
            del siblings[index]
        table = self._open[-1][2]
        known = keywords(table).get(opener.name) if table is not None else None
        self._open.append((opener, [], known.table if known else None))
        self._pending = None

    def closing(self) -> None:
        """Take a }."""
        self._pending = None
        if len(self._open) == 1:
            self._unclear()
            return
        opener, children, _table = self._open.pop()
        self._open[-1][1].append(Block(opener.name, opener.args, tuple(children), opener.raw, opener.position))

    def code(self, code: str) -> None:
        """Take the code of a line."""
        if _SIMPLE.fullmatch(code) and include_pattern(code) is None:
            self.statement(code)
        elif "$" in code or "\\" in code or any(map(_is_macro, _pieces(code))):
            self.has_macros = True
            self.macro(code)
        else:
            for piece in _pieces(code):
                if piece == "{":
                    self.opening()
                elif piece == "}":
                    self.closing()
                else:
                    self.statement(piece.rstrip(BLANK))

    def macro(self, code: str) -> None:
        """Take a line that definitions may change: it stays one line."""
        include = include_pattern(code)
        if include is not None:
            self.raw(code, code.split()[0], (include[1],))
            return
        braces = _braces(_REFERENCE.sub("x", code))
        if not braces or (braces.count("{") == braces.count("}") and not braces.startswith("}")):
            self.raw(code)
        elif braces == "{" and code[-1] == "{" and code[-2:-1] in (" ", "\t") and not _is_macro(code):
            self.opening(code[:-1].rstrip(BLANK))
        else:
            self.raw(code)
            self._unclear()


class _Flat(_Builder):
    """Takes every line as it is."""

    def code(self, code: str) -> None:
        include = include_pattern(code)
        if include is None:
            self.raw(code)
        else:
            self.raw(code, code.split()[0], (include[1],))


def _is_macro(code: str) -> bool:
    return code[0] in "@~" or _DEFINITION.match(code) is not None or include_pattern(code) is not None


def _pieces(code: str) -> t.Iterator[str]:
    """Cut a line at its braces, as keepalived does: an include takes the rest of its line."""
    while code:
        index = -1 if include_pattern(code) else first_brace(code)
        end = len(code) if index < 0 else index or 1
        yield code[:end]
        code = code[end:].lstrip(BLANK)


def _braces(code: str) -> str:
    """Return the braces of a line outside double quotes, in their order."""
    return "".join(sign for part in code.split('"')[::2] for sign in part if sign in "{}")


def _read(lines: t.Sequence[Line], builder: _Builder) -> None:
    """Give the lines to the builder: comments apart, definitions of several lines as one."""
    index = 0
    while index < len(lines):
        builder.position = lines[index].position
        line = _rstrip(lines[index].text.lstrip(BLANK))
        index += 1
        if not line:
            continue
        code, comment, closed = split_comment(line)
        if not closed:
            raise ConfigError(builder.position, f"a double quote is not closed: {redact(line)[:60]}")
        code = _rstrip(code)
        if "\\" in line and decomment(line)[0].endswith("\\"):
            # The comment stays, because its last character counts; so do the lines that a definition takes in.
            end, clear = _definition_end(lines, index) if _DEFINITION.search(line) else (index, True)
            builder.kept("\n".join([line, *(more.text for more in lines[index:end])]), clear)
            index = end
            continue
        if code:
            builder.code(code)
        if comment:
            builder.comment(_COMMENT_END.sub("", comment[1:]).lstrip())


def _rstrip(code: str) -> str:
    """Return the code without blanks at its end, but for one that a backslash escapes."""
    result = code.rstrip(BLANK)
    return code if result.endswith("\\") else result


def _definition_end(lines: t.Sequence[Line], at: int) -> tuple[int, bool]:
    """Return the index behind the last line of a definition that goes on at ``at``, and whether that end is clear.

    A comment inside it ends it for keepalived's children, who get an empty line there, and not for its main process.
    """
    main = children = True
    clear = True
    while at < len(lines) and (main or children):
        clear = main == children
        text = lines[at].text
        code = decomment(text)[0]
        at += 1
        goes_on = code.endswith("\\")
        main = main and bool(text) and (goes_on or not code)
        children = children and (goes_on or code.startswith(("#", "!")))
    return at, clear
