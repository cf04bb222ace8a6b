# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that keepalived's keyword lookup gets: comments, conditions, definitions, loops, includes and braces done.

Private to this collection. The order of the steps is that of ``read_line()`` in lib/parser.c of keepalived 2.2.7, on
which several surprises rest. keepalived reads a configuration twice: its main process reads the files and writes a
copy without comments, its children read the copy. So does this: ``Reader.copy`` is what a second Reader reads.
"""

from __future__ import annotations

import re
import typing as t
from os.path import dirname

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.definitions import (
    Definition,
    Definitions,
    Loop,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import (
    BLANK,
    decomment,
    first_brace,
    include_pattern,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact

__all__ = ("Include", "Line", "Note", "Reader", "physical_lines")

# Reads the files of an include: the pattern as written and the folder of the including file in, (path, text) out; no
# text where keepalived skips what is there.
Include = t.Callable[[str, str], t.Sequence[t.Tuple[str, t.Optional[str]]]]
Inside = t.Tuple[Definition, ...]
# Takes what keepalived would complain of: rule, severity, position, sentence.
Note = t.Callable[[str, str, Position, str], None]

MOST_BYTES = 1023
# What would grow for ever is refused long before: a definition inside itself, and loops by how often they would turn.
# This bounds the rest that is made of lines, and is above what any file is known to need: one of 44 lines, with 300
# virtual servers of 100 real servers each, becomes 334,000. Lines that somebody wrote may be as many as they are.
MOST_MADE = 500_000
MOST_FILES_OPEN = 500
MOST_REPLACEMENTS = 2_000
_WILD = re.compile(r"[*?[]")
_CONDITION = re.compile(r"@(\^?)([^ \t]*)[ \t]+(.*)", re.DOTALL)


class Line(t.NamedTuple):
    """A line and where it was read."""

    text: str
    position: Position


def physical_lines(text: str, file: str) -> t.Iterator[Line]:
    """Yield the lines of a file; one of more than 1,023 bytes becomes several, as it does for keepalived."""
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    for number, line in enumerate(lines, 1):
        position = Position(file, number, 1)
        if len(line) <= MOST_BYTES // 4 or len(_bytes(line)) <= MOST_BYTES - 1:
            chunks = [line]
        else:
            content = _bytes(line + "\n")
            starts = range(0, len(content), MOST_BYTES)
            chunks = [content[index : index + MOST_BYTES].decode(errors="surrogateescape") for index in starts]
        for chunk in chunks:
            yield Line(chunk.split("\0")[0].rstrip("\r\n"), position)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class Reader:
    """One reading of a configuration; ``line()`` returns one line after the other, None at the end.

    A brace outside double quotes is always a line of its own. ``position`` is that of the last line returned.
    ConfigError where definitions, loops or includes would go on for ever.
    """

    def __init__(
        self,
        lines: t.Iterator[Line],
        note: Note,
        include: Include | None = None,
        instance: str = "",
        is_copy: bool = False,
    ) -> None:
        self.position = Position()
        self.copy: list[Line] = []
        # Whether an include that must bring files did not: keepalived reads to the end then, and no further.
        self.lacks_files = False
        self.depth = 0
        # The files that are open, the innermost last: their lines, and whether the file was read before.
        self._sources: list[t.Iterator[tuple[Line, bool]]] = [((line, False) for line in lines)]
        self._files_read: set[str] = set()
        self._note = note
        self._include_files = include
        self._instance = instance
        self._is_copy = is_copy
        self._definitions = Definitions(instance)
        self._growing: Definition | None = None
        self._residue = ""
        # Whether the line at hand was made: by a loop, a definition, or by reading a file again; and how many were.
        self._is_made = False
        self._made = 0
        # How often a definition was put in its place since the last line that was not cut off another.
        self._replaced = 0
        # The definitions of several lines that the line at hand comes from, the outermost first.
        self._inside: Inside = ()
        # What is left of the innermost of them, and of those around it with how many loops each had found.
        self._rest: str | None = None
        self._rest_inside: Inside = ()
        self._outer: list[tuple[str, Inside, int]] = []
        self._loops: list[tuple[Loop, Inside]] = []
        self._loops_outside = 0

    def line(self) -> str | None:
        """Return the next line, None behind the last one."""
        while True:
            line = self._next()
            if line is None:
                return None
            if self._growing is not None:
                self._grow(line)
                continue
            line = self._resolve(line)
            if line and not self._included(line):
                return self._cut(line)

    # Where a line comes from

    def _next(self) -> str | None:
        if self._residue:
            self._make(self._is_made)
            line, self._residue = self._residue, ""
            return line
        self._replaced = 0
        if len(self._loops) > self._loops_outside:
            self._make(True)
            return self._turn()
        if self._rest is not None:
            self._make(True)
            self._inside = self._rest_inside
            line, more, self._rest = self._rest.partition("\n")
            if not more:
                self._leave()
            return line
        self._inside = ()
        return self._physical()

    def _make(self, is_made: bool) -> None:
        """Count the next line if it is made."""
        self._is_made = is_made
        self._made += is_made
        if self._made > MOST_MADE:
            raise self._endless()

    def _endless(self) -> ConfigError:
        return ConfigError(
            self.position,
            f"it grows by more than {MOST_MADE} lines: look at its ~SEQ and ~LST lines, definitions and includes",
        )

    def _turn(self) -> str:
        loop, self._inside = self._loops[-1]
        for name, value in zip(loop.names, loop.next_row()):
            self._definitions.assign(name, value)
        if loop.is_over:
            self._loops.pop()
        return loop.text

    def _leave(self) -> None:
        self._rest, self._rest_inside, self._loops_outside = self._outer.pop() if self._outer else (None, (), 0)

    def _physical(self) -> str | None:
        """Return the next line of a file that is not empty without its comment."""
        while self._sources:
            line, is_again = next(self._sources[-1], (None, False))
            if line is None:
                self._sources.pop()
                continue
            self._make(is_again)
            self.position = line.position
            text = line.text
            if self._is_copy and text.startswith(("#", "!")):
                # Only \# or \! leaves such a line, and the children take it for a mark of the copy.
                continue
            if not text:
                self._stop_growing()
                self.copy.append(line._replace(text=""))
                continue
            code, closed = decomment(text)
            if not closed:
                self._note("quote-open", "error", line.position, f"a double quote is not closed: {redact(code)}")
            self.copy.append(line._replace(text="" if include_pattern(code) else code.rstrip("\r\n")))
            if code:
                return code
        return None

    # Definitions of several lines

    def _grow(self, line: str) -> None:
        growing = t.cast(Definition, self._growing)
        if line.endswith("\\"):
            line = line[:-1].rstrip(BLANK)
            growing.value += line + "\n" if line else ""
        else:
            self._stop_growing()
            growing.value += line

    def _stop_growing(self) -> None:
        if self._growing is not None and not self._growing.value:
            self._growing.multiline = False
        self._growing = None

    # Conditions, definitions, loops, references

    def _resolve(self, line: str) -> str:
        """Return the line as it is for the keyword lookup, nothing when it was a definition or is not for this host."""
        while True:
            if line.startswith("@"):
                line = self._condition(line)
                if not line:
                    return ""
            if line.startswith("$"):
                made = self._definitions.define(line)
                if made is not None:
                    self._growing = made if made.multiline else None
                    return ""
            if line.startswith(("~SEQ", "~LST")):
                self._loop(line)
                return ""
            if line.startswith("~") or "$" not in line:
                return line
            replaced, done = self._substitute(line)
            if not done:
                return replaced
            line, closed = decomment(replaced)
            if not closed:
                self._note("quote-open", "error", self.position, f"a double quote is not closed: {redact(line)}")
            if not (line.startswith("@") or "$" in line):
                return line

    def _condition(self, line: str) -> str:
        match = _CONDITION.fullmatch(line)
        if match is None:
            return ""
        differs, name, rest = match.groups()
        fits = bool(self._instance) and name == self._instance
        return rest if fits != bool(differs) else ""

    def _loop(self, line: str) -> None:
        try:
            self._loops.append((Loop.parse(line, self._substitute_numbers), self._inside))
        except ValueError as error:
            self._note("loop-unreadable", "error", self.position, f"{shown(redact(line))} cannot be read: {error}")
            return
        turns = 1
        for loop, _inside in self._loops:
            turns *= loop.turns
        if turns > MOST_MADE:
            raise self._endless()

    def _substitute_numbers(self, text: str) -> str:
        rest, self._rest = self._rest, None
        text, _done = self._substitute(text)
        if self._rest is not None:
            raise ValueError("a definition of several lines is used as a number")
        self._rest = rest
        return text

    def _substitute(self, line: str) -> tuple[str, bool]:
        """Return the line with its references replaced, and whether there was one."""
        done = False
        dollar = line.find("$")
        while True:
            if dollar < 0 or dollar + 1 == len(line):
                return line, done
            reference = self._definitions.reference(line, dollar)
            if reference is None:
                dollar = line.find("$", dollar + 1)
                continue
            done = True
            self._replaced += 1
            if self._replaced > MOST_REPLACEMENTS or reference.definition in self._inside:
                raise ConfigError(self.position, f"a definition refers to itself: {line[:60]}")
            text = self._definitions.text(reference, self.position.file)
            if reference.definition.multiline:
                if self._rest is not None:
                    self._outer.append((self._rest, self._rest_inside, self._loops_outside))
                self._loops_outside = len(self._loops)
                self._inside = self._rest_inside = (*self._inside, reference.definition)
                text, _more, self._rest = text.partition("\n")
            replaced = line[:dollar] + text + line[reference.end :]
            if len(replaced) > MOST_BYTES // 4 and len(_bytes(replaced)) > MOST_BYTES:
                self._note("line-long", "error", self.position, f"a line grows beyond {MOST_BYTES} bytes: {line[:60]}")
                return line, False
            line = replaced
            if text.lstrip(BLANK).startswith("~"):
                return line, done
            dollar = line.find("$", dollar)

    # Includes and braces

    def _included(self, line: str) -> bool:
        result = include_pattern(line)
        if result is None:
            return False
        kind, pattern = result
        there = self._include_files(pattern, dirname(self.position.file)) if self._include_files else ()
        if not there:
            needs = ("w", "a") if _WILD.search(pattern) else ("m", "w", "a")
            self._lacks("include-empty", kind in needs, f"no file is there to include: {pattern}")
        for path, text in there:
            if text is None:
                message = f"{path} is no plain file, cannot be read or may be executed, and keepalived skips it"
                self._lacks("include-skipped", kind != "", message)
        files = [(path, text) for path, text in there if text is not None]
        if files and len(self._sources) == MOST_FILES_OPEN:
            raise ConfigError(self.position, f"a file includes itself, or too many are included: {pattern}")
        self._sources.append(self._lines_of(files))
        return True

    def _lacks(self, rule: str, is_needed: bool, message: str) -> None:
        self.lacks_files = self.lacks_files or is_needed
        self._note(rule, "error" if is_needed else "warning", self.position, message)

    def _lines_of(self, files: t.Iterable[tuple[str, str]]) -> t.Iterator[tuple[Line, bool]]:
        for path, text in files:
            is_again = path in self._files_read
            self._files_read.add(path)
            for line in physical_lines(text, path):
                yield line, is_again

    def _cut(self, line: str) -> str:
        """Return the line up to its first brace, or the brace it begins with; keep what is behind it."""
        index = first_brace(line)
        if index == 0:
            self._residue = line[1:].strip(BLANK)
            line = line[0]
            if line == "{":
                self.depth += 1
            elif self.depth:
                self.depth -= 1
            else:
                self._note("brace-extra", "error", self.position, "there is a } without its {")
        elif index > 0:
            self._residue = line[index:].rstrip(BLANK)
            line = line[:index]
        return line.rstrip(BLANK)
