# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an instance, and where the user wrote each of them. Private to this collection.

An option can follow from a variable of its own, be said for all instances or for one. A fault in it is told at the
variable that the user has to change, not at the instance that was derived from it.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

__all__ = ("InstanceOptions",)

_OPTION = re.compile(r"(\w*)(.*)", re.DOTALL)


class InstanceOptions:
    """Options that are laid over each other, the nearest last. ``path`` is that of the instance."""

    def __init__(self, path: str) -> None:
        self.options: dict[str, t.Any] = {}
        self._path = path
        self._places: dict[str, str] = {}
        self._lists: set[str] = set()

    def derive(self, place: str, **options: t.Any) -> None:
        """Set options that follow from the variable at this path."""
        self.options.update(options)
        self._places.update(dict.fromkeys(options, place))

    def take(self, place: str, option: str, elements: list[t.Any]) -> None:
        """Set an option to a list that has an element for each of the variable at this path."""
        self.derive(place, **{option: elements})
        self._lists.add(option)

    def expect(self, place: str, *names: str) -> None:
        """Note that options, which need not be there, would follow from the variable at this path."""
        self._places.update(dict.fromkeys(names, place))

    def lay(self, options: Mapping[str, t.Any], path: str) -> None:
        """Lay options over these that are written as such, in the mapping at this path."""
        self.options.update(options)
        self._places.update((name, f"{path}.{name}") for name in options)

    def place(self, option: str) -> str:
        """Return where an option, or a part of it as ``track_script[0].weight``, was written."""
        name, part = t.cast("re.Match[str]", _OPTION.fullmatch(option)).groups()
        place = self._places.get(name, f"{self._path}.{name}")
        # What follows from a variable has no such part there, unless it is the same list.
        return place + part if place.endswith(f".{name}") or name in self._lists else place
