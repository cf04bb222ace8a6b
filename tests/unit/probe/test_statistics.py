# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a window: what is a gap, what is slow, when the window ended in an outage."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.statistics import (
    Sample,
    Samples,
    longest_gap,
    percentile,
    summary,
)
from hypothesis import given
from hypothesis import strategies as st


def window(*requests: Sample, length: float = 1.0) -> Samples:
    return Samples(began=1_700_000_000.0, length=length, slow_after=0.5, requests=requests)


def good(due: float, end: float | None = None, server: str = "") -> Sample:
    return Sample(due, due, due + 0.001 if end is None else end, "ok", 200, server)


def bad(due: float, outcome: str = "refused", status: int = 0) -> Sample:
    return Sample(due, due, due + 0.001, outcome, status)


@pytest.mark.parametrize(
    ("answers", "length", "expected"),
    [
        pytest.param([], 10.0, (0.0, 10.0), id="no answer at all: the whole window"),
        pytest.param([0.1, 0.2, 0.9], 1.0, (0.2, 0.7), id="in the middle"),
        pytest.param([0.7, 0.8, 0.9], 1.0, (0.0, 0.7), id="from the beginning to the first answer"),
        pytest.param([0.1, 0.2, 0.3], 1.0, (0.3, 0.7), id="from the last answer to the end"),
        pytest.param([0.9, 0.1, 0.2], 1.0, (0.2, 0.7), id="answers in any order"),
        pytest.param([0.4, 0.8], 1.0, (0.0, 0.4), id="of two equal ones the first"),
        pytest.param([0.4, 3.5], 1.0, (0.4, 0.6), id="an answer after the end does not stretch it"),
    ],
)
def test_longest_gap(answers: list[float], length: float, expected: tuple[float, float]) -> None:
    assert longest_gap(answers, length) == pytest.approx(expected)


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=40))
def test_the_gap_lies_in_the_window_and_holds_no_answer(answers: list[float]) -> None:
    begin, gap = longest_gap(answers, 10.0)
    assert 0 <= begin <= begin + gap <= 10.0 + 1e-9
    assert not [moment for moment in answers if begin < moment < begin + gap - 1e-9]
    assert gap >= 10.0 / (len(answers) + 1) - 1e-9


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.5, 7.0),
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 1.0, 4.0),
        ([float(value) for value in range(1, 201)], 0.99, 198.0),
    ],
)
def test_percentile(values: list[float], part: float, expected: float | None) -> None:
    assert percentile(values, part) == expected


def test_a_quiet_window() -> None:
    seen = summary(window(*(good(number / 100, server="web1" if number % 4 else "web2") for number in range(100))))
    assert seen["requests"] == seen["ok"] == 100
    assert seen["failed_total"] == seen["slow"] == 0
    assert seen["gap_ms"] == pytest.approx(10)
    assert seen["served_by"] == {"web1": 75, "web2": 25}
    assert seen["statuses"] == {"200": 100}
    assert not seen["ended_in_outage"]
    assert seen["began"] == "2023-11-14T22:13:20.000000Z"


def test_an_outage_in_the_middle_is_dated() -> None:
    failing = [bad(number / 100, "refused" if number < 45 else "timeout") for number in range(40, 60)]
    seen = summary(
        window(*(good(number / 100) for number in range(40)), *failing, *(good(n / 100) for n in range(60, 100)))
    )
    assert (seen["failures"]["refused"], seen["failures"]["timeout"], seen["failed_total"]) == (5, 15, 20)
    assert seen["gap_ms"] == pytest.approx(210)
    assert seen["gap_begin_s"] == pytest.approx(0.391)
    assert seen["gap_begin"] == "2023-11-14T22:13:20.391000Z"
    assert not seen["ended_in_outage"]


def test_no_answer_at_all() -> None:
    seen = summary(window(*(bad(number / 100) for number in range(100))))
    assert seen["ok"] == 0
    assert seen["gap_ms"] == 1000
    assert (seen["p50_ms"], seen["p99_ms"], seen["max_ms"]) == (None, None, None)
    assert seen["ended_in_outage"]


def test_a_window_without_requests_proves_nothing() -> None:
    seen = summary(window())
    assert (seen["requests"], seen["gap_ms"], seen["ended_in_outage"]) == (0, 1000, True)


def test_every_answer_slow_is_no_failure_and_yet_no_good_end() -> None:
    seen = summary(window(*(good(number / 100, number / 100 + 0.6) for number in range(100))))
    assert (seen["ok"], seen["slow"], seen["failed_total"]) == (100, 100, 0)
    assert seen["p50_ms"] == pytest.approx(600)
    assert seen["gap_ms"] == pytest.approx(600)
    assert seen["ended_in_outage"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(good(0.99), False, id="answered"),
        pytest.param(bad(0.99), True, id="refused"),
        pytest.param(bad(0.99, "timeout"), True, id="timed out"),
        pytest.param(bad(0.99, "status", 503), True, id="an error page"),
        pytest.param(good(0.99, 2.0), True, id="answered when the window was long over"),
    ],
)
def test_the_last_request_decides_whether_the_window_ended_in_an_outage(last: Sample, expected: bool) -> None:
    requests = [*(good(number / 100) for number in range(99)), last]
    # The client learns of a timeout after it has learnt of later answers: the order of knowing must not matter.
    assert summary(window(*reversed(requests)))["ended_in_outage"] is expected


def test_an_error_page_is_no_answer() -> None:
    seen = summary(window(good(0.0), bad(0.3, "status", 503), bad(0.6, "status", 503), good(0.9)))
    assert seen["failures"]["status"] == 2
    assert seen["statuses"] == {"200": 2, "503": 2}
    assert seen["gap_ms"] == pytest.approx(900)


def test_the_lateness_of_the_client_itself_is_told() -> None:
    seen = summary(window(good(0.0), Sample(0.5, 0.62, 0.621, "ok", 200)))
    assert seen["late_ms"] == pytest.approx(120)
    assert seen["max_ms"] == pytest.approx(1), "lateness of the client is not latency of the service"


def test_the_result_is_plain_data() -> None:
    def plain(value: t.Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(part) for key, part in value.items())
        return value is None or isinstance(value, (str, int, float, bool))

    assert plain(summary(window(good(0.1), bad(0.2))))
