# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the user's: what is asked or started for each, and when its answers make it fail."""

from __future__ import annotations

import os
import typing as t

from ..hysteresis import Hysteresis
from .children import ABSENT, UNKNOWN
from .probe import Listener, Target

NOT_RUN = (126, 127)  # what a shell says of a program that it cannot become
KINDS = ("url", "port", "command", "file")


def end_shown(status: int) -> str:
    """Return what the status of an ended child means, in words."""
    if os.WIFSIGNALED(status):
        return f"was killed by signal {os.WTERMSIG(status)}"
    code = os.WEXITSTATUS(status)
    return "could not be run" if code in NOT_RUN else f"ended with status {code}"


class Check(Listener):
    """One check of the user's. It is begun every ``interval`` seconds, and never while it is still under way."""

    def __init__(self, data: t.Mapping[str, t.Any]) -> None:
        """Raises KeyError, TypeError or ValueError where the data is none."""
        self.name = str(data["name"])
        self.kind = str(data["kind"])
        if self.kind not in KINDS or "/" in self.name:
            raise ValueError(f"{self.name} is no check")
        self.interval = float(data["interval"])
        self.timeout = float(data["timeout"])
        if min(self.interval, self.timeout) < 0.01:
            raise ValueError(f"interval and timeout of {self.name} must be at least 0.01")
        self.hysteresis = Hysteresis(fall=int(data["fall"]), rise=int(data["rise"]))
        self.reason = "it has just been started"
        self.target = Target(data) if self.kind in ("url", "port") else None
        self.command = [str(word) for word in data["command"]] if self.kind == "command" else []
        self.file = str(data["file"]) if self.kind == "file" else ""
        self.present = data.get("state", "present") == "present"
        self.due = 0.0
        self.under_way = False
        self.warnings: set[str] = set()

    @property
    def file_name(self) -> str:
        return f"check_{self.name}"

    def ended(self, status: int) -> None:
        """The child has ended by itself, with this status as waitpid has it."""
        if self.command:
            self._count(status == 0, f"{self.command[0]} {end_shown(status)}")
        elif self.under_way:
            self.looked(UNKNOWN)

    def looked(self, found: int) -> None:
        """Somebody has looked at the file."""
        if found in (0, ABSENT):
            self._count((found == 0) == self.present, f"{self.file} is {'there' if found == 0 else 'not there'}")
        else:
            self._count(False, f"{self.file} cannot be looked at")

    def late(self) -> None:
        """The child has not ended in time."""
        self._count(False, f"{self.command[0] if self.command else self.file}: no result within {self.timeout:g} s")

    def answered(self, status: int) -> None:
        if status in (502, 504):
            self.warnings.add(
                f"{self.target} answers {status} for check {self.name}, so backends behind it are asked: "
                "with all of them down no balancer holds the address."
            )
        good = status == 0 or 200 <= status < 400
        self._count(good, f"{self.target} answers {status}" if status else f"{self.target} accepts connections")

    def refused(self, reason: str) -> None:
        self._count(False, reason)

    def silent(self, reason: str) -> None:
        self._count(False, reason)

    def _count(self, good: bool, reason: str) -> None:
        self.under_way = False
        if self.hysteresis.count(good=good):
            self.reason = reason
