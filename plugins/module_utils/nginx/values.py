# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values, as nginx itself would make them. Private to this collection.

Every check takes the input path first and raises InputError with it.
"""

from __future__ import annotations

import re

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx import lexer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.renderer import quote

__all__ = ("above", "at", "name", "size", "time", "variable", "word", "words")

# Of the 4096 bytes that nginx can hold; the rest is for what an option's value becomes a part of.
LONGEST_WORD = 4000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"\$[A-Za-z0-9_]+")
_SIZE = re.compile(r"\d+[kKmMgG]?")
# In this order, every unit at most once, as in ngx_parse_time; a bare number counts seconds.
_TIME = re.compile(
    r"(?=.)(?:\d+y *)?(?:\d+M *)?(?:\d+w *)?(?:\d+d *)?(?:\d+h *)?(?:\d+m *)?(?:\d+s *)?(?:\d+ms|\d+)?",
)


def at(path: str, option: str) -> str:
    """Return the path of an option inside a path; a number is an element of a list."""
    return f"{path}.{option}" if path else option


def above(path: str, value: int, least: int, most: int | None = None) -> int:
    """Return the number if it is at least ``least`` and, where given, at most ``most``."""
    if value < least or (most is not None and value > most):
        reach = f"at least {least}" if most is None else f"between {least} and {most}"
        raise InputError(path, f"{value} is not {reach}")
    return value


def name(path: str, value: str) -> str:
    """Return a name that is safe in a directive and in a file name."""
    if not _NAME.fullmatch(value):
        raise InputError(path, f'"{value}" cannot be a name: use letters, digits, "_", "." and "-"')
    return value


def variable(path: str, value: str) -> str:
    """Return the name of a variable of nginx with its dollar sign."""
    if not _VARIABLE.fullmatch(value):
        raise InputError(path, f'"{value}" is not a variable: write it as in $pool')
    return value


def size(path: str, value: str) -> str:
    """Return a size such as 64k, 10m, 1g or a plain number of bytes."""
    if not _SIZE.fullmatch(value):
        raise InputError(path, f'"{value}" is not a size: write it as in 64k or 10m')
    return value


def time(path: str, value: str) -> str:
    """Return a time such as 30s, 1m30s, 500ms or a plain number of seconds."""
    if not _TIME.fullmatch(value):
        raise InputError(path, f'"{value}" is not a time: write it as in 30s, 500ms or 1h')
    return value


def word(path: str, value: str, *, empty: bool = False) -> str:
    """Return a value that becomes one word, whatever is in it; an empty one only where it has a meaning."""
    if not value and not empty:
        raise InputError(path, "this is empty; give it a value or leave it out")
    if "\0" in value:
        raise InputError(path, "this holds a NUL character, which nginx cannot read")
    if len(quote(value).encode("utf-8", "surrogateescape")) > LONGEST_WORD:
        raise InputError(path, f"this is longer than {LONGEST_WORD} bytes, more than nginx reads as one word")
    return value


def words(path: str, value: str, *, least: int = 1, most: int | None = None) -> tuple[str, ...]:
    """Return the words of a value that is written as in nginx: ``301 https://$host`` is two."""
    try:
        found = lexer.words(value)
    except ConfigError as error:
        raise InputError(path, f"{error.message}, in: {value}") from error
    if len(found) < least or (most is not None and len(found) > most):
        wanted = f"{least}" if most == least else f"at least {least}" if most is None else f"{least} to {most}"
        raise InputError(path, f'"{value}" is {len(found)} words, and {wanted} belong here; quote those with blanks')
    return tuple(word(path, each, empty=True) for each in found)
