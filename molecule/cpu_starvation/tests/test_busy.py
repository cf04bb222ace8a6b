# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Busy hosts are no dead hosts: under more load than there are processors nobody takes an address from a holder."""

from __future__ import annotations

import os
import time

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.load import LOOPS, busy

SECONDS = int(os.environ.get("HOLDFAST_BUSY_SECONDS", "300"))


def test_no_false_takeover_under_load(pair: Cluster) -> None:
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        with busy(pair):
            time.sleep(SECONDS)  # nothing is to happen, for as long as this
        window.settle(1.0)
    seen = window.summary()
    print(f"MEASURED {LOOPS} busy loops, {SECONDS} s: gap {seen['gap_ms']} ms, {seen['failed_total']} failed")
    assert holders.moves() == 0
    assert holders.longest(at_most=0) == 0
    assert holders.longest(at_least=2) == 0
