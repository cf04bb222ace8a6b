# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are misspelt, and which belong to somebody else. Private to this collection.

Other roles have variables that begin with nginx_, keepalived_ or backend_ as well. So a name is refused only where it
is a letter or two from a name of this collection; every other one passes, and is told once.
"""

from __future__ import annotations

import fnmatch
import typing as t
from collections.abc import Iterable

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import OF_THE_PLAYBOOKS, PREFIXES
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.variables import MOST_NAMED

__all__ = ("OF_OTHER_ROLES", "Spelling", "distance")

OF_OTHER_ROLES: frozenset[str] = frozenset({"keepalived_nopreempt", "nginx_packages"})
"""Variables of public roles that look like a slip of the pen and are none: tests/support/foreign_variables.yml."""

SLIP = 2
"""Letters in which a misspelt name differs; more make another word."""

SHORT = 4
"""Of a word of so few letters behind the prefix, two make another word: backend_path is not meant as backend_page."""


class Spelling:
    """What is to be said of the names of an inventory's variables.

    ``foreign`` are patterns of names that belong to somebody else (``holdfast_foreign_variables``).
    """

    def __init__(self, known: Iterable[str], foreign: Iterable[t.Any] = ()) -> None:
        self._known = sorted({*known, *OF_THE_PLAYBOOKS})
        self._letters = {name: frozenset(name) for name in self._known}
        self._foreign = [str(pattern) for pattern in foreign]
        self._meant: dict[str, str] = {}
        self._passed: set[str] = set()

    def faults(self, host: str, names: Iterable[str]) -> t.Iterator[Fault]:
        """Yield a fault for each name that is misspelt, and remember those that pass."""
        for name in names:
            if name not in self._meant:
                self._meant[name] = self._judge(str(name))
            if self._meant[name]:
                message = (
                    f"is no variable of this collection: did you mean {self._meant[name]}? "
                    "(if it belongs to something else, list it in holdfast_foreign_variables)"
                )
                yield Fault("unknown-variable", host, name, message)

    def passed(self) -> t.Iterator[Fault]:
        """Yield the one warning about all names that might be of this collection and are not."""
        if self._passed:
            names = sorted(self._passed)
            shown = ", ".join(names[:MOST_NAMED])
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            message = (
                f"{shown}{more}: no variable of this collection, and left to whatever else reads it (patterns of such "
                "names in holdfast_foreign_variables keep this line away)"
            )
            yield Fault("foreign-variable", "", "", message, severity="warning")

    def _judge(self, name: str) -> str:
        """Return the name that was meant, empty where the name is right or somebody else's."""
        if name in self._letters or name.startswith(("_", "ansible_")):
            return ""
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._foreign):
            return ""
        near = [] if name in OF_OTHER_ROLES else self._near(name)
        if len(near) == 1:
            return near[0]
        if name.startswith(PREFIXES):
            self._passed.add(name)
        return ""

    def _near(self, name: str) -> list[str]:
        """Return the known names that are nearest, none where they are too far."""
        letters = frozenset(name)
        found: dict[int, list[str]] = {}
        for known in self._known:
            most = 1 if len(known.partition("_")[2]) <= SHORT else SLIP
            # What is cheap comes first: a letter more, less or another one changes so much at most.
            if abs(len(known) - len(name)) <= most and len(letters ^ self._letters[known]) <= 2 * most:
                between = distance(name, known)
                if between <= most:
                    found.setdefault(between, []).append(known)
        return found[min(found)] if found else []


def distance(one: str, other: str) -> int:
    """Return how many letters have to be added, removed, replaced or swapped with the next to make one word of another.

    This is the optimal string alignment distance.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row, earlier = row, [i], before
        before = above
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return row[-1]
