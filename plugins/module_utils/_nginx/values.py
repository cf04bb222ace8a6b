# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values, as nginx itself would make them. Private to this collection.

Every check takes the input path first and raises InputError with it.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import lexer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote

__all__ = (
    "MOST",
    "SMALLEST_ZONE",
    "above",
    "limit",
    "name",
    "network",
    "number",
    "processes",
    "rate",
    "size",
    "time",
    "trusted",
    "variable",
    "word",
    "words",
)

# Of the 4096 bytes that nginx can hold; the rest is for what an option's value becomes a part of.
LONGEST_WORD = 4000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"\$[A-Za-z0-9_]+")
# NGX_MAX_INT_T_VALUE and its like, where nginx has 64 bits; its own test finds what is too much for fewer.
MOST = 2**63 - 1
# Of shared memory, nginx takes no less than eight pages (ngx_http_upstream_zone, ngx_http_limit_req_zone ...).
SMALLEST_ZONE = 8 * 4096
# More digits are too much in any case.
_NUMBER = re.compile(r"[0-9]{1,19}")
_SIZE = re.compile(r"([0-9]{1,19})([kmg]?)", re.IGNORECASE | re.ASCII)
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# ngx_parse_time: the units in this order, each at most once, and last a bare number of seconds. What is counted in
# milliseconds has no months and years, what is counted in seconds has no milliseconds.
_HOUR = 60 * 60
_DAY = 24 * _HOUR
_SECONDS = {"y": 365 * _DAY, "M": 30 * _DAY, "w": 7 * _DAY, "d": _DAY, "h": _HOUR, "m": 60, "s": 1, "": 1}
_MILLISECONDS = {**{unit: 1000 * _SECONDS[unit] for unit in "wdhms"}, "ms": 1, "": 1000}

_HOST_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?", re.ASCII)


def _time(units: t.Iterable[str]) -> re.Pattern[str]:
    return re.compile("(?=.)" + "".join(f"(?:([0-9]{{1,19}}){unit} *)?" for unit in units))


_IN_SECONDS, _IN_MILLISECONDS = _time(_SECONDS), _time(_MILLISECONDS)


def above(path: str, value: int, least: int, most: int = MOST) -> int:
    """Return the number if it is at least ``least`` and at most ``most``, by default all that nginx can count."""
    if not least <= value <= most:
        reach = f"at least {least}" if value < least and most == MOST else f"between {least} and {most}"
        raise InputError(path, f"{value} is not {reach}")
    return value


def number(text: str) -> int | None:
    """Return the number that a word of nginx's text is, or None."""
    return int(text) if _NUMBER.fullmatch(text) else None


def name(path: str, value: str) -> str:
    """Return a name that is safe in a directive and in a file name."""
    if not _NAME.fullmatch(value):
        raise InputError(path, f'{shown(value)} cannot be a name: use letters, digits, "_", "." and "-"')
    return value


def processes(path: str, value: str) -> str:
    """Return a number of processes, or auto."""
    if value != "auto" and not number(value):
        raise InputError(path, f"{shown(value)} is no number of processes: write auto, or 1 or more")
    return value


def variable(path: str, value: str) -> str:
    """Return the name of a variable of nginx with its dollar sign."""
    if not _VARIABLE.fullmatch(value):
        raise InputError(path, f"{shown(value)} is not a variable: write it as in $pool")
    return value


def size(path: str, value: str, *, least: int = 0, step: int = 1, giga: bool = False) -> str:
    """Return a size such as 64k, 10m or a plain number of bytes; ``giga`` is where nginx also takes 1g."""
    match = _SIZE.fullmatch(value)
    unit = match.group(2).lower() if match else ""
    if match is None or (unit == "g" and not giga):
        raise InputError(path, f"{shown(value)} is not a size: write it as in 64k or {'1g' if giga else '10m'}")
    amount = int(match.group(1)) * _BYTES[unit]
    if not least <= amount <= MOST or amount % step:
        wanted = f"at least {least} bytes" + (f" and a multiple of {step}" if step > 1 else "")
        raise InputError(
            path, f"{shown(value)} is {f'not {wanted}' if amount <= MOST else 'more than nginx can count'}"
        )
    return value


def time(path: str, value: str, *, seconds: bool = False) -> str:
    """Return a time such as 30s, 1m30s, 500ms or a plain number of seconds; ``seconds`` is where nginx counts these."""
    pattern, units = (_IN_SECONDS, _SECONDS) if seconds else (_IN_MILLISECONDS, _MILLISECONDS)
    match = pattern.fullmatch(value)
    if match is None:
        example = "7d" if seconds else "500ms"
        raise InputError(path, f"{shown(value)} is not a time: write it as in 30s, {example} or 1h")
    if sum(int(count) * unit for count, unit in zip(match.groups(), units.values()) if count) > MOST:
        raise InputError(path, f"{shown(value)} is more than nginx can count")
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
        message = f"{shown(value)} is {len(found)} words, and {wanted} belong here; quote those with blanks"
        raise InputError(path, message)
    return tuple(word(path, each, empty=True) for each in found)


def rate(path: str, found: tuple[str, ...]) -> None:
    """Raise InputError unless these words are a size, or one with a variable in it."""
    if len(found) != 1 or "$" not in found[0]:
        size(path, " ".join(found))


def limit(path: str, found: tuple[str, ...]) -> None:
    """Raise InputError unless these words are a zone and how many connections it lets through."""
    count = number(found[1]) if len(found) == 2 else None
    if not count:
        raise InputError(path, f"{shown(' '.join(found))} is no limit: write zone and number, as in clients 20")
    above(path, count, 1, 65535)


def trusted(path: str, found: tuple[str, ...]) -> None:
    """Raise InputError unless these words are an address, a network, ``unix:`` or the name of a host."""
    if len(found) != 1:
        raise InputError(path, f"{shown(' '.join(found))} is more than one: list each of them by itself")
    if not _HOST_NAME.fullmatch(found[0]):
        network(path, found[0])


def network(path: str, value: str) -> None:
    """Raise InputError unless this is an address, a network or ``unix:``."""
    try:
        if value != "unix:":
            # nginx takes no mask in the place of a length.
            ipaddress.ip_network(value, strict=False)
            int(value.partition("/")[2] or 0)
    except ValueError:
        raise InputError(path, f"{shown(value)} is no address or network: write it as in 10.0.0.0/8 or ::1") from None
