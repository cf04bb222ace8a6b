# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of a run, and what became of it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field
from xml.etree import ElementTree

__all__ = ("Counts", "Lab", "Result", "Step", "counts_of")


class Lab(enum.Enum):
    """Which lab a step needs while it runs."""

    NONE = "none"
    """A step without a lab gives way to whatever else runs."""
    ONE = "one"
    """A lab to itself; another one may be busy beside it."""
    ONLY = "only"
    """The only one: it measures what a client sees within tight limits, or takes all processors."""


@dataclass(frozen=True)
class Step:
    """One session of nox with these arguments."""

    session: str
    arguments: tuple[str, ...] = ()
    lab: Lab = Lab.NONE
    # Its tests are counted one by one, and there must be some.
    pytest: bool = True
    # It counts as a test itself: a linter, or a scenario, whose converge is none of the tests in it.
    itself: bool = False
    # Its tests report which lines they reach.
    coverage: bool = False
    limit: float = 1800  # seconds
    environment: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return " ".join([self.session, *(word for word in self.arguments if not word.startswith("-"))])

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command line that a person may repeat."""
        return ("nox", "--session", self.session, *(("--", *self.arguments) if self.arguments else ()))


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped, and the words for those that did not pass."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remarks: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of a step."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    log: str = ""
    remarks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failed


def counts_of(report: str) -> Counts:
    """Count the tests of a JUnit report; a test that is expected to fail, and does, has passed."""
    passed = failed = skipped = 0
    remarks = []
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            remarks.append(f"failed: {name}")
        elif skip is not None and skip.get("type") != "pytest.xfail":
            skipped += 1
            remarks.append(f"skipped: {name}: {skip.get('message', '')}")
        else:
            passed += 1
    return Counts(passed, failed, skipped, tuple(remarks))
