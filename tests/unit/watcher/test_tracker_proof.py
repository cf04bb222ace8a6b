# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live proof of a tracker on a host that exists only in time: what it says of each part that does not react."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.proof import Node, prove
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState

NEVER = 1e9


class FakeNode(Node):
    """Reacts so many seconds after the kill; systemd or ``start`` brings nginx back ``restarts`` seconds after it."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.killed = NEVER
        self.back = NEVER
        self.started = 0
        self.names = ["VI_1"]
        self.before = "BACKUP"
        self.tracker_after = 0.002
        self.fault_after = {"VI_1": 0.004}
        self.restarts = 0.2
        self.recovers = 0.4
        self.dump_takes = 0.0
        self.kill_error = ""

    def instances(self) -> list[InstanceState]:
        self.clock += self.dump_takes
        return [self._instance(name) for name in self.names]

    def _instance(self, name: str) -> InstanceState:
        state, last = self.before, 1.0
        fault = self.killed + self.fault_after.get(name, NEVER)
        if self.clock >= fault:
            state, last = "FAULT", fault
            if self.clock >= self.back + self.recovers:
                state, last = "BACKUP", self.back + self.recovers
        return InstanceState(name, state, "eth0", 100, 250, 250, last, ("192.0.2.100",), ())

    def tracker(self) -> bool:
        return self.killed + self.tracker_after <= self.clock < self.back + self.recovers

    def kill(self) -> None:
        if self.kill_error:
            raise HoldfastError(self.kill_error)
        self.killed = self.clock
        self.back = self.clock + self.restarts

    def start(self) -> None:
        self.started += 1
        if self.restarts != NEVER:
            self.back = min(self.back, self.clock)

    def running(self) -> bool:
        return self.clock < self.killed or self.clock >= self.back

    def now(self) -> float:
        return self.clock

    def pause(self, seconds: float) -> None:
        self.clock += seconds


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def test_a_tracker_that_works(node: FakeNode) -> None:
    proof = prove(node, limit=10)
    assert proof.tracker_ms == pytest.approx(5, abs=5)
    assert proof.fault_ms == pytest.approx(4)
    assert 400 <= proof.recovered_ms < 1000
    assert node.running()


def test_every_instance_has_to_react(node: FakeNode) -> None:
    node.names = ["VI_1", "VI_2"]
    node.fault_after = {"VI_1": 0.004, "VI_2": 0.1}
    assert prove(node, limit=10).fault_ms == pytest.approx(100)


def test_a_reaction_that_was_over_before_it_was_looked_at_counts(node: FakeNode) -> None:
    node.recovers, node.dump_takes = 0.1, 0.5
    assert prove(node, limit=10).fault_ms == pytest.approx(300), "the time of its last transition, which is known"


def test_a_blind_watcher(node: FakeNode) -> None:
    node.tracker_after = NEVER
    with pytest.raises(HoldfastError, match="the watcher is blind: see systemctl status holdfast-watcher"):
        prove(node, limit=1)
    assert node.running()


def test_a_deaf_instance_is_named(node: FakeNode) -> None:
    node.names = ["VI_1", "VI_2"]
    with pytest.raises(HoldfastError, match="its track file says so, and VI_2 did not enter FAULT within 1 s"):
        prove(node, limit=1)
    assert node.running()


def test_an_nginx_that_does_not_come_back(node: FakeNode) -> None:
    node.restarts = NEVER
    with pytest.raises(HoldfastError, match="not fit again within 1 s: see journalctl -u nginx"):
        prove(node, limit=1)
    assert node.started > 1, "it is tried more than once: systemd may not have noticed yet that nginx is dead"


@pytest.mark.parametrize("state", ["FAULT", "INIT"])
def test_a_node_that_is_unfit_already_is_left_alone(node: FakeNode, state: str) -> None:
    node.before = state
    with pytest.raises(HoldfastError, match=f"VI_1 is in state {state} before anything was done"):
        prove(node, limit=1)
    assert node.killed == NEVER


def test_a_keepalived_without_such_an_instance(node: FakeNode) -> None:
    node.names = []
    with pytest.raises(HoldfastError, match="no instance with these addresses"):
        prove(node, limit=1)
    assert node.killed == NEVER


def test_nothing_to_kill(node: FakeNode) -> None:
    node.kill_error = "nginx does not run here"
    with pytest.raises(HoldfastError, match="nginx does not run here"):
        prove(node, limit=1)
