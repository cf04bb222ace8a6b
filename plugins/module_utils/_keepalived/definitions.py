# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""``$NAME=value``, ``${NAME}``, ``~SEQ`` and ``~LST`` as keepalived reads them. Private to this collection.

A definition of several lines (its first line ends in ``\``) gives its first line where it is used, at the end of a
line; the others follow as lines of their own.
"""

from __future__ import annotations

import re
import typing as t
from os.path import dirname

__all__ = ("Definition", "Definitions", "Loop")

_BLANK = " \t"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFINE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*")
_NUMBERS = re.compile(r"[ 0-9]*")
# What strtol() with base 0 takes: nothing at all is 0.
_LONG = re.compile(r"[ \t\n\v\f\r]*(?P<digits>[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*))?")
_LONGEST_NUMBERS = 62
_SEQ = re.compile(r"~SEQ(x?)[ \t]*\([ \t]*([^ \t,)]+)[ \t]*(?=[^)])")
_LST = re.compile(r"~LST[ \t]*\([ \t]*")


class Definition:
    """The text that a name is replaced by; ``multiline`` when its lines but the first follow as lines of their own."""

    def __init__(self, value: str, multiline: bool = False, parameters: int = 0) -> None:
        self.value = value
        self.multiline = multiline
        self.parameters = parameters


class Reference(t.NamedTuple):
    """A use of a definition: where it begins and ends in its line, and the numbers behind the name."""

    definition: Definition
    start: int
    end: int
    parameters: str


class Definitions:
    """All definitions so far, the ready-made ones first."""

    def __init__(self, instance: str) -> None:
        self._known = {
            "_PWD": Definition(""),
            "_INSTANCE": Definition(instance),
            "_RANDOM": Definition("", parameters=2),
            "_HASH": Definition("#"),
            "_BANG": Definition("!"),
        }

    def define(self, line: str) -> Definition | None:
        """Take a line ``$NAME=value``; None when the line is no definition."""
        match = _DEFINE.match(line)
        if match is None:
            return None
        value = line[match.end() :]
        made = Definition(value)
        if value.endswith("\\"):
            first = value[:-1].rstrip(_BLANK)
            made = Definition(first + "\n" if first else "", multiline=True)
        self._known[match.group(1)] = made
        return made

    def assign(self, name: str, value: str) -> None:
        """Set the variable of a loop."""
        known = self._known.get(name) if _NAME.match(name) else None
        if known is None:
            self._known[name] = Definition(value)
        else:
            known.value = value
            known.parameters = 0

    def reference(self, line: str, dollar: int) -> Reference | None:
        """Return the reference that begins at a ``$``, None when keepalived leaves it as it is."""
        start = dollar + 1
        braces = line[start : start + 1] == "{"
        name = _NAME.match(line, start + braces)
        if name is None:
            return None
        end = name.end()
        parameters = ""
        if braces:
            numbers = t.cast("re.Match[str]", _NUMBERS.match(line, end)).group()
            if numbers.strip() and numbers.endswith(" "):
                return None
            parameters = numbers.strip()
            if line[end + len(numbers) : end + len(numbers) + 1] != "}":
                return None
            last = end + 1 == len(line)
            end += (len(numbers) if parameters else 0) + 1
        else:
            if line[end : end + 1] not in ("", " ", "\t", ",", ")"):
                return None
            last = end == len(line)
        known = self._known.get(name.group())
        if known is None or (known.multiline and not last) or (parameters and not known.parameters):
            return None
        return Reference(known, dollar, end, parameters)

    def text(self, reference: Reference, file: str) -> str:
        """Return the text for a reference in a file; a random number is always the least, so that nothing changes."""
        known = reference.definition
        if not known.value and known is self._known.get("_PWD"):
            return dirname(file)
        if known.parameters:
            return reference.parameters.split(" ")[0] or "0"
        return known.value


class Loop:
    """The rest of a line that is read again and again with other values: ``~SEQ(...)`` or ``~LST(...)``."""

    def __init__(self, names: t.Sequence[str], rows: t.Iterable[t.Sequence[str]], turns: int, text: str) -> None:
        self.names = names
        self.text = text
        self.turns = turns
        self._rows = iter(rows)
        self._row: t.Sequence[str] | None = next(self._rows, None)

    def next_row(self) -> t.Sequence[str]:
        """Return the next values of the names; ``is_over`` tells whether they were the last."""
        row = self._row or ()
        self._row = next(self._rows, None)
        return row

    @property
    def is_over(self) -> bool:
        return self._row is None

    @classmethod
    def parse(cls, line: str, substitute: t.Callable[[str], str]) -> Loop:
        """Read a line that begins with ``~SEQ`` or ``~LST``; ValueError where keepalived cannot read it."""
        return cls._sequence(line, substitute) if line.startswith("~SEQ") else cls._list(line)

    @classmethod
    def _sequence(cls, line: str, substitute: t.Callable[[str], str]) -> Loop:
        match = _SEQ.match(line)
        if match is None:
            raise ValueError("it has no variable")
        start = match.end() + 1
        start += len(line[start:]) - len(line[start:].lstrip(_BLANK))
        end = line.find(")", start)
        if end < 0 or end + 1 - start > _LONGEST_NUMBERS:
            raise ValueError("its numbers are not closed or too long")
        first, step, last = _range(substitute(line[start : end + 1]))
        is_hex = bool(match.group(1))
        if is_hex and (first < 0 or last < 0):
            raise ValueError("~SEQx counts without a sign")
        # The first value is taken in any case.
        count = max(1, (last - first) // step + 1)
        rows = ([f"{first + index * step:x}" if is_hex else str(first + index * step)] for index in range(count))
        return cls([match.group(2)], rows, count, line[end + 1 :].lstrip(_BLANK))

    @classmethod
    def _list(cls, line: str) -> Loop:
        match = _LST.match(line)
        if match is None:
            raise ValueError("it has no variable")
        names, index, _closed = _set(line, match.end(), " \t,}", closing="")
        if line[index : index + 1] != ",":
            raise ValueError("it has no values")
        index = _skip(line, index + 1)
        rows: list[list[str]] = []
        while True:
            row, index, closed = _set(line, index, " \t,})", closing=")")
            if len(row) > len(names):
                raise ValueError("it has more values than variables")
            rows.append(row + [""] * (len(names) - len(row)))
            if line[index : index + 1] == ")":
                return cls(names, rows, len(rows), line[index + 1 :].lstrip(_BLANK))
            if line[index : index + 1] != ",":
                raise ValueError("its values are not closed")
            index = _skip(line, index + 1)


def _skip(line: str, at: int) -> int:
    while line[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def _set(line: str, at: int, stops: str, closing: str) -> tuple[list[str], int, bool]:
    """Read ``a`` or ``{a, b}``; return the words, the place behind them, and whether there were braces."""
    braces = line[at : at + 1] == "{"
    if braces:
        at = _skip(line, at + 1)
    result: list[str] = []
    while True:
        start = at
        while at < len(line) and line[at] not in stops:
            at += 1
        result.append(line[start:at])
        at = _skip(line, at)
        sign = line[at : at + 1]
        if braces:
            if sign == "}":
                return result, _skip(line, at + 1), True
        elif sign == "," or (sign and sign == closing):
            return result, at, False
        if sign != ",":
            raise ValueError("a list is not closed")
        at = _skip(line, at + 1)


def _long(digits: str) -> int:
    if "x" in digits.lower():
        return int(digits, 16)
    return int(digits, 8 if digits.lstrip("+-").startswith("0") else 10)


def _range(text: str) -> tuple[int, int, int]:
    """Return first, step and last of ``last)``, ``first,last)`` or ``first,step,last)``."""
    numbers: list[int] = []
    index = 0
    while True:
        result = t.cast("re.Match[str]", _LONG.match(text, index))
        digits = result.group("digits") or "0"
        numbers.append(_long(digits))
        index = _skip(text, result.end())
        sign = text[index : index + 1]
        if sign == ")":
            break
        if sign != "," or len(numbers) == 3:
            raise ValueError("its numbers cannot be read")
        index += 1
    if len(numbers) == 1:
        last = numbers[0]
        return (-1 if last < 0 else 1), (-1 if last < 1 else 1), last
    if len(numbers) == 2:
        return numbers[0], 1 if numbers[0] <= numbers[1] else -1, numbers[1]
    first, step, last = numbers
    if not step or (first < last and step < 0) or (first > last and step > 0):
        raise ValueError("its step leads away from the end")
    return first, step, last
