# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services write to the journal is bounded, whoever makes them write."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import service
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.service import (
    LINES,
    LONGEST_LINE,
    NOTICE,
    PERIOD,
    WARNING,
    log,
    log_left_out,
)


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(service, "time", clock)
    monkeypatch.setattr(service, "_places", {})
    return clock


def flood(count: int) -> None:
    for number in range(count):
        log(WARNING, f"fault {number}")


def test_a_flood_from_one_place_is_summed_up_and_no_other_place_loses_a_word(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    flood(2560)
    log(NOTICE, "something else")
    log_left_out()
    lines = capsys.readouterr().err.split("\n")[:-1]
    assert lines == [*(f"fault {number}" for number in range(LINES)), "something else"]
    clock.now += PERIOD
    log_left_out()
    log_left_out()
    assert capsys.readouterr().err == f"{2560 - LINES} more lines like those before were left out.\n"
    flood(LINES)
    assert capsys.readouterr().err.count("fault") == LINES


def test_what_comes_now_and_then_is_written_whole(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for _time in range(10):
        flood(LINES)
        clock.now += PERIOD
        log_left_out()
    assert capsys.readouterr().err.count("fault") == 10 * LINES


def test_the_years_need_no_room(clock: Clock) -> None:
    flood(10_000)
    assert len(service._places) == 1


@pytest.mark.parametrize(
    ("sentence", "line"),
    [
        pytest.param("Näher, näher.", "Näher, näher.", id="letters of any language"),
        pytest.param("a\n<0>b\x1b[2J\r", "a\\n<0>b\\x1b[2J\\r", id="what a terminal or the journal would obey"),
        pytest.param("9" * 4000, f"{'9' * LONGEST_LINE} ... and {4000 - LONGEST_LINE} more characters", id="long"),
    ],
)
def test_a_line_is_one_line_and_has_an_end(
    clock: Clock, capsys: pytest.CaptureFixture[str], sentence: str, line: str
) -> None:
    log(NOTICE, sentence)
    assert capsys.readouterr().err == f"{line}\n"
