# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an nginx that gives no answer is frozen or only slow: no input, no output, no clock.

Probes go out at fixed times, each over a new connection as a client's is, and none waits for the one before. Slow
is an nginx that answers late: every answer, however old its probe, proves that a worker serves new connections.
Frozen is one that answers none for so long that clients are better served elsewhere: a quarter of a second where a
peer answers meanwhile, three times as long where none does, because then both may just be overloaded, and a slow
holder is better than none; and where nginx would go on, but the host gives it no processor.
"""

from __future__ import annotations

from collections import deque

TOLERANCE = 1.5  # so much longer than the slowest answer of late a silence may last
REMEMBERED = 10.0  # seconds for which a late answer counts
LONGEST = 3  # times the limit: how long a silence is borne at most


class Silence:
    """How long no good answer has come. Moments are in seconds of one clock that never goes back.

    ``limit`` is how many seconds of it make a freeze, ``since`` when the first probe was asked that went
    unanswered, None where the last one was answered. Since then, ``peer_answers`` is whether one of the peers has
    answered, and ``starved`` whether nginx was seen waiting for a processor.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.since: float | None = None
        self.peer_answers = self.starved = False
        self._unfit = 0.0  # when it was last known to be unfit
        self._late: deque[tuple[float, float]] = deque(maxlen=1000)  # when it came, after how many seconds

    def asked(self, now: float) -> None:
        if self.since is None:
            self.since = now

    def answered(self, now: float, oldest: float, *, crashed: bool) -> None:
        """A good answer came, and of the probes that were open until then the oldest was asked at ``oldest``.

        Where one of several workers hangs on a listener of its own, its probes stay open while others are answered:
        the older they get, the longer a row of them has to be. And what stood still and soon went on was slow, even if
        it had been taken for frozen; after a crash or a real freeze the first answers say nothing of its speed.
        """
        seconds = now - (oldest if self.since is None else min(oldest, self.since))
        if crashed or seconds > LONGEST * self.limit:
            self._unfit = now
        seconds = min(seconds, now - self._unfit)
        if seconds * TOLERANCE > self.limit:
            self._late.append((now, seconds))
        self.since = None
        self.peer_answers = self.starved = False

    def slept(self, seconds: float) -> None:
        """Whoever asks did not run for this long: that is not held against nginx."""
        if self.since is not None:
            self.since += seconds

    def doubtful(self, now: float) -> float | None:
        """Return in how many seconds it has to be known whether a peer answers, None where nothing is amiss."""
        return None if self.since is None else max(0.0, self.since + self._usual(now) / 2 - now)

    def frozen(self, now: float) -> float | None:
        """Return in how many seconds this silence is a freeze, None where there is none."""
        if self.since is None:
            return None
        borne = self._usual(now) if self.peer_answers and not self.starved else LONGEST * self.limit
        return max(0.0, self.since + borne - now)

    def _usual(self, now: float) -> float:
        """Return the seconds of silence that are borne where a peer answers: a host that is slow gets longer."""
        while self._late and now - self._late[0][0] > REMEMBERED:
            self._late.popleft()
        slowest = max((seconds for _moment, seconds in self._late), default=0.0)
        return min(max(self.limit, TOLERANCE * slowest), LONGEST * self.limit)
