# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several balancers and several addresses: who holds which, and what every client sees while a node fails."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack, contextmanager

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Window
from fault_injection import SINGLE_RUN
from fleet_under_test import Holders, Node, client, eventually, watching

__all__ = (
    "FAST",
    "STANDARD",
    "Balancers",
    "Budget",
    "Clients",
    "Watched",
    "clients",
    "fails_and_returns",
    "recovered",
    "watched",
)

SITE = "blog.example.com"
RATE = 50.0  # requests a second to each address


class Budget(t.NamedTuple):
    """Seconds without an answer that each fault may cost."""

    host_gone: float
    service_gone: float


FAST = Budget(host_gone=0.4, service_gone=0.2)
STANDARD = Budget(host_gone=4.0, service_gone=1.0)


class Balancers:
    """The balancers of a lab. Who holds an address is asked of the nodes themselves."""

    def __init__(self, *names: str) -> None:
        self.nodes = {name: Node(name) for name in names}

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __iter__(self) -> t.Iterator[Node]:
        return iter(self.nodes.values())

    def placement(self, addresses: t.Iterable[str]) -> dict[str, str]:
        """Return who holds each address, names joined by a plus where there are several."""
        seen = {node.name: node.run("ip -o address show") for node in self if node.alive}
        return {
            address: "+".join(name for name, shown in seen.items() if f" {address}/" in shown) for address in addresses
        }

    def placed(self, places: t.Mapping[str, str], *, within: float) -> None:
        """Wait until every address is where it shall be, and nowhere else."""
        eventually(
            lambda: self.placement(places) == places,
            within=within,
            saying=", ".join(f"{name} alone holds {address}" for address, name in places.items()),
        )

    def recover(self, places: t.Mapping[str, str]) -> None:
        """Make every node well, and wait until the addresses are where they belong then."""
        for node in self:
            node.revive()
            node.run("systemctl kill --signal=CONT nginx keepalived || true")
            node.run("systemctl start nginx keepalived holdfast-watcher")
        self.placed(places, within=30)


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


@contextmanager
def recovered(places: t.Mapping[str, str], *names: str) -> t.Iterator[Balancers]:
    """Lend balancers that are well, before and after, with every address at its place."""
    balancers = Balancers(*names)
    balancers.recover(places)
    yield balancers
    balancers.recover(places)


def fails_and_returns(balancers: Balancers, failing: str, left: str, places: t.Mapping[str, str]) -> Watched:
    """Kill one balancer, whose addresses another takes, and bring it back; no client waits longer than it may."""
    with watched(places, balancers) as holders:
        with clients(places) as broken:
            balancers[failing].kill()
            balancers.placed(dict.fromkeys(places, left), within=5)
            broken.settle(1.0)
        with clients(places) as whole:
            balancers[failing].revive()
            holders.follow(balancers[failing])
            balancers.placed(places, within=30)
            whole.settle(1.0)
    broken.assert_within(FAST.host_gone, f"{failing} killed")
    whole.assert_within(FAST.host_gone, f"{failing} back")
    assert holders.split() <= FAST.host_gone
    return holders
