# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nginx is fit, decided from what has happened: no input, no output, no clock."""

from __future__ import annotations

from ..hysteresis import Hysteresis


class Health:
    """Decides from events whether nginx is fit.

    ``crashed`` is None as long as nothing is known, just after the start; then the first answer suffices.
    """

    def __init__(self, *, rise: int) -> None:
        self.answers = Hysteresis(fall=1, rise=rise)
        self.crashed: bool | None = None
        self.frozen = False
        self.reason = "it has just been started"

    @property
    def fit(self) -> bool:
        return self.crashed is False and not self.frozen

    def alive(self) -> None:
        """The main process lives; just after the start that is enough to be fit."""
        if self.crashed is None:
            self.crashed, self.reason = False, "its main process lives"
            self.answers.count(good=True)

    def dead(self, reason: str) -> None:
        """The main process is gone or the listener is closed."""
        if not self.crashed:
            self.crashed, self.reason = True, reason
        self.answers.count(good=False)

    def silent(self, reason: str) -> None:
        """A probe got no good answer: that alone takes nothing away, but a row of good answers is over."""
        if self.crashed is None:
            self.dead(reason)
        elif not self.fit:
            self.answers.count(good=False)

    def froze(self, reason: str) -> None:
        """No probe has got a good answer for too long. What is dead cannot freeze."""
        if self.crashed is False and not self.frozen:
            self.frozen, self.reason = True, reason
        self.answers.count(good=False)

    def answered(self, *, main_is_dead: bool) -> None:
        """A good answer. Workers outlive their main process for a while: their answers prove nothing."""
        if main_is_dead:
            return
        if self.answers.count(good=True):
            self.crashed, self.frozen, self.reason = False, False, "it answers"


class RestartGrace:
    """Decides how long a dead nginx may be on its way back. It is told the time, and has no clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.since: float | None = None
        self.over = False
        self._known = False

    def look(self, crashed: bool | None, now: float) -> bool:
        """Return whether nginx is down for good. One that is dead at the first look may have been so for long."""
        if crashed is None:
            return False
        if not crashed:
            self.since, self.over = None, False
        elif self.since is None:
            self.since, self.over = now, not self._known
        self._known = True
        if self.since is not None and now - self.since >= self.seconds:
            self.over = True
        return self.over

    def waits(self) -> bool:
        """Whether nginx is dead and may still come back."""
        return self.since is not None and not self.over
