# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values. Private to this collection; each language has more of its own.

A kind knows four things: how Ansible describes such an option (``spec``), which values are right (``accept``),
how one is written (``write``) and what was written (``read``, whose answer goes through ``accept`` again).
"""

from __future__ import annotations

import re
import typing as t
from ipaddress import ip_address

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version

__all__ = ("Address", "Choice", "Flag", "Integer", "Kind", "elements", "first_word")

_INTEGER = re.compile(r"[+-]?\d+")


class Kind:
    """A kind of value; the plain one takes any word."""

    spec: t.ClassVar[t.Mapping[str, t.Any]] = {"type": "str"}
    # True where several lines of the keyword add up; else one of them counts.
    repeats: t.ClassVar[bool] = False
    # True where the daemon takes the first of several lines, and complains of the others.
    once: t.ClassVar[bool] = False
    # True for what nobody may see: Ansible masks it, and no message repeats it.
    secret: bool = False

    def describe(self) -> dict[str, t.Any]:
        """Return the option as an Ansible argument spec."""
        return dict(self.spec)

    def accept(self, value: t.Any, path: str, version: Version | None) -> t.Any:
        """Return the value as the model holds it, None for what is the same as absent.

        InputError where it is wrong, or wrong on this version when one is given.
        """
        raise NotImplementedError

    def write(self, keyword: str, value: t.Any) -> t.Iterator[Block]:
        """Yield the lines that give the keyword this value."""
        yield Block(keyword, (str(value),))

    def read(self, lines: t.Sequence[Block]) -> t.Any:
        """Return the value that the lines of the keyword give, ValueError where there is none: the last line counts."""
        return first_word(lines[-1])


def first_word(line: Block) -> str:
    """Return the first word behind the keyword; ValueError when there is none."""
    if not line.args:
        raise ValueError(f"a value is missing behind {line.name}")
    return line.args[0]


def elements(value: t.Any, path: str) -> t.Sequence[t.Any]:
    """Return the value if it is a list, else raise InputError."""
    if isinstance(value, str) or not isinstance(value, t.Sequence):
        raise InputError(path, f"{shown(value)} is not a list")
    return value


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def describe(self) -> dict[str, t.Any]:
        return {"type": "str", "choices": list(self.choices)}

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        if value not in self.choices:
            raise InputError(path, f"{shown(value)} is not one of {', '.join(self.choices)}")
        return str(value)


class Address(Kind):
    """An IPv4 or IPv6 address without a prefix length."""

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        try:
            return str(ip_address(str(value)))
        except ValueError:
            raise InputError(path, f"{shown(value)} is not an IP address") from None


class Integer(Kind):
    """A whole number from ``low`` to ``high``."""

    spec = {"type": "int"}

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def accept(self, value: t.Any, path: str, version: Version | None) -> int:
        if isinstance(value, bool) or not _INTEGER.fullmatch(str(value)):
            raise InputError(path, f"{shown(value)} is not a whole number")
        if not self.low <= int(value) <= self.high:
            raise InputError(path, f"{value} is not from {self.low} to {self.high}")
        return int(value)


class Flag(Kind):
    """A keyword that is there or not; false is absent."""

    spec = {"type": "bool"}

    def accept(self, value: t.Any, path: str, version: Version | None) -> bool | None:
        if not isinstance(value, bool):
            raise InputError(path, f"{shown(value)} is neither true nor false")
        return value or None

    def write(self, keyword: str, value: bool) -> t.Iterator[Block]:
        yield Block(keyword)

    def read(self, lines: t.Sequence[Block]) -> bool:
        return True
