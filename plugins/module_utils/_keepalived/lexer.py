# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and words as keepalived reads them. Private to this collection.

The rules are those of ``lib/parser.c`` of keepalived 2.2.7, function by function:
https://github.com/acassen/keepalived/blob/v2.2.7/lib/parser.c
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown

__all__ = (
    "BLANK",
    "LONGEST_LINE",
    "decomment",
    "first_brace",
    "include_pattern",
    "is_plain",
    "quote",
    "refusal",
    "shell_words",
    "split_comment",
    "words",
)

# keepalived reads 1,023 bytes of a line and takes the rest for another line; some room is left for substitution.
LONGEST_LINE = 1000

BLANK = " \t"
_MARKS = re.compile(r'[!#"\\]')
_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
# What precedes a comment, or a quote that is not closed.
_CODE = re.compile(r'[^!#"\\]*(?:(?:\\.|' + _QUOTED + r')[^!#"\\]*)*', re.DOTALL)
# A text in which every backslash has a character behind it.
_PAIRED = re.compile(r"[^\\]*(?:\\.[^\\]*)*", re.DOTALL)
_ESCAPED = re.compile(_QUOTED + r"|\".*|\\([#!])|\\.", re.DOTALL)
_WORD = re.compile(
    r"""[ \t\f\n\r\v]*
    (?: "(?P<quoted>[^"]*)"
      | (?P<open>")
      | (?P<bare>[^ \t\f\n\r\v"]+) )""",
    re.VERBOSE,
)
_ESCAPES = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:x(?P<hex>[0-9a-fA-F]+)|c(?P<control>.)|(?P<octal>[0-7]{1,3})|(?P<other>.))", re.DOTALL)
_SPACES = re.compile(r"[ \t\f\n\r\v]*")
# What a command line's word goes on with: outside quotes and inside either kind.
_PLAIN = {
    "": re.compile(r"[^ \t\f\n\r\v'\"\\]*"),
    "'": re.compile(r"[^'\\]*"),
    '"': re.compile(r'[^"\\]*'),
}
_WITHOUT_QUOTES = re.compile(r"[^ \t\f\n\r\v]+")
_PLAIN_LINE = re.compile(r"[ !#%-\[\]-z|~]*")
_BRACE = re.compile(r'[{}"]')
_INCLUDE = re.compile(r"include([rmwba]?)[ \t\n\v\f\r](.*)", re.DOTALL)
_BARE = re.compile(r"[^\s!#\"\\{}$@~'][^\s!#\"\\{}$']*")


def split_comment(line: str) -> tuple[str, str, bool]:
    r"""Return the code of a line as it is written, its comment with its sign, and whether every double quote is closed.

    A comment begins at the first ``#`` or ``!`` outside double quotes, even inside a word, that no ``\\`` precedes.
    """
    if not _MARKS.search(line):
        return line, "", True
    end = _end(_CODE, line, 0)
    if line[end : end + 1] in ("#", "!"):
        return line[:end], line[end:], True
    return line, "", line[end : end + 1] != '"'


def decomment(line: str) -> tuple[str, bool]:
    r"""Return the line without its comment and outer blanks, and whether every double quote in it is closed.

    ``\\#`` and ``\\!`` outside quotes become the signs themselves. A ``\\`` that ends the line, or its comment, is kept
    as the last character: it continues a definition.
    """
    code, comment, closed = split_comment(line.lstrip(BLANK))
    if "\\" not in line:
        return code.rstrip(BLANK), closed
    continued = _PAIRED.fullmatch(comment or code) is None
    if continued and not comment:
        code = code[:-1]
    code = _ESCAPED.sub(lambda found: found.group(1) or found.group(), code).rstrip(BLANK)
    return (code + "\\" if continued else code), closed


def include_pattern(line: str) -> tuple[str, str] | None:
    """Return kind (a letter or nothing) and pattern of an ``include`` line, None for any other line."""
    match = _INCLUDE.match(line)
    return None if match is None else (match.group(1), match.group(2).lstrip(BLANK))


def first_brace(line: str) -> int:
    """Return where the first brace outside double quotes is, -1 when there is none."""
    if line[0] in "{}":
        return 0
    index = 0
    while True:
        match = _BRACE.search(line, index)
        if match is None:
            return -1
        if match.group() != '"':
            return match.start()
        index = line.find('"', match.end()) + 1
        if not index:
            return -1


def words(line: str) -> tuple[tuple[str, ...], bool]:
    """Split a line into words, and tell whether every double quote in it is closed.

    ``"a b"`` is one word without its quotes and without escapes; a quote ends the word before it. Words behind a quote
    that stays open are lost, as they are to keepalived.
    """
    if '"' not in line:
        return tuple(_WITHOUT_QUOTES.findall(line)), True
    result: list[str] = []
    index = 0
    while True:
        word = _WORD.match(line, index)
        if word is None:
            return tuple(result), True
        if word.group("open"):
            return tuple(result), False
        result.append(word.group("bare") or word.group("quoted") or "")
        index = word.end()


def shell_words(line: str) -> tuple[str, ...] | None:
    r"""Split the line of a keyword whose value is a command line; None where keepalived cannot read it.

    Both kinds of quotes group, adjoining pieces are one word, and ``\\`` escapes even inside quotes. A quote that
    nothing follows is closed.
    """
    result: list[str] = []
    index = 0
    while True:
        index = _end(_SPACES, line, index)
        if index == len(line):
            return tuple(result)
        word = ""
        sign = ""
        while index < len(line):
            end = _end(_PLAIN[sign], line, index)
            word += line[index:end]
            if end == len(line):
                if sign:
                    return None
                index = end
            elif line[end] == "\\":
                escape = _ESCAPE.match(line, end)
                if escape is None:
                    return None
                word += _unescape(escape)
                index = escape.end()
            elif sign:
                sign = ""
                index = end + 1
            elif line[end] in "'\"":
                sign = line[end]
                index = end + 1
            else:
                index = end
                break
        result.append(_joined(word.split("\0")[0]))


def _end(pattern: re.Pattern[str], line: str, at: int) -> int:
    return t.cast("re.Match[str]", pattern.match(line, at)).end()


def _joined(word: str) -> str:
    """Return the word with its bytes that were written one by one put together to characters."""
    return word.encode(errors="surrogateescape").decode(errors="surrogateescape")


def _unescape(escape: re.Match[str]) -> str:
    if escape.group("hex") or escape.group("octal"):
        number = int(escape.group("hex"), 16) if escape.group("hex") else int(escape.group("octal"), 8)
        return bytes([number & 0xFF]).decode(errors="surrogateescape")
    if escape.group("control"):
        return chr(ord(escape.group("control")) & 0x1F)
    return _ESCAPES.get(escape.group("other"), escape.group("other"))


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


def is_plain(found: t.Sequence[str]) -> bool:
    """True when these words of a line can be written so that every keepalived reads them back."""
    line = " ".join(found)
    if len(line) >= LONGEST_LINE // 2:
        return False
    return ("" not in found and _PLAIN_LINE.fullmatch(line) is not None) or not any(map(refusal, found))


def quote(word: str) -> str:
    """Return the word as it is written in a file, in double quotes where it needs them; ValueError if it cannot be."""
    if len(word) < 100 and _BARE.fullmatch(word):
        return word
    reason = refusal(word)
    if reason:
        raise ValueError(f"{shown(word)} {reason}")
    return f'"{word}"'
