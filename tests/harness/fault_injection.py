# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break the pair and mend it again, while a client asks and the holders of the address are watched."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.holders import Holders, watching
from harness.node import Node

__all__ = ("BUSY_RUN", "RECOVERED", "SETTLED", "SINGLE_RUN", "UNDISTURBED", "Injection", "report", "inject_fault")

SETTLED = 0.4  # seconds: detection of a dead host; a split may last no longer
UNDISTURBED = 0.3  # seconds without an answer that a fault elsewhere may cost: a busy machine, and nothing else
RECOVERED = 1.0  # seconds after which a node that was cut off has understood that another holds the address
SINGLE_RUN = 2  # a budget holds at the median, and no single run exceeds it twice
BUSY_RUN = 2 * SINGLE_RUN  # in a scenario beside which another lab and the unit tests are busy


@dataclass(frozen=True)
class Injection:
    """What a client saw during the fault and the recovery, who held the address when, and when the fault ended."""

    broken: dict[str, t.Any]
    recovered: dict[str, t.Any]
    holders: Holders
    mended: float

    def assert_within(self, gap: float, lost: float) -> None:
        """Hold both windows to a gap in seconds and a number of failed and slow requests."""
        for seen in (self.broken, self.recovered):
            assert not seen["ended_in_outage"]
            assert seen["gap_ms"] <= gap * 1000
            assert seen["failed_total"] + seen["slow"] <= lost

    def is_within(self, gap: float, lost: float) -> bool:
        """Whether both windows are within them."""
        return all(
            seen["gap_ms"] <= gap * 1000 and seen["failed_total"] + seen["slow"] <= lost
            for seen in (self.broken, self.recovered)
        )

    def assert_one_holder(self, *, isolated: bool = False) -> None:
        """No two holders for longer than a dead host is missed, or than an isolated node needs to learn it."""
        if isolated:
            assert self.holders.last(at_least=2) <= self.mended + RECOVERED, self.holders
        else:
            assert self.holders.longest(at_least=2) <= SETTLED, self.holders

    def figures(self, name: str) -> str:
        """Return one line of JSON for whoever gathers measurements."""
        wanted = ("requests", "ok", "failures", "failed_total", "slow", "gap_ms", "max_ms")
        split = round(self.holders.longest(at_least=2) * 1000)
        nobody = round(self.holders.longest(at_most=0) * 1000)
        parts = {part: {key: seen[key] for key in wanted} for part, seen in self._parts()}
        return json.dumps({"fault": name, **parts, "two_holders_ms": split, "no_holder_ms": nobody})

    def _parts(self) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        yield "broken", self.broken
        yield "recovered", self.recovered


def inject_fault(
    pair: Cluster,
    inject: t.Callable[[], t.Any],
    *,
    successor: Node | None = None,
    isolated: bool = False,
    quiet: float = 1.0,
) -> Injection:
    """Inject, wait until ``successor`` holds the address (where one is to) and a client is served again, and recover.

    ``isolated``: the node that was struck keeps the address where nobody sees it. ``quiet`` is in seconds without a
    failed request, after which the fault counts as survived.
    """
    with watching(VIP, pair.balancers) as holders:
        with client(VIP, SITE) as broken:
            inject()
            if successor is not None:
                pair.held_by(successor, within=5, isolated=isolated)
            broken.settle(quiet)
        dead = [node for node in pair.balancers if node.status == "exited"]
        with client(VIP, SITE) as recovered:
            for node in dead:
                node.revive()
                holders.follow(node)
            pair.undo()
            mended = time.time()
            pair.recover()
            recovered.settle(1.0)
    return Injection(broken.summary(), recovered.summary(), holders, mended)


def report(fault: str, seen: dict[str, t.Any], holders: Holders) -> None:
    """Print one line of JSON for whoever gathers measurements."""
    figures = {name: seen[name] for name in ("requests", "ok", "failures", "slow", "gap_ms", "max_ms", "served_by")}
    figures["two_holders_ms"] = round(holders.longest(at_least=2) * 1000)
    figures["no_holder_ms"] = round(holders.longest(at_most=0) * 1000)
    print(f"MEASURED {json.dumps(dict(fault=fault, **figures))}")
