# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx text to statements, by the rules of nginx's own reader. Private to this collection.

The rules (ngx_conf_read_token in nginx's src/core/ngx_conf_file.c), which differ from what one expects of a shell:

* blanks are space, tab, CR and LF; ``#`` and quotes mean something only where a word begins;
* a word ends at a blank, ``;`` or ``{``, but not at a ``{`` behind ``$``, and ``}`` inside a word is a character;
* a backslash protects the next character from ending the word; ``\\"``, ``\\'`` and ``\\\\`` lose it,
  ``\\t``, ``\\r`` and ``\\n`` become the control characters, any other pair stays as it is;
* a quoted word must be followed by a blank, ``;``, ``{`` or ``)``;
* a word or comment must fit into the buffer of 4096 bytes, see ``fits``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Position
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError

__all__ = ("CLOSE", "COMMENT", "END", "OPEN", "RAW", "RAW_SUFFIX", "Statement", "fits", "statements", "words")

# How a statement ends.
END = ";"
OPEN = "{"
CLOSE = "}"
COMMENT = "#"
RAW = "{}"

RAW_SUFFIX = "_by_lua_block"

_TOKEN = re.compile(
    r"""
    [ \t\r\n]*
    (?:
        ((?:[^ \t\r\n;{}"'\#\\$]|\\[\s\S]|\$\{*)      # 1 word: its first character,
         (?:[^ \t\r\n;{\\$]+|\\[\s\S]|\$\{*)*)        #   and the others
      | ([;{}])                                       # 2 what ends a statement
      | "([^"\\]*(?:\\[\s\S][^"\\]*)*)"               # 3 word in double quotes
      | '([^'\\]*(?:\\[\s\S][^'\\]*)*)'               # 4 word in single quotes
      | \#([^\n]*)                                    # 5 comment
    )
    """,
    re.VERBOSE,
)
_WORD, _SIGN, _COMMENT = 1, 2, 5
_BLANK = " \t\r\n"
_AFTER_QUOTE = " \t\r\n;{)"

_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_DECODED = {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}

# NGX_CONF_BUFFER
_BUFFER = 4096
# What is no longer than this fits in any case: a character is four bytes at most.
_SURELY_FITS = _BUFFER // 4 - 4

# The tokens of the lua module (util/gen-lexer-c of openresty/lua-nginx-module): it counts braces, but not those in
# comments, strings of one line and long brackets.
_LUA = re.compile(r"(--)?\[(=*)\[|--[^\n]*|[{}\"']")
_LUA_STRINGS = {
    '"': re.compile(r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*("?)'),
    "'": re.compile(r"'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*('?)"),
}


class Statement(t.NamedTuple):
    """Words up to the sign that ends them.

    ``end`` is one of END, OPEN, CLOSE (no words), COMMENT (one word, the text behind the sign) and RAW, where
    ``raw`` holds the text between the braces. ``offset`` is where the first word or the sign begins.
    """

    end: str
    words: list[str]
    offset: int
    raw: str | None = None


def fits(word: str, sign: str) -> bool:
    """Tell whether nginx can hold a word or comment, as it is written, with the sign behind it; none ends the file.

    An opening quote is not held, and a blank behind a word is held until the next sign has been read.
    """
    if len(word) <= _SURELY_FITS:
        return True
    held = len(word.encode("utf-8", "surrogateescape")) + len(sign)
    if word[0] in "\"'":
        held -= 1
    if sign and sign in _BLANK and word[0] != "#":
        held += 1
    return held <= _BUFFER


def statements(text: str, file: str = "", *, judged: bool = False) -> t.Iterator[Statement]:
    """Yield the statements of a text in their order; a comment among the words of one comes before it.

    Raises ConfigError at the first place that nginx would refuse as well. A text that nginx has ``judged`` may have
    been decoded with losses, so its bytes are not counted.
    """
    match = _TOKEN.match
    position = 0
    found: list[str] = []
    begin = 0
    while True:
        token = match(text, position)
        if token is None:
            break
        position = token.end()
        kind = token.lastindex
        if position - token.start() > _SURELY_FITS and not judged and kind != _SIGN:
            _check_length(text, file, token)
        if kind == _WORD:
            word = token.group(_WORD)
            if not found:
                begin = position - len(word)
            found.append(_decode(word) if "\\" in word else word)
        elif kind == _SIGN:
            sign = token.group(_SIGN)
            if sign == CLOSE:
                if found:
                    raise _unexpected(text, file, position - 1)
                yield Statement(CLOSE, found, position - 1)
            elif not found:
                raise _unexpected(text, file, position - 1)
            elif sign == OPEN and found[0].endswith(RAW_SUFFIX):
                closing = _end_of_lua(text, file, position)
                yield Statement(RAW, found, begin, text[position:closing])
                position = closing + 1
                found = []
            else:
                yield Statement(sign, found, begin)
                found = []
        elif kind == _COMMENT:
            yield Statement(COMMENT, [token.group(_COMMENT)], token.start(_COMMENT) - 1)
        else:
            word = token.group(kind or 0)
            if not found:
                begin = position - len(word) - 2
            found.append(_decode(word) if "\\" in word else word)
            if text[position : position + 1] not in _AFTER_QUOTE:
                raise _unexpected(text, file, position)
    rest = text[position:].lstrip(_BLANK)
    if rest[:1] in ('"', "'"):
        raise ConfigError(locate(text, file, len(text) - len(rest)), f"the {rest[0]} that begins here is never closed")
    if found or rest:
        raise ConfigError(locate(text, file, begin if found else len(text) - len(rest)), 'the ";" or "{" is missing')


def words(text: str) -> list[str]:
    """Return the words of a piece of one directive, as in the value of ``return: 301 https://$host``.

    Raises ConfigError where the text ends the directive or begins a comment.
    """
    found = list(statements(text + "\n;")) if text.strip(_BLANK) else []
    if not found:
        return []
    if len(found) > 1 or found[0].end != END:
        raise ConfigError(Position(), 'a ";", "{", "}" or "#" must be quoted here')
    return found[0].words


def locate(text: str, file: str, offset: int) -> Position:
    """Return the position of an offset in the text."""
    return Position(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _decode(word: str) -> str:
    return _ESCAPE.sub(lambda escape: _DECODED[escape.group(1)], word)


def _check_length(text: str, file: str, token: re.Match[str]) -> None:
    """Raise ConfigError for a word or comment that nginx cannot hold."""
    end = token.end()
    written = token.group().lstrip(_BLANK)
    if not fits(written, text[end : end + 1]):
        what = "comment" if token.lastindex == _COMMENT else "word"
        where = locate(text, file, end - len(written))
        raise ConfigError(where, f"the {what} that begins here is too long: nginx can hold {_BUFFER} bytes of it")


def _end_of_lua(text: str, file: str, begin: int) -> int:
    """Return the offset of the brace that closes the one before ``begin``."""
    depth = 1
    position = begin
    # Up to where no string of this kind ends: a quote that is not closed in its line is a character, and so is
    # every other one in this line.
    open_until = dict.fromkeys(_LUA_STRINGS, 0)
    while True:
        token = _LUA.search(text, position)
        if token is None:
            raise ConfigError(locate(text, file, begin - 1), 'the "{" that begins here is never closed')
        position = token.end()
        sign = token.group()
        if sign == OPEN:
            depth += 1
        elif sign == CLOSE:
            depth -= 1
            if not depth:
                return token.start()
        elif sign in _LUA_STRINGS:
            if position > open_until[sign]:
                string = _LUA_STRINGS[sign].match(text, token.start())
                if string and string.group(1):
                    position = string.end()
                elif string:
                    open_until[sign] = string.end()
        elif sign.endswith("["):
            closing = f"]{token.group(2)}]"
            end = text.find(closing, position)
            if end < 0:
                raise ConfigError(
                    locate(text, file, token.start()), f'the "{sign}" that begins here is never closed by "{closing}"'
                )
            position = end + len(closing)


def _unexpected(text: str, file: str, offset: int) -> ConfigError:
    return ConfigError(locate(text, file, offset), f'"{text[offset]}" is not expected here')
