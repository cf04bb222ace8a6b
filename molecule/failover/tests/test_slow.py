# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx that is slow is not frozen: it keeps the address, above all where the other one is no better."""

from __future__ import annotations

import time

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.load import stalling

SECONDS = 10
HANDED_OVER = 0.4  # seconds, as for a host that is gone


def test_one_that_stands_still_for_a_quarter_of_each_second_keeps_the_address(pair: Cluster) -> None:
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        with stalling([pair.lb1], 0.25):
            time.sleep(SECONDS)  # nothing is to happen, for as long as this
        window.settle(1.0)
    assert window.summary()["failed_total"] == 0
    assert (holders.moves(), holders.longest(at_most=0)) == (0, 0), str(holders)


def test_when_both_stand_still_for_half_of_each_second_one_of_them_holds(pair: Cluster) -> None:
    """Where the one begins a little earlier, the other still answers and may take the address; nobody may lose it."""
    with watching(VIP, pair.balancers) as holders, stalling(pair.balancers, 0.5):
        time.sleep(SECONDS)
    assert holders.longest(at_most=0) < HANDED_OVER, str(holders)
