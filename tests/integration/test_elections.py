# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The election that the verifier walks through is the one that keepalived holds: what fails and comes back, compared.

Cases are drawn by chance and run all at once, each as an instance of its own. HOLDFAST_ELECTIONS is the seed of cases
to try again, as a failure says it; HOLDFAST_ELECTION_ROUNDS says how many times as many are drawn.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.election import HOST, Node, State, possible
from real_elections import SUBNET, Case, Network

CASES = 40
STEPS = 10
SETTLED = 8.0
"""Seconds after which an election that takes one is over, on a machine that is busy as well."""

LOOK, QUIET = 0.3, 4
"""Seconds between looks, and how many after each other show the same when all is quiet."""

NAMES = ("a", "b", "c")
PRIORITIES = (1, 90, 100, 100, 105, 110, 150, 240, 250, 254)
NOPREEMPT = 0.4
WEIGHTS = (0, 0, -5, -10, -20, -60, -253, 5, 10, 60, 253)
KINDS = {"file": (*WEIGHTS, -254, 254), "interface": WEIGHTS, "script": WEIGHTS}


def case(number: int, chance: random.Random) -> Case:
    """Return an election of two or three nodes, of which each has up to two trackers."""
    names = sorted(chance.sample(NAMES, chance.choice((2, 3, 3))))
    nodes = []
    kinds: dict[tuple[str, str], str] = {}
    for name in names:
        trackers = {}
        for tracker in ("x", "y")[: chance.choice((0, 1, 1, 2))]:
            kinds[name, tracker] = chance.choice(tuple(KINDS))
            trackers[tracker] = chance.choice(KINDS[kinds[name, tracker]])
        address = f"{SUBNET}{NAMES.index(name) + 9}"  # 9, 10, 11: numbers, and no texts
        nodes.append(Node(name, chance.choice(PRIORITIES), address, chance.random() < NOPREEMPT, trackers))
    return Case(number, tuple(nodes), kinds)


class Walk:
    """What has failed so far, and who is seen to hold every address."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.dead = set(NAMES)
        self._failed: dict[int, set[tuple[str, str]]] = {one.number: set() for one in network.cases}
        self._holders: dict[int, str | None] = {one.number: None for one in network.cases}
        self._told: list[str] = []

    def host(self, node: str) -> None:
        """A node fails, or it comes back."""
        if node in self.dead:
            self._network.start(node)
            self.dead.remove(node)
            self._told.append(f"{node} comes back")
        else:
            self._network.kill(node)
            self.dead.add(node)
            self._told.append(f"{node} fails")

    def trackers(self, chance: random.Random) -> None:
        """In every case that has one, a tracker of a node that lives fails, or is well again."""
        for one in self._network.cases:
            able = [(node, name) for node in one.nodes if node.name not in self.dead for name in node.trackers]
            if able:
                node, name = chance.choice(able)
                failed = self._failed[one.number]
                fails = (node.name, name) not in failed
                (failed.add if fails else failed.remove)((node.name, name))
                self._network.set(one, node, name, fails=fails)
        self._told.append("trackers change")

    def compare(self) -> None:
        """Wait until every address is where the verifier says, and see that it is there still when all is quiet."""
        expected = {
            one.number: possible(one.nodes, self._state(one), self._holders[one.number]) for one in self._network.cases
        }
        end = time.monotonic() + SETTLED
        before: dict[int, list[str]] = {}
        quiet = 0
        while quiet < QUIET and time.monotonic() < end:
            seen = self._network.holders()
            right = all(_is_one_of(seen[number], wanted) for number, wanted in expected.items())
            quiet = quiet + 1 if right and seen == before else 0
            before = seen
            time.sleep(LOOK)
        wrong = [
            self._sentence(one, expected[one.number], seen[one.number])
            for one in self._network.cases
            if not _is_one_of(seen[one.number], expected[one.number])
        ]
        assert not wrong, "\n".join([", ".join(self._told), *wrong])
        self._holders = {number: next(iter(holders), None) for number, holders in seen.items()}

    def _state(self, one: Case) -> State:
        return frozenset(self._failed[one.number] | {(node, HOST) for node in self.dead})

    def _sentence(self, one: Case, wanted: tuple[str, ...], seen: list[str]) -> str:
        nodes = "; ".join(_shown(one, node) for node in one.nodes)
        failed = ", ".join(f"{what} of {node}" for node, what in sorted(self._state(one)))
        return (
            f"case {one.number}: {nodes}; failed: {failed or 'nothing'}; held before by {self._holders[one.number]}: "
            f"the verifier says {' or '.join(wanted) or 'nobody'}, keepalived {' and '.join(seen) or 'nobody'}"
        )


def _is_one_of(seen: list[str], wanted: tuple[str, ...]) -> bool:
    return seen in [[one] for one in wanted] if wanted else not seen


def _shown(one: Case, node: Node) -> str:
    trackers = "".join(f" {name} {one.kinds[node.name, name]} {weight:+}" for name, weight in node.trackers.items())
    return f"{node.name} {node.priority}{' nopreempt' if node.nopreempt else ''}{trackers}"


def seeds() -> list[int]:
    given = os.environ.get("HOLDFAST_ELECTIONS", "")
    rounds = int(os.environ.get("HOLDFAST_ELECTION_ROUNDS", "1"))
    # The same for all processes of pytest.
    drawn = random.Random(os.environ.get("HOLDFAST_SEED", "0"))
    return [int(given)] if given else [drawn.randrange(10**6) for _round in range(rounds)]


@pytest.mark.skipif(
    not {"HOLDFAST_ALL", "HOLDFAST_ELECTIONS"} & os.environ.keys(),
    reason="a machine that is busy keeps nodes from their adverts: only `bin/test --all` holds these elections",
)
@pytest.mark.parametrize("seed", seeds())
def test_the_election_of_the_verifier_is_that_of_keepalived(seed: int, tmp_path: Path) -> None:
    print(f"HOLDFAST_ELECTIONS={seed}")
    chance = random.Random(seed)
    network = Network(tmp_path, [case(number, chance) for number in range(1, CASES + 1)])
    try:
        walk = Walk(network)
        for node in chance.sample(NAMES, len(NAMES)):
            walk.host(node)
            walk.compare()
        for _step in range(STEPS):
            if chance.random() < 0.35:
                walk.host(chance.choice(NAMES))
            else:
                walk.trackers(chance)
            walk.compare()
    finally:
        network.close()
