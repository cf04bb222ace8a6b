# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each balancer serves; one that fails leaves its address to the other, and gets it back when it is well again."""

from __future__ import annotations

import typing as t

import pytest
from balancers import FAST, Balancers, clients, watched

SPREAD = {"10.89.50.100": "lb1", "10.89.50.101": "lb2"}


@pytest.fixture
def pair() -> t.Iterator[Balancers]:
    pair = Balancers("lb1", "lb2")
    pair.heal(SPREAD)
    yield pair
    pair.heal(SPREAD)


@pytest.mark.parametrize(("failing", "left"), [("lb1", "lb2"), ("lb2", "lb1")])
def test_the_other_takes_over_and_gives_back(pair: Balancers, failing: str, left: str) -> None:
    with watched(SPREAD, pair) as holders:
        with clients(SPREAD) as broken:
            pair[failing].kill()
            pair.placed(dict.fromkeys(SPREAD, left), within=5)
            broken.settle(1.0)
        with clients(SPREAD) as healed:
            pair[failing].revive()
            holders.follow(pair[failing])
            pair.placed(SPREAD, within=30)
            healed.settle(1.0)
    broken.assert_within(FAST.host_gone, f"{failing} killed")
    healed.assert_within(FAST.host_gone, f"{failing} back")
    assert holders.split() <= FAST.host_gone
    # Who was well all the time kept what it had.
    assert {address: holders.moves(address) for address in SPREAD} == {
        address: 0 if preferred == left else 2 for address, preferred in SPREAD.items()
    }
