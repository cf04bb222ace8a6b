# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gives way where two claim an address, and who calls the clients back, question by question."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.conflict import (
    AT_LEAST,
    GONE,
    PAUSE,
    REMEMBERED,
    SLOW_AFTER,
    SLOW_PAUSE,
    AddressConflict,
    Verdict,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import LATE

VIP, OTHER = "10.0.0.100", "02:00:00:00:00:0c"
GATEWAY, PEER = "10.0.0.1", "10.0.0.12"


class Harness:
    """A conflict and its clock. A round is a question, and what is answered before the next one is due."""

    def __init__(self, *, known: bool = True, holds: bool = True) -> None:
        self.conflict, self.now, self.holds = AddressConflict(), 100.0, holds
        if known:
            self.conflict.witnessed(self.now - 5, GATEWAY, third=True)

    def doubt(self) -> None:
        self.conflict.begin(self.now)
        assert self.conflict.due(self.now) == 0
        assert self.conflict.verdict(self.now, holds=self.holds) is None  # that was the first question

    def round(self, *, other: bool = False, witness: str = "") -> Verdict | None:
        assert self.conflict.due(self.now), "the conflict is over, or a question was not asked"
        if other:
            self.conflict.claimed(self.now, VIP, OTHER, holds=self.holds)
        if witness:
            self.conflict.witnessed(self.now, witness, third=witness != PEER)
        self.now += self.conflict.due(self.now) or 0.0
        return self.conflict.verdict(self.now, holds=self.holds)

    def rounds(self, count: int, *, other: bool = False, witness: str = "") -> list[Verdict | None]:
        return [self.round(other=other, witness=witness) for _number in range(count)]

    @property
    def over(self) -> bool:
        return self.conflict.due(self.now) is None


def cut_off(*, holds: bool = True) -> Harness:
    """Return one that has given way."""
    harness = Harness(holds=holds)
    harness.doubt()
    assert harness.rounds(AT_LEAST, other=True) == [None] * (AT_LEAST - 1) + [Verdict.YIELD]
    assert harness.conflict.yielded
    return harness


@pytest.mark.parametrize("holds", [True, False])
def test_one_that_no_witness_answers_gives_way_to_another(holds: bool) -> None:
    harness = cut_off(holds=holds)
    assert harness.now == pytest.approx(100.0 + AT_LEAST * PAUSE)
    assert harness.conflict.claims == {VIP: OTHER}


@pytest.mark.parametrize("witness", [GATEWAY, PEER])
def test_one_that_is_heard_stays(witness: str) -> None:
    harness = Harness()
    harness.doubt()
    assert harness.rounds(50, other=True, witness=witness) == [None] * 50
    assert not harness.conflict.yielded


def test_a_witness_that_answers_now_and_then_is_enough() -> None:
    harness = Harness()
    harness.doubt()
    for _number in range(20):
        assert harness.round(other=True) is None
        assert harness.round(other=True, witness=GATEWAY) is None


def test_a_witness_that_never_answers_says_nothing() -> None:
    harness = Harness(known=False)
    harness.doubt()
    assert harness.rounds(50, other=True) == [None] * 50


def test_a_witness_that_fell_silent_long_ago_says_nothing() -> None:
    harness = Harness()
    harness.now += REMEMBERED
    harness.doubt()
    assert harness.rounds(50, other=True) == [None] * 50


def test_a_peer_alone_is_no_witness() -> None:
    harness = Harness(known=False)
    harness.conflict.witnessed(harness.now - 1, PEER, third=False)
    harness.doubt()
    assert harness.rounds(50, other=True) == [None] * 50


def test_nobody_gives_way_to_nobody() -> None:
    harness = Harness()
    harness.doubt()
    assert harness.rounds(GONE) == [None] * GONE
    assert harness.over


@pytest.mark.parametrize("witness", [GATEWAY, ""])
def test_who_is_left_announces_the_address_until_the_other_is_surely_gone(witness: str) -> None:
    harness = Harness(known=bool(witness))
    harness.doubt()
    harness.rounds(3, other=True, witness=witness)
    assert harness.rounds(GONE, witness=witness) == [Verdict.DEFEND] * GONE
    assert harness.over


def test_one_that_does_not_hold_the_address_announces_nothing() -> None:
    harness = Harness(known=False, holds=False)
    harness.doubt()
    harness.rounds(3, other=True)
    assert harness.rounds(GONE) == [None] * GONE
    assert harness.over


def test_the_doubts_of_a_standby_that_is_heard_are_over() -> None:
    harness = Harness(holds=False)
    harness.doubt()
    assert harness.round(other=True, witness=GATEWAY) is None
    assert harness.over


@pytest.mark.parametrize("advert_int", [0.03, 0.1, 1.0])
def test_a_standby_that_is_cut_off_knows_before_it_would_take_over(advert_int: float) -> None:
    conflict, now = AddressConflict(advert_int), 100.0 + LATE * advert_int
    conflict.witnessed(95.0, GATEWAY, third=True)
    conflict.begin(now)
    verdict = conflict.verdict(now, holds=False)
    while verdict is None:
        conflict.claimed(now, VIP, OTHER, holds=False)
        now += conflict.due(now) or 0.0
        verdict = conflict.verdict(now, holds=False)
    assert verdict is Verdict.YIELD
    assert now < 100.0 + 2 * advert_int, "it waits for three that are missing"


def test_only_a_holder_has_doubts_when_another_claims_its_address() -> None:
    for holds in (True, False):
        conflict = AddressConflict()
        conflict.claimed(1.0, VIP, OTHER, holds=holds)
        assert (conflict.due(1.0) == 0) is holds


def test_a_contest_that_nobody_wins_is_looked_at_slowly_and_its_end_at_once() -> None:
    harness = Harness()
    harness.doubt()
    while harness.now <= 100.0 + SLOW_AFTER:
        harness.round(other=True, witness=GATEWAY)
    assert harness.conflict.due(harness.now) == SLOW_PAUSE
    harness.round(other=True, witness=GATEWAY)
    assert harness.round(witness=GATEWAY) is Verdict.DEFEND
    assert harness.conflict.due(harness.now) == pytest.approx(PAUSE)


def test_one_that_gave_way_comes_back_when_it_is_heard_again() -> None:
    harness = cut_off()
    assert harness.rounds(50, other=True) == [None] * 50
    assert harness.rounds(GONE, other=True, witness=GATEWAY) == [None] * (GONE - 1) + [Verdict.COME_BACK]
    assert not harness.conflict.yielded
    assert harness.over


def test_an_answer_now_and_then_brings_nobody_back() -> None:
    harness = cut_off()
    for _number in range(10):
        assert harness.rounds(GONE - 1, other=True, witness=GATEWAY) == [None] * (GONE - 1)
        assert harness.round(other=True) is None


def test_one_that_is_cut_off_is_better_than_none_and_stays_then() -> None:
    harness = cut_off()
    harness.holds = False
    assert harness.rounds(GONE) == [None] * (GONE - 1) + [Verdict.COME_BACK]
    harness.holds = True
    harness.doubt()
    assert harness.rounds(20, other=True) == [None] * 20
    # Until a witness has answered: then it is as before.
    harness.round(other=True, witness=GATEWAY)
    assert harness.rounds(AT_LEAST, other=True)[-1] is Verdict.YIELD
