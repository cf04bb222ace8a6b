# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two that claim an address gives it up, and which calls the clients back: no input, no output, no clock.

Where a firewall or a broken network drops what one node sends and receives over IP, ARP goes on: each node takes the
other for dead, both announce the address, and the clients of the cut-off one are lost. Priorities cannot tell which
one that is, but others on the network can. So a node whose address another one claims asks witnesses: when none of
those that answered of late does, while another node answers for the address, it yields. Who is left defends the address
(RFC 5227, section 2.4): it announces it.

A node that has yielded comes back as soon as its witnesses answer, or nobody answers for the address any more: a node
that is cut off is better than none, and then it is pinned until a witness has answered.
"""

from __future__ import annotations

import enum

PAUSE = 0.03  # seconds between two questions: neighbours answer within one or two milliseconds
PAUSE_SHARE = 0.3  # of the interval of the adverts: a standby in doubt has to know before it would take over
YIELDED_PAUSE = 0.2
SLOW_PAUSE = 1.0
AT_LEAST = 2  # questions without an answer that say something
GONE = 3  # questions without an answer after which the other one is gone, or answered ones after which all is well
SLOW_AFTER = 2.0  # seconds after which a conflict that nobody has won is looked at slowly
MOST_WITNESSES = 64  # gateways come and go over the months
REMEMBERED = 35.0  # seconds for which a witness counts that has answered: three of the detector's routine questions


class Verdict(enum.Enum):
    """What to do now."""

    YIELD = "yield"
    COME_BACK = "come back"
    DEFEND = "defend"


class AddressConflict:
    """The conflict over the addresses of one instance. Moments are in seconds of one clock that never goes back.

    ``yielded`` says that this node has given the addresses up, and ``pinned`` that it may not do so again. ``claims``
    has the MAC of another node by each address that it has claimed since the conflict began, ``answered`` when each
    witness answered last.
    """

    def __init__(self, advert_int: float = 0.1) -> None:
        self.pause = min(PAUSE, PAUSE_SHARE * advert_int)
        self.yielded = False
        self.pinned = False
        self.answered: dict[str, float] = {}
        self.claims: dict[str, str] = {}
        self._opened: float | None = None
        self._asked: float | None = None
        self._claimed = self._heard = False  # since the last question
        self._other_silent = self._witnesses_silent = self._witnesses_heard = 0  # questions in a row

    def begin(self, now: float) -> None:
        """Doubt arose: a question is due. Nothing changes where it arose before."""
        if self._opened is None:
            self._opened, self._asked = now, None
            self.claims = {}
            self._claimed = self._heard = False
            self._other_silent = self._witnesses_silent = self._witnesses_heard = 0

    def claimed(self, now: float, address: str, mac: str, *, holds: bool) -> None:
        """Another node answers for an address of the instance, or announces it: a reason to doubt for a holder."""
        if holds:
            self.begin(now)
        self._claimed = True
        self.claims[address] = mac

    def witnessed(self, now: float, witness: str, *, third: bool) -> None:
        """One that was asked has answered. ``third``: it is no peer, whose silence says nothing about this node."""
        if third:
            self.answered[witness] = now
            if len(self.answered) > MOST_WITNESSES:
                del self.answered[min(self.answered, key=lambda item: self.answered[item])]
        self._heard, self.pinned = True, False

    def due(self, now: float) -> float | None:
        """Return in how many seconds the next question, and with it a verdict, is due; None where there is no doubt."""
        if self._opened is None:
            return None
        if self._asked is None:
            return 0.0
        if self.yielded:
            pause = YIELDED_PAUSE
        elif now - self._opened > SLOW_AFTER and not self._other_silent:
            pause = SLOW_PAUSE
        else:
            pause = self.pause
        return max(0.0, self._asked + pause - now)

    def verdict(self, now: float, *, holds: bool) -> Verdict | None:
        """Decide by the answers to the last question. The next one is to be asked now, while ``due`` says so."""
        first, self._asked = self._asked is None, now
        if first or self._opened is None:
            return None
        self._other_silent = 0 if self._claimed else self._other_silent + 1
        self._witnesses_silent = 0 if self._heard else self._witnesses_silent + 1
        self._witnesses_heard = self._witnesses_heard + 1 if self._heard else 0
        self._claimed = self._heard = False
        return self._after_yielding() if self.yielded else self._before_yielding(now, holds)

    def _after_yielding(self) -> Verdict | None:
        nobody = self._other_silent >= GONE
        if not nobody and self._witnesses_heard < GONE:
            return None
        self.yielded, self.pinned = False, not self._witnesses_heard
        self._opened = None
        return Verdict.COME_BACK

    def _before_yielding(self, now: float, holds: bool) -> Verdict | None:
        cut_off = self._witnesses_silent >= AT_LEAST and self.known(now) and not self.pinned
        if cut_off and not self._other_silent:
            self.yielded = True
            return Verdict.YIELD
        if self._other_silent >= GONE or (self._witnesses_heard and not holds):
            self._opened = None
        return Verdict.DEFEND if holds and self.claims and self._other_silent else None

    def known(self, now: float) -> set[str]:
        """Return the witnesses that have answered of late: the silence of one that never does says nothing."""
        return {witness for witness, last in self.answered.items() if now - last <= REMEMBERED}
