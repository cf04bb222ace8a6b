# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three balancers with an address each: whoever fails, every address has one holder and those left carry the same."""

from __future__ import annotations

import typing as t
from collections import Counter

import pytest

from harness.clients import FAST, clients, watched
from harness.cluster import Cluster, healthy
from harness.waiting import eventually

SPREAD = {"10.89.50.100": "lb1", "10.89.50.101": "lb2", "10.89.50.102": "lb3"}


@pytest.fixture
def three() -> t.Iterator[Cluster]:
    with healthy(SPREAD, *SPREAD.values()) as cluster:
        yield cluster


@pytest.mark.parametrize("failing", [("lb1", "lb2"), ("lb3", "lb1")], ids=" then ".join)
def test_those_that_are_left_share_evenly(three: Cluster, failing: tuple[str, ...]) -> None:
    with watched(SPREAD, three) as holders:
        for count, name in enumerate(failing, start=1):
            left = sorted(set(three.nodes) - set(failing[:count]))
            with clients(SPREAD) as seen:
                three[name].kill()
                eventually(
                    lambda: set(three.placement(SPREAD).values()) <= set(left),  # noqa: B023  asked within the loop
                    within=5,
                    saying=f"one of {', '.join(left)} holds each address",
                )
                seen.settle(1.0)
            seen.assert_within(FAST.host_gone, f"{name} killed, {' and '.join(left)} left")
            load = Counter(three.placement(SPREAD).values())
            assert sorted(load) == left
            assert max(load.values()) - min(load.values()) <= 1
    assert holders.split() <= FAST.host_gone
    three.recover()
