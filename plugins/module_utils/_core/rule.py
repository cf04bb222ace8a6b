# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rules of a language. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding

__all__ = ("Rule", "Rules")

Subject = t.TypeVar("Subject")
Place = t.TypeVar("Place")
Find = t.Callable[[Subject], t.Iterator[t.Tuple[Place, str]]]


@dataclass(frozen=True)
class Rule(t.Generic[Subject, Place]):
    """A rule: its name, ``error`` or ``warning``, what it is about, and the function that finds what breaks it."""

    name: str
    severity: str
    summary: str
    find: Find[Subject, Place]


class Rules(t.Dict[str, Rule[Subject, Place]]):
    """Rules by name, in the order in which they are asked; ``where`` names the place of what one has found."""

    def __init__(self, where: t.Callable[[Place], str]) -> None:
        super().__init__()
        self._where = where

    def rule(self, severity: str) -> t.Callable[[Find[Subject, Place]], Find[Subject, Place]]:
        """Enter a function that yields what breaks a rule, each with a sentence.

        Its name is that of the rule, with hyphens; the first line of its docstring says what the rule is about.
        """

        def enter(find: Find[Subject, Place]) -> Find[Subject, Place]:
            name = find.__name__.replace("_", "-")
            self[name] = Rule(name, severity, (find.__doc__ or "").strip().split("\n")[0], find)
            return find

        return enter

    def ask(self, subject: Subject) -> list[Finding]:
        """Return what every rule finds, rule after rule."""
        return [
            Finding(item.name, item.severity, self._where(place), message)
            for item in self.values()
            for place, message in item.find(subject)
        ]
