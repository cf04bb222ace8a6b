# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of value that an option of nginx takes. Private to this collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import values
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind

__all__ = ("Number", "Text")


class Text(Kind):
    """A text that becomes one word: ``check`` is one of values.py, ``more`` its further arguments."""

    def __init__(self, check: t.Callable[..., str] = values.word, **more: t.Any) -> None:
        self._check = functools.partial(check, **more)

    def accept(self, value: t.Any, path: str, version: Version | None) -> str:
        return self._check(path, str(value))


class Number(Kind):
    """A whole number from ``least`` to ``most``."""

    spec = {"type": "int"}

    def __init__(self, least: int = 0, most: int = values.MOST) -> None:
        self._limits = least, most

    def accept(self, value: t.Any, path: str, version: Version | None) -> int:
        return values.above(path, value, *self._limits)

    def read(self, lines: t.Sequence[Block]) -> int:
        return int(super().read(lines))
