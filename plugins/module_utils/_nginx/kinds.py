# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of value that an option of nginx takes. Private to this collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema import kinds
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind, elements, first_word
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import join

__all__ = (
    "Arguments",
    "Lines",
    "Number",
    "OnOff",
    "OptionalText",
    "Pairs",
    "Parameters",
    "Phrase",
    "Text",
    "Texts",
    "Words",
)


def _switch(value: t.Any) -> str:
    """Return on or off for what YAML and Ansible make of these words, and any other value as text."""
    return {"True": "on", "False": "off"}.get(str(value), str(value))


class Text(Kind):
    """One word, whatever is in it; or what ``check``, with ``more`` arguments, makes of path and text."""

    def __init__(self, check: t.Callable[..., t.Any] = values.word, **more: t.Any) -> None:
        self._check = functools.partial(check, **more)

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        return self._check(path, str(value))


class OptionalText(Text):
    """The same, where an empty text is none."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        return super().accept(value, path, version) if value else None


class Texts(Text):
    """A list of such texts."""

    spec = {"type": "list", "elements": "str"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> tuple[t.Any, ...] | None:
        take = super().accept
        return tuple(take(one, f"{path}[{at}]", version) for at, one in enumerate(elements(value, path))) or None


class Number(Kind):
    """A whole number from ``least`` to ``most``."""

    spec = {"type": "int"}

    def __init__(self, least: int = 0, most: int = values.MOST) -> None:
        self._limits = least, most

    def accept(self, value: t.Any, path: str, version: Version | None) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(path, f"{shown(value)} is not a whole number")
        return values.above(path, value, *self._limits)

    def read(self, lines: t.Sequence[Block]) -> int | None:
        return values.number(super().read(lines))


class OnOff(kinds.Flag):
    """A directive with the word on or off."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> bool:
        return bool(super().accept(value, path, version))

    def write(self, keyword: str, value: bool) -> t.Iterator[Block]:
        yield Block(keyword, ("on" if value else "off",))

    def read(self, lines: t.Sequence[Block]) -> bool:
        return first_word(lines[-1]) == "on"


class Arguments(Kind):
    """The arguments of a directive, written as in nginx; raw, so that ``off`` without quotes is understood."""

    spec = {"type": "raw"}

    def __init__(self, check: t.Callable[[str, tuple[str, ...]], None] | None = None) -> None:
        self._check = check

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        found = values.words(path, _switch(value))
        if self._check:
            self._check(path, found)
        return _join(found)

    def write(self, keyword: str, value: str) -> t.Iterator[Block]:
        yield Block(keyword, values.words("", value))

    def read(self, lines: t.Sequence[Block]) -> str:
        return _join(lines[-1].args)


class Phrase(Arguments):
    """One argument for people, as the name of a protected area: its blanks need no quotes, and may have them."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        text = values.word(path, _switch(value))
        if text[0] in "\"'":
            (text,) = values.words(path, text, least=1, most=1)
        return text

    def write(self, keyword: str, value: str) -> t.Iterator[Block]:
        yield Block(keyword, (value,))

    def read(self, lines: t.Sequence[Block]) -> str:
        return first_word(lines[-1])


class Words(Kind):
    """The arguments of a directive, each a word."""

    spec = {"type": "list", "elements": "str"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> list[str] | None:
        return [values.word(f"{path}[{at}]", _switch(one)) for at, one in enumerate(elements(value, path))] or None

    def write(self, keyword: str, value: t.Sequence[str]) -> t.Iterator[Block]:
        yield Block(keyword, tuple(value))

    def read(self, lines: t.Sequence[Block]) -> t.Sequence[str]:
        return lines[-1].args


class Lines(Arguments):
    """A directive for each element, its arguments as in nginx."""

    spec = {"type": "list", "elements": "str"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        take = super().accept
        return [take(one, f"{path}[{at}]", version) for at, one in enumerate(elements(value, path))] or None

    def write(self, keyword: str, value: t.Any) -> t.Iterator[Block]:
        for one in value:
            yield from super().write(keyword, one)

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        return [_join(line.args) for line in lines]


class Pairs(Kind):
    """A directive for each pair, with ``tail`` behind it; null leaves the pair out."""

    spec = {"type": "dict"}

    def __init__(self, *tail: str) -> None:
        self._tail = tail

    def accept(self, value: t.Any, path: str, version: Version | None) -> dict[str, str] | None:
        texts = {str(name): str(text) for name, text in value.items() if text is not None}
        return {
            values.word(path, name): values.word(join(path, name), text, empty=True) for name, text in texts.items()
        } or None

    def write(self, keyword: str, value: t.Mapping[str, str]) -> t.Iterator[Block]:
        for pair in value.items():
            yield Block(keyword, (*pair, *self._tail))

    def read(self, lines: t.Sequence[Block]) -> dict[str, str]:
        return {line.args[0]: line.args[1] for line in lines if len(line.args) > 1}


class Parameters(Pairs):
    """The same, where a value may end with the word if_not_empty."""

    _CONDITION = " if_not_empty"

    def write(self, keyword: str, value: t.Mapping[str, str]) -> t.Iterator[Block]:
        for name, text in value.items():
            if text.endswith(self._CONDITION):
                yield Block(keyword, (name, text[: -len(self._CONDITION)], self._CONDITION.strip()))
            else:
                yield Block(keyword, (name, text))

    def read(self, lines: t.Sequence[Block]) -> dict[str, str]:
        return {line.args[0]: " ".join(line.args[1:]) for line in lines if len(line.args) > 1}


def _join(arguments: t.Sequence[str]) -> str:
    return " ".join(map(quote, arguments))
