# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outage that follows from the settings, against the formulas and against what was measured."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.timing import (
    FAULTS,
    PROFILES,
    Probe,
    Timing,
    outage,
    timing,
)


@pytest.mark.parametrize(
    ("settings", "priority", "skew", "master_down"),
    [
        # RFC 5798, 6.1: the skew is a share of the interval.
        (Timing(3, 0.1), 100, 0.0609375, 0.3609375),
        (Timing(3, 0.1), 240, 0.00625, 0.30625),
        (Timing(3, 1.0), 254, 0.0078125, 3.0078125),
        # RFC 3768, 6.1: the skew is a share of a second, whatever the interval.
        (Timing(2, 1.0), 100, 0.609375, 3.609375),
        (Timing(2, 5.0), 100, 0.609375, 15.609375),
    ],
)
def test_timers_are_those_of_the_protocol(settings: Timing, priority: int, skew: float, master_down: float) -> None:
    assert settings.skew(priority) == pytest.approx(skew)
    assert settings.master_down(priority) == pytest.approx(master_down)


@pytest.mark.parametrize(
    ("settings", "priority", "fault", "measured"),
    [
        (Timing(3, 0.1), 100, "host_gone", (0.27, 0.35)),
        (Timing(3, 0.1), 100, "keepalived_stopped", (0.07, 0.11)),
        (Timing(3, 1.0), 100, "host_gone", (2.97, 3.1)),
        (Timing(3, 1.0), 100, "nginx_killed", (0.61, 0.62)),
        (Timing(2, 1.0), 100, "host_gone", (3.1, 3.69)),
    ],
)
def test_the_formula_brackets_what_was_measured(
    settings: Timing, priority: int, fault: str, measured: tuple[float, float]
) -> None:
    expected = outage(settings, priority)[fault]
    assert expected.least <= measured[0]
    assert measured[1] <= expected.most


@pytest.mark.parametrize(
    ("profile", "budgets"),
    [
        ("fastest", {"host_gone": 0.2, "nginx_killed": 0.2, "nginx_frozen": 0.5, "keepalived_stopped": 0.2}),
        ("fast", {"host_gone": 0.4, "nginx_killed": 0.2, "nginx_frozen": 1.0, "keepalived_stopped": 0.2}),
        ("standard", {"host_gone": 4.0, "nginx_killed": 1.0, "nginx_frozen": 5.0, "keepalived_stopped": 0.7}),
    ],
)
def test_profiles_hold_the_budgets_of_a_pair(profile: str, budgets: dict[str, float]) -> None:
    expected = outage(PROFILES[profile], 240)
    assert {fault: most for fault, most in budgets.items() if expected[fault].most > most} == {}


def test_adverts_that_are_dense_need_a_real_time_priority() -> None:
    assert [name for name, one in PROFILES.items() if one.needs_real_time] == ["fastest"]
    assert timing({"advert_int": 0.02}, "keepalived_timing").needs_real_time


def test_every_fault_is_told_and_only_a_planned_move_costs_nothing() -> None:
    expected = outage(PROFILES["relaxed"], 240)
    assert tuple(expected) == FAULTS
    assert [fault for fault in FAULTS if expected[fault].most == 0] == ["planned_move"]


def test_a_slower_probe_notices_a_freeze_later() -> None:
    slow = outage(PROFILES["fast"], 240, Probe(interval=1, timeout=2, fall=3))["nginx_frozen"]
    assert slow.least == pytest.approx(4, abs=0.1)
    assert slow.most == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("fast", Timing(3, 0.1)),
        ("standard", Timing(3, 1.0)),
        ({}, Timing(3, 0.1)),
        ({"advert_int": 0.25}, Timing(3, 0.25)),
        ({"advert_int": "0.25", "version": "3"}, Timing(3, 0.25)),
        ({"version": 2}, Timing(2, 1.0)),
        ({"version": 2, "advert_int": 3}, Timing(2, 3.0)),
    ],
)
def test_timing_is_said_by_name_or_by_numbers(value: t.Any, expected: Timing) -> None:
    assert timing(value, "keepalived_timing") == expected


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("quick", "keepalived_timing", "fast, standard, relaxed"),
        (3, "keepalived_timing", "name a profile"),
        ({"advert": 1}, "keepalived_timing.advert", "only advert_int and version"),
        ({"version": 4}, "keepalived_timing.version", "no 4"),
        ({"version": 2, "advert_int": 0.5}, "keepalived_timing.advert_int", "version 2 counts whole seconds"),
        ({"version": 2, "advert_int": 1.5}, "keepalived_timing.advert_int", "from 1 to 255"),
        ({"version": 2, "advert_int": 256}, "keepalived_timing.advert_int", "from 1 to 255"),
        ({"advert_int": 0.005}, "keepalived_timing.advert_int", "from 0.01 to 40.95"),
        ({"advert_int": 0.125}, "keepalived_timing.advert_int", "hundredths"),
        ({"advert_int": 41}, "keepalived_timing.advert_int", "from 0.01 to 40.95"),
        ({"advert_int": "soon"}, "keepalived_timing.advert_int", "must be a number"),
        ({"advert_int": "nan"}, "keepalived_timing.advert_int", "must be a number"),
        ({"version": 2.5}, "keepalived_timing.version", "no 2.5"),
    ],
)
def test_numbers_that_the_protocol_cannot_carry_are_refused(value: t.Any, path: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        timing(value, "keepalived_timing")
    assert caught.value.path == path
    assert words in caught.value.message
