# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as an inventory holds them, turned into what they mean. Private to this collection."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import InputError

__all__ = ("boolean", "choice", "integer", "items", "mapping", "number", "plain", "text")

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def plain(value: t.Any) -> t.Any:
    """Return the same data in Python's own types; ansible-core hands out subclasses that carry tags."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
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


def integer(value: t.Any, path: str, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``; "5", as every value of an INI inventory is written, is 5."""
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int):
        raise InputError(path, f"must be a whole number from {low} to {high}, not {_name(value)}")
    if not low <= number <= high:
        raise InputError(path, f"{number} is out of range: use {low} to {high}")
    return number


def number(value: t.Any, path: str, low: float, high: float) -> float:
    """Return a number from ``low`` to ``high``; "0.5", as every value of an INI inventory is written, is 0.5."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if math.isnan(found):
        raise InputError(path, f"must be a number from {low:g} to {high:g}, not {_name(value)}")
    if not low <= found <= high:
        raise InputError(path, f"{found:g} is out of range: use {low:g} to {high:g}")
    return found


def boolean(value: t.Any, path: str) -> bool:
    """Return true or false; the words of YAML 1.1 count, as every value of an INI inventory is a text."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
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


def mapping(value: t.Any, path: str) -> dict[str, t.Any]:
    """Return a mapping; anything else is an error."""
    if isinstance(value, dict):
        return value
    raise InputError(path, f"must be a mapping, not {_name(value)}")


def _name(value: t.Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"`{value}`"
