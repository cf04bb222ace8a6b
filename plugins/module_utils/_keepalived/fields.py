# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of value that a keepalived keyword takes. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import COMMENT, Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import refusal, words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import kinds
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind, elements, first_word

__all__ = (
    "Command",
    "Decimal",
    "Flag",
    "FlagOrWords",
    "Interface",
    "Lines",
    "Pattern",
    "Phrase",
    "Phrases",
    "Script",
    "Switch",
    "Text",
    "Words",
    "number",
)

_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_TRUE = ("true", "on", "yes")
_FALSE = ("false", "off", "no")
LONGEST_INTERFACE = 15


def number(value: float) -> str:
    """Return the number as keepalived reads it: no exponent, at most six digits behind the point, none that is 0."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _text(value: t.Any, path: str) -> str:
    if not isinstance(value, str):
        value = str(value)
    reason = refusal(value) or ("is the sign of a comment, and nothing else" if value == COMMENT else "")
    if reason:
        raise InputError(path, f"{shown(value)} {reason}")
    return t.cast(str, value)


class Text(Kind):
    """Any printable text, at most ``longest`` characters."""

    def __init__(self, longest: int = 0, secret: bool = False) -> None:
        self.longest = longest
        self.secret = secret

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        if self.secret and refusal(str(value)):
            raise InputError(path, "the secret has a character that keepalived cannot read: use letters and digits")
        text = _text(value, path)
        if self.longest and len(text.encode()) > self.longest:
            shown = "the secret" if self.secret else repr(text)
            raise InputError(path, f"{shown} is longer than {self.longest} bytes, and keepalived would cut it")
        return text


class Pattern(Text):
    """A text of a certain form, which ``form`` names in words."""

    def __init__(self, pattern: str, form: str) -> None:
        super().__init__()
        self.pattern = re.compile(pattern)
        self.form = form

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        text = super().accept(value, path, version)
        if not self.pattern.fullmatch(text):
            raise InputError(path, f"{shown(text)} is not {self.form}")
        return text


class Interface(Text):
    """The name of a network interface."""

    def __init__(self) -> None:
        super().__init__(LONGEST_INTERFACE)

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        text = super().accept(value, path, version)
        if "/" in text or any(sign.isspace() for sign in text):
            raise InputError(path, f"{shown(text)} is not the name of an interface")
        return text


class Decimal(Kind):
    """Seconds, from ``low`` to ``high``; whole ones before the version ``fractions_since``."""

    spec = {"type": "float"}

    def __init__(self, low: float, high: float, fractions_since: Version | None = None) -> None:
        self.low = low
        self.high = high
        self.fractions_since = fractions_since

    def accept(self, value: t.Any, path: str, version: Version | None) -> float:
        if isinstance(value, bool) or not (isinstance(value, (int, float)) or _DECIMAL.fullmatch(str(value))):
            raise InputError(path, f"{shown(value)} is not a number")
        seconds = float(value)
        if not self.low <= seconds <= self.high:
            raise InputError(path, f"{value} is not from {number(self.low)} to {number(self.high)}")
        if self.fractions_since and version and version < self.fractions_since and not seconds.is_integer():
            raise InputError(path, f"a fraction needs keepalived {self.fractions_since}, and this host has {version}")
        return seconds

    def write(self, keyword: str, value: float) -> t.Iterator[Block]:
        yield Block(keyword, (number(value),))


class Flag(kinds.Flag):
    """A keyword that is there or not; false is absent."""

    def read(self, lines: t.Sequence[Block]) -> bool:
        word = lines[-1].args[0] if lines[-1].args else ""
        if word in _FALSE:
            raise ValueError(f"{shown(word)} behind {lines[-1].name} does not turn it off: leave the line out")
        return True


class Switch(Flag):
    """A keyword with the word true or false behind it; alone it is true."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> bool | None:
        super().accept(value, path, version)
        return t.cast(bool, value)

    def write(self, keyword: str, value: bool) -> t.Iterator[Block]:
        yield Block(keyword, ("true" if value else "false",))

    def read(self, lines: t.Sequence[Block]) -> bool:
        word = lines[-1].args[0] if lines[-1].args else "true"
        if word not in _TRUE + _FALSE:
            raise ValueError(f"{shown(word)} is neither true nor false")
        return word in _TRUE


class Phrase(Text):
    """All the words on the line of the keyword, as one text with a blank between them."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        return " ".join(words(super().accept(value, path, version))[0])

    def write(self, keyword: str, value: str) -> t.Iterator[Block]:
        yield Block(keyword, words(value)[0])

    def read(self, lines: t.Sequence[Block]) -> str:
        first_word(lines[-1])
        return _phrase(lines[-1].args)


class Words(Kind):
    """Several words on the line of the keyword."""

    spec = {"type": "list", "elements": "str"}

    def __init__(self, fewest: int = 1, most: int = 500) -> None:
        self.fewest = fewest
        self.most = most

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[str, ...] | None:
        if not self.fewest <= len(elements(value, path)) <= self.most:
            raise InputError(path, f"it has {len(value)} words, and {self.fewest} to {self.most} are possible")
        return tuple(_text(word, f"{path}[{index}]") for index, word in enumerate(value))

    def write(self, keyword: str, value: tuple[str, ...]) -> t.Iterator[Block]:
        yield Block(keyword, value)

    def read(self, lines: t.Sequence[Block]) -> t.Sequence[str]:
        return lines[-1].args


class FlagOrWords(Words):
    """A keyword alone (true) or followed by words (a word, or a list of them); false is absent."""

    spec = {"type": "raw"}

    def __init__(self, most: int = 1) -> None:
        super().__init__(0, most)

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        if isinstance(value, bool):
            return () if value else None
        return super().accept([value] if isinstance(value, str) else value, path, version)


class Lines(Words):
    """A block with one word a line; several blocks of the keyword add up, and an empty one is none."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[str, ...] | None:
        return super().accept(value, path, version) or None

    def write(self, keyword: str, value: tuple[str, ...]) -> t.Iterator[Block]:
        yield Block(keyword, (), tuple(Block(word) for word in value))

    def read(self, lines: t.Sequence[Block]) -> t.Sequence[str]:
        return [word for line in items(lines) for word in (line.name, *line.args)]


class Phrases(Lines):
    """A block with a phrase a line, as the daemon's language has it: ``192.0.2.0/24 via 198.51.100.1 dev eth0``."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[str, ...] | None:
        phrases = super().accept(value, path, version) or ()
        for index, phrase in enumerate(phrases):
            if not words(phrase)[0]:
                raise InputError(f"{path}[{index}]", "there is no word in it")
        return tuple(" ".join(words(phrase)[0]) for phrase in phrases) or None

    def write(self, keyword: str, value: tuple[str, ...]) -> t.Iterator[Block]:
        phrases = (words(phrase)[0] for phrase in value)
        yield Block(keyword, (), tuple(Block(phrase[0], phrase[1:]) for phrase in phrases))

    def read(self, lines: t.Sequence[Block]) -> t.Sequence[str]:
        return [_phrase((line.name, *line.args)) for line in items(lines)]


def _phrase(found: t.Sequence[str]) -> str:
    """Return the words as one text; ValueError where it would have other words."""
    text = " ".join(found)
    if words(text) != (tuple(found), True):
        raise ValueError(f"{shown(text)} has a word with a blank in it, or an empty one")
    return text


def items(lines: t.Sequence[Block]) -> list[Block]:
    """Return the lines inside all these blocks, without comments; ConfigError for one that is more than its words."""
    result = [line for block in lines for line in block.children or () if not line.is_comment]
    for line in result:
        if line.raw is not None:
            raise beyond_options(line)
    return result


def beyond_options(line: Block) -> ConfigError:
    """Return the error for a line that an include, a condition or a definition makes another than it looks."""
    return ConfigError(line.position, f"{shown(redact(line.raw or ''))} cannot be expressed as options")


class Command(t.NamedTuple):
    """A command that keepalived runs without a shell, and as whom (None: ``script_user``)."""

    command: str
    user: str | None = None
    group: str | None = None


class Script(Kind):
    """A command line: a string, or a mapping of ``command``, ``user`` and ``group``; no shell reads it."""

    spec = {"type": "raw"}
    once = True

    def accept(self, value: t.Any, path: str, version: Version | None) -> Command:
        given = value if isinstance(value, t.Mapping) else {"command": value}
        for key in given:
            if key not in Command._fields:
                raise InputError(f"{path}.{key}", f"there is no such option: it takes {', '.join(Command._fields)}")
        if not given.get("command"):
            raise InputError(path, "it has no command")
        inner = path if given is not value else f"{path}.command"
        command = _text(given["command"], inner)
        if command.count("'") % 2:
            raise InputError(inner, f"{shown(command)} has a single quote that is not closed")
        who = {key: _text(given[key], f"{path}.{key}") for key in ("user", "group") if given.get(key) is not None}
        if "group" in who and "user" not in who:
            raise InputError(f"{path}.group", "a group needs a user")
        return Command(command, **who)

    def write(self, keyword: str, value: Command) -> t.Iterator[Block]:
        yield Block(keyword, tuple(word for word in value if word is not None))

    def read(self, lines: t.Sequence[Block]) -> t.Mapping[str, str]:
        first_word(lines[-1])
        return dict(zip(Command._fields, lines[-1].args))
