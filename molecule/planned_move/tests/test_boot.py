# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both nodes lose their power and come back, in whatever order: one holder soon, and never two."""

from __future__ import annotations

import json
import re
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.cluster import Cluster
from harness.fault_injection import SETTLED
from harness.node import Node
from harness.waiting import eventually

STATE = re.compile(r"\(VI_1\) Entering (\w+) STATE")
BOOTED = 10.0  # seconds from the start of a node until the address has a holder

Order = t.Callable[[Cluster], t.Any]


def one_after_the_other(first: str, second: str) -> Order:
    def boot(pair: Cluster) -> None:
        for name in (first, second):
            node: Node = getattr(pair, name)
            node.start()
            if name == first:
                pair.held_by(node, within=BOOTED)

    return boot


def both_at_once(pair: Cluster) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda node: node.start(), pair.balancers))


ORDERS: dict[str, Order] = {
    "the preferred one first": one_after_the_other("lb1", "lb2"),
    "the other one first": one_after_the_other("lb2", "lb1"),
    "both at once": both_at_once,
}


def masters(node: Node, since: float) -> list[tuple[float, float]]:
    """Return when keepalived was master on a node since then: begin and end, the last one open."""
    found: list[tuple[float, float]] = []
    wanted = f"--identifier=Keepalived_vrrp --since=@{since:.3f} --output=json --output-fields=MESSAGE"
    journal = node.run(f"journalctl {wanted}")
    for line in journal.split("\n"):
        entry = json.loads(line or "{}")
        state = STATE.search(str(entry.get("MESSAGE", "")))
        if state is None:
            continue
        moment = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        if state[1] == "MASTER":
            found.append((moment, float("inf")))
        elif found and found[-1][1] == float("inf"):
            found[-1] = (found[-1][0], moment)
    return found


def longest_split(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    """Return the most seconds for which both were master at once."""
    return max((min(a[1], b[1]) - max(a[0], b[0]) for a in one for b in other), default=0.0)


@pytest.mark.parametrize("order", ORDERS)
def test_after_a_power_cut_the_address_has_one_holder_soon_and_never_two(pair: Cluster, order: str) -> None:
    for node in pair.balancers:
        node.kill()
    began = time.time()
    ORDERS[order](pair)
    pair.held_by(pair.lb1, within=30)
    eventually(lambda: masters(pair.lb1, began), within=10, saying="the journal of lb1 says when it became master")
    lb1, lb2 = (masters(node, began) for node in pair.balancers)
    first = min(begin for begin, _end in lb1 + lb2) - began
    split = longest_split(lb1, lb2)
    print(f"MEASURED booted, {order}: master {first:.1f} s after the power came, two of them for {split * 1000:.0f} ms")
    assert first <= BOOTED
    assert split <= SETTLED
    assert pair.audit() == []
