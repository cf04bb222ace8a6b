# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and words as keepalived reads them. Private to this collection.

The rules are those of ``lib/parser.c`` of keepalived 2.2.7, function by function:
https://github.com/acassen/keepalived/blob/v2.2.7/lib/parser.c
"""

from __future__ import annotations

import re

__all__ = ("LONGEST_LINE", "SPACE", "decomment", "quote", "refusal", "words")

# keepalived reads 1,023 bytes of a line and takes the rest for another line; some room is left for substitution.
LONGEST_LINE = 1000

BLANK = " \t"
SPACE = " \t\f\n\r\v"
_MARKS = re.compile(r'[!#"\\]')
# A comment in which every backslash has a character behind it.
_PAIRED = re.compile(r"(?:[^\\]|\\.)*", re.DOTALL)
_WORD = re.compile(
    r"""[ \t\f\n\r\v]*
    (?: "(?P<quoted>[^"]*)"
      | (?P<open>")
      | (?P<bare>[^ \t\f\n\r\v"]+) )""",
    re.VERBOSE,
)
_BARE = re.compile(r"[^\s!#\"\\{}$@~'][^\s!#\"\\{}$']*")


def decomment(line: str) -> tuple[str, bool]:
    r"""Return the line without its comment and outer blanks, and whether every double quote in it is closed.

    A comment begins at the first ``#`` or ``!`` outside double quotes, even inside a word; ``\#`` and ``\!`` are the
    signs themselves. A ``\`` that ends the line, or its comment, is kept as the last character: it continues a
    definition.
    """
    line = line.lstrip(BLANK)
    out: list[str] = []
    quoted = continued = False
    at = 0
    while True:
        mark = _MARKS.search(line, at)
        if mark is None:
            out.append(line[at:])
            break
        out.append(line[at : mark.start()])
        sign = mark.group()
        at = mark.end()
        if sign == '"':
            quoted = not quoted
        elif sign == "\\":
            if at == len(line):
                continued = True
                break
            sign = line[at] if line[at] in "#!" and not quoted else sign + line[at]
            at += 1
        elif not quoted:
            continued = _PAIRED.fullmatch(line, at) is None
            break
        out.append(sign)
    text = "".join(out).rstrip(BLANK)
    return (text + "\\" if continued else text), not quoted


def words(line: str) -> tuple[tuple[str, ...], bool]:
    """Split a line into words, and tell whether every double quote in it is closed.

    ``"a b"`` is one word without its quotes and without escapes; a quote ends the word before it. Words behind a quote
    that stays open are lost, as they are to keepalived.
    """
    found: list[str] = []
    at = 0
    while True:
        word = _WORD.match(line, at)
        if word is None:
            return tuple(found), True
        if word.group("open"):
            return tuple(found), False
        found.append(word.group("bare") or word.group("quoted") or "")
        at = word.end()


def refusal(word: str) -> str:
    """Say why the word cannot be written so that every keepalived reads it back; empty when it can."""
    if not word:
        return "is empty"
    for sign, reason in (
        ('"', "keepalived has no way to write a double quote"),
        ("\\", "keepalived may join or cut the line at a backslash"),
        ("$", "keepalived may put a definition in its place, even inside quotes"),
    ):
        if sign in word:
            return f"holds {sign}, and {reason}"
    if not word.isprintable():
        return "holds a line break or another character that cannot be printed"
    if word in ("{", "}"):
        return "is a lone brace, which opens or closes a block even inside quotes"
    if len(word.encode()) > LONGEST_LINE // 2:
        return f"is longer than {LONGEST_LINE // 2} bytes"
    return ""


def quote(word: str) -> str:
    """Return the word as it is written in a file, in double quotes where it needs them; ValueError if it cannot be."""
    if _BARE.fullmatch(word):
        return word
    reason = refusal(word)
    if reason:
        raise ValueError(f"{word!r} {reason}")
    return f'"{word}"'
