# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as an inventory holds them, turned into what they mean. Private to this collection."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core import message
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import LONGEST, line

__all__ = (
    "boolean",
    "choice",
    "decimal",
    "integer",
    "line",
    "items",
    "listed",
    "mapping",
    "number",
    "plain",
    "scalar",
    "shown",
    "something",
    "text",
    "whole",
)

MOST_BITS = 1000
"""Bits of a whole number; nothing that is set here comes near."""

_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def plain(value: t.Any) -> t.Any:
    """Return the same data in Python's own types; ansible-core hands out subclasses that carry tags.

    Raises InputError for a number that is none in a configuration file: infinite, or of hundreds of digits.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise InputError("", "has a number of hundreds of digits, and nothing here takes such a one")
        return int.__int__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError("", f"has `{value}`, which is no number that can be written: correct it")
        return float.__float__(value)
    if isinstance(value, Mapping):
        return {str.__str__(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return str.__str__(str(value))


def text(value: t.Any, path: str) -> str:
    """Return a text that is not empty; raises InputError for anything else."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(path, f"must be a text, not {_name(value)}")


def scalar(value: t.Any, path: str) -> str:
    """Return a text, also an empty one; a number is one as well, for YAML takes 12 for a number whatever is meant."""
    if isinstance(value, str) or _is_number(value):
        return str(value)
    raise InputError(path, f"must be a text, not {_name(value)}")


def something(value: t.Any, path: str) -> t.Any:
    """Return the value unless it is null."""
    if value is None:
        raise InputError(path, "must not be empty")
    return value


def whole(value: t.Any, path: str, wanted: str = "a whole number") -> int:
    """Return a whole number; "5", as every value of an INI inventory is written, is 5."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value) and len(value) <= LONGEST:
        return int(value)
    raise InputError(path, f"must be {wanted}, not {_name(value)}")


def integer(value: t.Any, path: str, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``."""
    number = whole(value, path, f"a whole number from {low} to {high}")
    if not low <= number <= high:
        raise InputError(path, f"{number} is out of range: use {low} to {high}")
    return number


def decimal(value: t.Any, path: str, wanted: str = "a number") -> float:
    """Return a number; "0.5", as every value of an INI inventory is written, is 0.5."""
    found = math.nan
    if _is_number(value) or (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        try:
            found = float(value)
        except OverflowError:  # a whole number beyond all that a float can be
            found = math.inf
    if not math.isfinite(found):
        raise InputError(path, f"must be {wanted}, not {_name(value)}")
    return found


def number(value: t.Any, path: str, low: float, high: float) -> float:
    """Return a number from ``low`` to ``high``."""
    found = decimal(value, path, f"a number from {low:g} to {high:g}")
    if not low <= found <= high:
        raise InputError(path, f"{found:g} is out of range: use {low:g} to {high:g}")
    return found


def boolean(value: t.Any, path: str) -> bool:
    """Return true or false; the words of YAML 1.1 count, as every value of an INI inventory is a text."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise InputError(path, f"must be true or false, not {_name(value)}")


def choice(value: t.Any, path: str, allowed: Sequence[str]) -> str:
    """Return one of the words; raises InputError for anything else."""
    if isinstance(value, str) and value in allowed:
        return value
    raise InputError(path, f"must be {' or '.join(allowed)}, not {_name(value)}")


def items(value: t.Any, path: str) -> list[t.Any]:
    """Return a list; a value that is none is an error, not a list of one."""
    if isinstance(value, list):
        return value
    raise InputError(path, f"must be a list, not {_name(value)}")


def listed(value: t.Any) -> list[t.Any]:
    """Return a list as it is, a text as Ansible makes a list of it, and one of anything else that is said."""
    if isinstance(value, str):
        return value.split(",")
    return value if isinstance(value, list) else [] if value is None else [value]


def mappings(value: t.Any) -> Iterator[tuple[int, Mapping[str, t.Any]]]:
    """Yield the mappings of a list with their indices; what is none is told by whoever judges the whole."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping):
            yield index, item


def mapping(value: t.Any, path: str) -> dict[str, t.Any]:
    """Return a mapping; anything else is an error."""
    if isinstance(value, dict):
        return value
    raise InputError(path, f"must be a mapping, not {_name(value)}")


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _name(value: t.Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return shown(value)


def shown(value: t.Any) -> str:
    """Return a value as it is repeated in a sentence: in one line, and not too long."""
    return message.shown(value, "`")
