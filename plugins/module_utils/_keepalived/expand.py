# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration as keepalived sees it: everything included, replaced and looked up. Private to this collection."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import (
    CHILDREN,
    CRASHING,
    MAIN,
    ROOT,
    Keyword,
    is_read,
    keywords,
    lacking,
    readers,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import is_plain, shell_words, words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.reader import (
    Include,
    Note,
    Reader,
    physical_lines,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.skips import Skips
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build

__all__ = ("Expanded", "expand")


@dataclass(frozen=True)
class Expanded:
    """The blocks that keepalived makes of a configuration, and what it would complain of while reading.

    A finding of severity ``error`` makes ``keepalived -t`` fail; the blocks are what it would run with.
    """

    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...] = ()


def expand(
    text: str, file: str = "", include: Include | None = None, instance: str = "", build: Build | None = None
) -> Expanded:
    """Return what keepalived sees of a configuration.

    ``include(pattern, folder)`` returns the files (path, text) of an include line in their order, with None for the
    text of what keepalived skips; without it there are none. ``instance`` is what ``@name`` lines are compared with
    (``keepalived -i``, else the first label of the host's name). ``build`` is the host's keepalived (None: every
    keyword of any version is known). ConfigError where a definition, loop or include would go on for ever.
    """
    notes: dict[tuple[str, str, str], Finding] = {}

    def note(rule: str, severity: str, position: Position, message: str) -> None:
        notes.setdefault((rule, str(position), message), Finding(rule, severity, str(position), message))

    main = Reader(physical_lines(text, file), note, include, instance)
    blocks: dict[int, Block] = {}
    children: dict[int, Block] = {}
    with suppress(_Stop):
        _Process(MAIN, _lines(main, note), note, build).read(blocks)
        if main.lacks_files:
            raise _Stop
        lines = list(_lines(Reader(iter(main.copy), note, include, instance, is_copy=True), note))
        for name in CHILDREN:
            _Process(name, iter(lines), note, build).read(children)
    return Expanded((*blocks.values(), *(children[index] for index in sorted(children))), tuple(notes.values()))


class _Stop(Exception):
    """keepalived ends here: a value or a file is missing, or it crashes."""


class _Line(t.NamedTuple):
    """A line as the keyword lookup gets it, which of all it is, and its words: at least one."""

    at: int
    text: str
    words: tuple[str, ...]
    position: Position


def _lines(reader: Reader, note: Note) -> t.Iterator[_Line]:
    """Yield the lines of a reading."""
    for index, line in enumerate(iter(reader.line, None)):
        result, closed = words(line)
        if not closed:
            note("quote-open", "error", reader.position, f"a double quote is not closed: {redact(line)}")
        if result:
            yield _Line(index, line, result, reader.position)
    if reader.depth:
        note("brace-open", "error", reader.position, f"{reader.depth} braces are not closed")


class _Process:
    """Looks the lines up as ``process_stream()`` does in one of keepalived's processes.

    Blocks are collected by the number of the line that they begin at.
    """

    def __init__(self, name: str, lines: t.Iterator[_Line], note: Note, build: Build | None) -> None:
        self.name = name
        self.lines = lines
        self.note = note
        self.build = build
        self.skips = Skips(name)
        # 0: nothing is skipped; n: inside n blocks that are skipped; -1: a skipped block may begin at the next line.
        self.skipping = 0

    def read(self, found: dict[int, Block]) -> None:
        """Read the root blocks, as far as no other process has."""
        self._block(ROOT, found, needs_brace=False)

    def _block(self, table: str, found: dict[int, Block], needs_brace: bool) -> None:
        """Read the lines of a block into ``found``, up to its end."""
        for line in self.lines:
            name = line.words[0]
            if self.skipping == -1:
                self.skipping = 1 if name == "{" else 0
                if self.skipping:
                    needs_brace = False
                    continue
            if self.skipping:
                if self._skip(line.words) and table != ROOT:
                    return
                continue
            if needs_brace:
                needs_brace = False
                if name == "{" and table != ROOT:
                    continue
                self._error(line, "brace-missing", f"there is no {{ before {name}")
            elif name == "{":
                self._error(line, "brace-unexpected", "there is a { where no block begins")
                continue
            if name == "}" and table != ROOT:
                return
            self._statement(table, line, found)

    def _error(self, line: _Line, rule: str, message: str) -> None:
        self.note(rule, "error", line.position, message)

    def _skip(self, all_words: t.Sequence[str]) -> bool:
        """Count the braces of a skipped line, and tell whether the block around it has ended with it."""
        for word in all_words:
            if word == "{":
                self.skipping += 1
            elif word == "}":
                self.skipping -= 1
                if not self.skipping:
                    return True
        return False

    def _statement(self, table: str, line: _Line, found: dict[int, Block]) -> None:
        name = line.words[0]
        known = keywords(table).get(name)
        if known is None or (self.build and not known.known_to(self.build)):
            self._unknown(table, known, line)
            if table != ROOT or self.name != MAIN:  # else the children see it too
                found.setdefault(line.at, _block(line.words, line))
            return
        if table == ROOT and self.name not in readers(name):
            self.skipping = -1
            return
        args = self._args(table, known, line)
        if args is None:
            return
        skip = self.skips.why(table, name, args, found.values())
        if skip is not None:
            self._error(line, skip.rule, skip.message)
            self.skipping = 1 if skip.is_inside else -1
        children: dict[int, Block] = {}
        if known.table is not None:
            self._block(known.table, children, needs_brace=True)
        elif known.has_items and skip is None:
            self._items(line, args[known.is_named :], children)
        if skip is None:
            inside = tuple(children.values()) if known.has_body else None
            found.setdefault(line.at, _block((name, *args), line, inside))

    def _unknown(self, table: str, known: Keyword | None, line: _Line) -> None:
        name = line.words[0]
        where = f" in {table}" if table else ""
        if known is not None and self.build is not None:
            reason = f"keepalived {self.build.version} does not know {shown(name)}{where}"
            if known.since and self.build.version < known.since:
                reason += f", which came with {known.since}"
            self._error(line, "keyword-unknown", reason)
        else:
            self._error(line, "keyword-unknown", f"there is no keyword {shown(name)}{where}")

    def _args(self, table: str, known: Keyword, line: _Line) -> tuple[str, ...] | None:
        """Return the words behind a keyword, None where keepalived drops the line; _Stop where it ends at them."""
        args = line.words[1:]
        lacks = known.name if known.needs_value and not args and is_read(self.name, table, known.name) else ""
        if known.name == "virtual_server" and args in (("fwmark",), ("group",)):
            lacks = args[0]
        self._end_without_value(lacks, line)
        if not known.is_script:
            return args
        result = shell_words(line.text)
        if result is None:
            message = f"the command of {known.name} cannot be read: a quote is open, or a backslash ends it"
            self._error(line, "command-open", message)
            if known.name in CRASHING:
                raise _Stop
            return None
        return result[1:]

    def _end_without_value(self, lacks: str, line: _Line) -> None:
        if lacks:
            self._error(line, "value-missing", f"a value is missing behind {lacks}, and keepalived ends at once")
            raise _Stop

    def _items(self, block: _Line, args: tuple[str, ...], children: dict[int, Block]) -> None:
        """Read the block of a keyword whose items are no keywords; a missing { is not noticed."""
        name = block.words[0]
        if args:
            message = f"{name} has a block, and nothing can stand between: {' '.join(args)}"
            self._error(block, "words-extra", message)
        needs_brace = True
        for line in self.lines:
            result = line.words
            if needs_brace:
                needs_brace = False
                if result[0] == "{":
                    result = result[1:]
            is_last = bool(result) and result[-1] == "}"
            result = result[:-1] if is_last else result
            if result:
                self._end_without_value(lacking(name, result), line)
                children[line.at] = _block(result, line)
            if is_last:
                return


def _block(found: tuple[str, ...], line: _Line, children: tuple[Block, ...] | None = None) -> Block:
    """Return the block of a line, with the line itself where its words cannot be written in another way."""
    return Block(found[0], found[1:], children, None if is_plain(found) else line.text, line.position)
