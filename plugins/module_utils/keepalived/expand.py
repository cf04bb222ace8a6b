# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration as keepalived sees it: everything included, replaced and looked up. Private to this collection."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.grammar import (
    PARENT,
    ROOT,
    Keyword,
    keywords,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lexer import is_plain, shell_words, words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.reader import (
    Include,
    Line,
    Reader,
    physical_lines,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.version import Build

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

    ``include(pattern, folder)`` returns the files (path, text) of an include line in their order; without it there are
    none. ``instance`` is what ``@name`` lines are compared with (``keepalived -i``, else the first label of the host's
    name). ``build`` is the host's keepalived (None: every keyword of any version is known). ConfigError where a
    definition, loop or include would go on for ever.
    """
    notes: dict[tuple[str, str, str], Finding] = {}

    def note(rule: str, severity: str, position: Position, message: str) -> None:
        notes.setdefault((rule, str(position), message), Finding(rule, severity, str(position), message))

    found: list[Block] = []

    def read(lines: t.Iterator[Line], parent: bool) -> Reader:
        reader = Reader(lines, note, include, instance, is_copy=not parent)
        builder = _Builder(reader, build, parent)
        try:
            builder.blocks()
        finally:
            found.extend(builder.found)
        return reader

    with suppress(_Stop):
        reader = read(physical_lines(text, file), parent=True)
        read(iter(reader.copy), parent=False)
    return Expanded(tuple(found), tuple(notes.values()))


class _Stop(Exception):
    """keepalived ends here: a value is missing."""


class _Builder:
    """Looks the lines up as ``process_stream()`` of keepalived does, in the main process or in its children."""

    def __init__(self, reader: Reader, build: Build | None, parent: bool) -> None:
        self.reader = reader
        self.build = build
        self.parent = parent
        self.found: list[Block] = []
        # 0: nothing is skipped; n: inside n blocks that are skipped; -1: a skipped block may begin at the next line.
        self.skipping = 0
        self.names: set[tuple[str, str]] = set()

    def blocks(self) -> None:
        """Read the root blocks into ``found``."""
        self._block(ROOT, self.found, needs_brace=False)
        if self.reader.depth:
            self._note("brace-open", f"{self.reader.depth} braces are not closed")

    def _note(self, rule: str, message: str) -> None:
        self.reader._note(rule, "error", self.reader.position, message)

    def _words(self, line: str) -> tuple[str, ...]:
        found, closed = words(line)
        if not closed:
            self._note("quote-open", f"a double quote is not closed: {redact(line)}")
        return found

    def _block(self, table: str, found: list[Block], needs_brace: bool) -> None:
        """Read the lines of a block into ``found``, up to its end."""
        for line in iter(self.reader.line, None):
            all_words = self._words(line)
            if not all_words:
                continue
            name = all_words[0]
            if self.skipping == -1:
                self.skipping = 1 if name == "{" else 0
                if self.skipping:
                    needs_brace = False
                    continue
            if self.skipping:
                if self._skip(all_words) and table != ROOT:
                    return
                continue
            if needs_brace:
                needs_brace = False
                if name == "{" and table != ROOT:
                    continue
                self._note("brace-missing", f"there is no {{ before {name}")
            elif name == "{":
                self._note("brace-unexpected", "there is a { where no block begins")
                continue
            if name == "}" and table != ROOT:
                return
            self._statement(table, line, all_words, found)

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

    def _statement(self, table: str, line: str, all_words: tuple[str, ...], found: list[Block]) -> None:
        name = all_words[0]
        position = self.reader.position
        known = keywords(table).get(name)
        if known is None or (self.build and not known.known_to(self.build)):
            self._unknown(table, known, name)
            if table == ROOT and self.parent:
                return  # the children see it too
            found.append(_block(all_words, line, position))
            return
        if table == ROOT and (name in PARENT) != self.parent:
            self.skipping = -1
            return
        args = all_words[1:]
        if known.is_script:
            args = (shell_words(line) or all_words)[1:]
        if known.needs_value and not args:
            self._note("value-missing", f"a value is missing behind {name}, and keepalived ends at once")
            raise _Stop
        if not known.has_body:
            found.append(_block((name, *args), line, position))
            return
        children: list[Block] = []
        skipped = self._is_dropped(table, known, args)
        if known.has_items:
            self._items(name, args[known.is_named :], children)
        else:
            self._block(t.cast(str, known.table), children, needs_brace=True)
        if not skipped:
            found.append(_block((name, *args), line, position, tuple(children)))

    def _unknown(self, table: str, known: Keyword | None, name: str) -> None:
        where = f" in {table}" if table else ""
        if known is not None and self.build is not None:
            reason = f"keepalived {self.build.version} does not know {name!r}{where}"
            if known.since and self.build.version < known.since:
                reason += f", which came with {known.since}"
            self._note("keyword-unknown", reason)
        else:
            self._note("keyword-unknown", f"there is no keyword {name!r}{where}")

    def _is_dropped(self, table: str, known: Keyword, args: t.Sequence[str]) -> bool:
        """Tell whether keepalived drops a whole block for its name, and skip it then."""
        if table != ROOT or known.name not in ("vrrp_instance", "vrrp_sync_group", "track_group"):
            return False
        if len(args) != 1:
            self._note("name-missing", f"{known.name} must have exactly one name")
        elif (known.name, args[0]) in self.names:
            self._note("name-twice", f"{known.name} {args[0]} is there already, and keepalived drops this one")
        else:
            self.names.add((known.name, args[0]))
            return False
        self.skipping = -1
        return True

    def _items(self, name: str, args: tuple[str, ...], children: list[Block]) -> None:
        """Read the block of a keyword whose items are no keywords; a missing { is not noticed."""
        if args:
            self._note("words-extra", f"{name} has a block, and nothing can stand between: {' '.join(args)}")
        needs_brace = True
        for line in iter(self.reader.line, None):
            found = self._words(line)
            if not found:
                continue
            if needs_brace:
                needs_brace = False
                if found[0] == "{":
                    found = found[1:]
            is_last = bool(found) and found[-1] == "}"
            found = found[:-1] if is_last else found
            if found:
                children.append(_block(found, line, self.reader.position))
            if is_last:
                return


def _block(found: tuple[str, ...], line: str, position: Position, children: tuple[Block, ...] | None = None) -> Block:
    """Return the block of a line, with the line itself where its words cannot be written in another way."""
    return Block(found[0], found[1:], children, None if is_plain(found) else line, position)
