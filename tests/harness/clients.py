# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several addresses at once: who holds which, and what a client of each sees while a node fails."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack, contextmanager

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Window

from harness.client import client
from harness.cluster import SITE, Cluster
from harness.fault_injection import SINGLE_RUN
from harness.holders import Holders, watching
from harness.node import Node

__all__ = ("FAST", "STANDARD", "Budget", "Clients", "Watched", "clients", "fails_and_returns", "watched")

RATE = 50.0  # requests a second to each address


class Budget(t.NamedTuple):
    """Seconds without an answer that each fault may cost."""

    host_gone: float
    service_gone: float


FAST = Budget(host_gone=0.4, service_gone=0.2)
STANDARD = Budget(host_gone=4.0, service_gone=1.0)


class Watched:
    """Who held each address when; it has answers when the watching has ended."""

    def __init__(self, holders: dict[str, Holders]) -> None:
        self.holders = holders

    def follow(self, node: Node) -> None:
        """Listen again to a node that was dead."""
        for holders in self.holders.values():
            holders.follow(node)

    def moves(self, address: str) -> int:
        return self.holders[address].moves()

    def split(self) -> float:
        """Return for how many seconds two nodes held an address at most."""
        return max(holders.longest(at_least=2) for holders in self.holders.values())


class Clients:
    """A client of each address; what they saw can be asked when they have ended."""

    def __init__(self, windows: dict[str, Window]) -> None:
        self.windows = windows

    def settle(self, seconds: float) -> None:
        """Go on until all have been served for so long."""
        for window in self.windows.values():
            window.settle(seconds)

    def assert_within(self, gap: float, saying: str) -> None:
        """Nobody waited longer than twice that, or lost more requests than fit into that time."""
        for address, window in self.windows.items():
            seen = window.summary()
            figures = ", ".join(f"{name} {seen[name]}" for name in ("gap_ms", "failed_total", "slow", "max_ms"))
            print(f"MEASURED {saying}, {address}: {figures}")
            assert not seen["ended_in_outage"], address
            assert seen["gap_ms"] <= SINGLE_RUN * gap * 1000, f"{saying}, {address}: {figures}"
            assert seen["failed_total"] + seen["slow"] <= SINGLE_RUN * gap * RATE, f"{saying}, {address}: {figures}"


@contextmanager
def watched(addresses: t.Iterable[str], nodes: t.Iterable[Node]) -> t.Iterator[Watched]:
    """Note who holds these addresses for as long as the body lasts. All nodes must run when it begins."""
    nodes = list(nodes)
    with ExitStack() as stack:
        yield Watched({address: stack.enter_context(watching(address, nodes)) for address in addresses})


@contextmanager
def clients(addresses: t.Iterable[str], site: str = SITE) -> t.Iterator[Clients]:
    """Be a client of each of these addresses for as long as the body lasts."""
    with ExitStack() as stack:
        yield Clients({address: stack.enter_context(client(address, site, rate=RATE)) for address in addresses})


def fails_and_returns(cluster: Cluster, failing: str, left: str, places: t.Mapping[str, str]) -> Watched:
    """Kill one balancer, whose addresses another takes, and bring it back; no client waits longer than it may."""
    with watched(places, cluster) as holders:
        with clients(places) as broken:
            cluster[failing].kill()
            cluster.placed(dict.fromkeys(places, left), within=5)
            broken.settle(1.0)
        with clients(places) as whole:
            cluster[failing].revive()
            holders.follow(cluster[failing])
            cluster.placed(places, within=30)
            whole.settle(1.0)
    broken.assert_within(FAST.host_gone, f"{failing} killed")
    whole.assert_within(FAST.host_gone, f"{failing} back")
    assert holders.split() <= FAST.host_gone
    return holders
