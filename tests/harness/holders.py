# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an address when, as the kernels of the nodes say it."""

from __future__ import annotations

import re
import subprocess
import time
import typing as t
from contextlib import contextmanager
from datetime import datetime, timezone

from harness.node import Node, stop

__all__ = ("Holders", "watching")

_CHANGE = re.compile(r"^\[(?P<time>[^]]+)\]\s*(?P<gone>Deleted )?\d+: \S+\s+inet6? (?P<address>[0-9a-f.:]+)/")
_MARK = "127.89.50.1"


class Holders:
    """Who held an address when, from the kernel's own notices, on one clock for all nodes."""

    def __init__(self, address: str, nodes: t.Sequence[Node]) -> None:
        self.address = address
        self.nodes = nodes
        self.began = self.ended = time.time()
        self._held: dict[str, list[tuple[float, bool]]] = {node.name: [(self.began, False)] for node in nodes}
        self._monitors: list[tuple[Node, subprocess.Popen[str]]] = []
        for node in nodes:
            self.follow(node)
        self.began = time.time()

    def follow(self, node: Node) -> None:
        """Listen to this node from now on; for one that was dead, when it is back."""
        if node.away:
            self._held[node.name].append((node.away[-1][1], False))  # its addresses died with it
        self._monitors.append((node, _monitor(node)))
        self._held[node.name].append((time.time(), node.holds(self.address)))

    def end(self) -> None:
        """Hear no more; from here on the questions below have answers."""
        self.ended = time.time()
        for node, monitor in self._monitors:
            for line in stop(monitor).split("\n"):
                match = _CHANGE.match(line)
                if match and match["address"] == self.address:
                    moment = datetime.fromisoformat(match["time"]).replace(tzinfo=timezone.utc).timestamp()
                    self._held[node.name].append((moment, not match["gone"]))
            self._held[node.name].sort()

    def timeline(self) -> list[tuple[float, float, list[str]]]:
        """Return (begin, end, names of the holders) for every stretch; a frozen or dead node holds nothing."""
        moments = {self.began, self.ended}
        for node in self.nodes:
            moments.update(moment for moment, _held in self._held[node.name])
            moments.update(edge for away in node.away for edge in away)
        edges = sorted(moment for moment in moments if self.began <= moment <= self.ended)
        return [
            (begin, end, [node.name for node in self.nodes if self._holds(node, (begin + end) / 2)])
            for begin, end in zip(edges, edges[1:])
        ]

    def longest(self, *, at_least: int = 0, at_most: int = 99) -> float:
        """Return the longest time in seconds during which that many nodes held the address."""
        longest = current = 0.0
        for begin, end, names in self.timeline():
            current = current + end - begin if at_least <= len(names) <= at_most else 0.0
            longest = max(longest, current)
        return longest

    def last(self, *, at_least: int) -> float:
        """Return the moment, on the wall clock, until which that many nodes held the address; 0 for never."""
        return max((end for _begin, end, names in self.timeline() if len(names) >= at_least), default=0.0)

    def moves(self) -> int:
        """Return how often the address came to a node that did not have it."""
        single = [names[0] for _begin, _end, names in self.timeline() if len(names) == 1]
        return sum(before != after for before, after in zip(single, single[1:]))

    def __str__(self) -> str:
        """Who held it when, in seconds since it was watched, for whoever reads why a test failed."""
        return "; ".join(
            f"{begin - self.began:.3f} to {end - self.began:.3f}: {' and '.join(names) or 'nobody'}"
            for begin, end, names in self.timeline()
        )

    def _holds(self, node: Node, moment: float) -> bool:
        if any(begin <= moment <= end for begin, end in node.away):
            return False
        return [held for changed, held in self._held[node.name] if changed <= moment][-1]


@contextmanager
def watching(address: str, nodes: t.Sequence[Node]) -> t.Iterator[Holders]:
    """Note every change of the address on these nodes for as long as the body lasts."""
    holders = Holders(address, nodes)
    try:
        yield holders
    finally:
        holders.end()


def _monitor(node: Node) -> subprocess.Popen[str]:
    """Start `ip monitor` in the node and wait until it is heard: a mark is set until it shows up."""
    monitor = node.begin("TZ=UTC exec ip -ts -o monitor address")
    mark = f"ip address add {_MARK}/32 dev lo 2>/dev/null; ip address del {_MARK}/32 dev lo; sleep 0.02"
    marking = node.begin(f"for i in $(seq 1500); do {mark}; done")
    try:
        assert monitor.stdout is not None
        for line in monitor.stdout:
            if _MARK in line:
                return monitor
        raise AssertionError(f"ip monitor ended on {node}")
    finally:
        stop(marking)
