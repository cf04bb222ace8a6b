# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each balancer serves; one that fails leaves its address to the other, and gets it back when it is well again."""

from __future__ import annotations

import typing as t

import pytest

from harness.clients import fails_and_returns
from harness.cluster import Cluster, healthy

SPREAD = {"10.89.50.100": "lb1", "10.89.50.101": "lb2"}


@pytest.fixture
def pair() -> t.Iterator[Cluster]:
    with healthy(SPREAD) as cluster:
        yield cluster


@pytest.mark.parametrize(("failing", "left"), [("lb1", "lb2"), ("lb2", "lb1")])
def test_the_other_takes_over_and_gives_back(pair: Cluster, failing: str, left: str) -> None:
    holders = fails_and_returns(pair, failing, left, SPREAD)
    # Who was well all the time kept what it had.
    assert {address: holders.moves(address) for address in SPREAD} == {
        address: 0 if preferred == left else 2 for address, preferred in SPREAD.items()
    }
