# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as a scenario's tests see it: nodes to break, who holds an address when, what a client sees meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import typing as t
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import testinfra
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._probe.engine import Settings, Window, running

sys.path.insert(0, str(Path(__file__).parents[2]))
from lab.podman import container_name, podman, power_on

__all__ = ("ROOT", "Holders", "Node", "client", "eventually", "playbook", "watching")

ROOT = Path(__file__).parents[2]

_CHANGE = re.compile(r"^\[(?P<time>[^]]+)\]\s*(?P<gone>Deleted )?\d+: \S+\s+inet6? (?P<address>[0-9a-f.:]+)/")
_MARK = "127.89.50.1"


class Node:
    """A host of the lab. What is done to it from outside (kill, freeze) goes through podman."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.container = container_name(name)
        self.host = testinfra.get_host(f"podman://{self.container}")
        self.away: list[tuple[float, float]] = []  # when it was frozen or dead, wall clock

    def run(self, command: str) -> str:
        """Run a command that must succeed and return what it printed."""
        return str(self.host.check_output(command))

    def holds(self, address: str) -> bool:
        return f" {address}/" in self.run("ip -o address show")

    @property
    def status(self) -> str:
        """One of podman's words: running, paused, exited ..."""
        return podman("inspect", "--format={{.State.Status}}", self.container).strip()

    @property
    def alive(self) -> bool:
        return self.status == "running"

    def kill(self) -> None:
        self.away.append((time.time(), float("inf")))
        podman("kill", self.container)

    def start(self) -> None:
        power_on(self.container)
        podman("exec", self.container, "timeout", "60", "systemctl", "is-system-running", "--wait", check=False)
        self._is_back()

    def shut_down(self) -> None:
        """Stop it in order, as `systemctl poweroff` does; what it still did counts until it is off."""
        podman("stop", self.container)
        self.away.append((time.time(), float("inf")))

    def freeze(self) -> None:
        self.away.append((time.time(), float("inf")))
        for last in (False, False, True):
            # runc gives up where processes begin faster than it stops them.
            podman("pause", self.container, check=last)
            if self.status == "paused":
                break

    def thaw(self) -> None:
        podman("unpause", self.container)
        self._is_back()

    def revive(self) -> None:
        """Make a frozen or dead node run again; nothing happens to one that runs."""
        if self.status == "paused":
            self.thaw()
        elif not self.alive:
            self.start()

    def _is_back(self) -> None:
        if self.away and self.away[-1][1] == float("inf"):
            self.away[-1] = (self.away[-1][0], time.time())

    def __repr__(self) -> str:
        return self.name


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
            monitor.terminate()
            notices, _errors = monitor.communicate()
            for line in notices.split("\n"):
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
    command = ["podman", "exec", "--env=TZ=UTC", node.container, "ip", "-ts", "-o", "monitor", "address"]
    monitor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    marking = subprocess.Popen(
        ["podman", "exec", node.container, "sh", "-c"]
        + [f"while :; do ip address add {_MARK}/32 dev lo; ip address del {_MARK}/32 dev lo; sleep 0.02; done"]
    )
    try:
        assert monitor.stdout is not None
        for line in monitor.stdout:
            if _MARK in line:
                return monitor
        raise AssertionError(f"ip monitor ended on {node}")
    finally:
        marking.terminate()
        marking.wait()
        podman("exec", node.container, "pkill", "-f", _MARK, check=False)


@contextmanager
def client(address: str, host: str, **more: t.Any) -> t.Iterator[Window]:
    """Ask the address 200 times a second from this machine, a third party on the network, until the body ends."""
    with running(Settings(address=address, host=host, served_by="body", duration=None, **more)) as window:
        window.settle(0.5)
        yield window


def eventually(what: t.Callable[[], t.Any], *, within: float, saying: str, every: float = 0.1) -> float:
    """Wait until it is true and return the seconds that it took; fail with the sentence otherwise."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > within:
            raise AssertionError(f"not within {within:g} s: {saying}")
        time.sleep(every)
    return time.monotonic() - began


def playbook(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook on the lab as a person would, and return what became of it."""
    command = ["ansible-playbook", name, "--inventory", "inventory/lab", *arguments]
    plain = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    return subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
