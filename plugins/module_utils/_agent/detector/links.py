# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an interface went away, or got another name, and is back: no input, no output.

keepalived 2.2.7 follows an interface that goes down and up again. One that had another name meanwhile it finds again,
too, becomes BACKUP, and then hears nothing, sends nothing and takes nothing, until it reads its configuration again.
"""

from __future__ import annotations

import typing as t


class Links:
    """The interfaces of these names, by what the kernel tells of all interfaces."""

    def __init__(self, names: t.Iterable[str]) -> None:
        self._names = set(names)
        self._here: dict[int, str] = {}  # by index
        self._lost: set[str] = set()

    def update(self, index: int, name: str, *, there: bool) -> str:
        """Hear of an interface, and return its name where it is one that was lost and is back, else nothing."""
        known = self._here.get(index)
        if known is not None and (not there or name != known):
            del self._here[index]
            self._lost.add(known)
        if not there or name not in self._names:
            return ""
        self._here[index] = name
        back = name in self._lost
        self._lost.discard(name)
        return name if back else ""
