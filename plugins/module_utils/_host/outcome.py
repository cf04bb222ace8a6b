# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one part of a host's state did. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

__all__ = ("Outcome",)


@dataclass
class Outcome:
    """What was, or in check mode would be, done.

    ``changes`` tells each change by its name, ``diff`` is what Ansible prints, and ``returned`` is what a caller may
    want to know besides.
    """

    changes: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    returned: dict[str, t.Any] = field(default_factory=dict)

    @classmethod
    def of_all(cls, outcomes: t.Iterable[Outcome]) -> Outcome:
        """Return several as one, without what they return besides."""
        found = cls()
        for one in outcomes:
            found.changes += one.changes
            found.diff += one.diff
            found.warnings += one.warnings
        return found
