# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live proof of the trackers on a host that exists only in time: what it says of each part that does not react."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.proof import Node, Trial, prove
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState

NEVER = 1e9
FILES = ["nginx_crash", "nginx_probe", "nginx_stop"]


class FakeNode(Node):
    """Reacts so many seconds after the harm, and recovers so many seconds after it is mended.

    ``tracker_after`` and ``fault_after`` are by track file, and by track file and instance.
    """

    def __init__(self) -> None:
        self.clock = 1000.0
        self.harmed = self.back = NEVER
        self.file = ""
        self.done: list[str] = []
        self.names = ["VI_1"]
        self.before = "BACKUP"
        self.tracker_after: dict[str, float] = {}
        self.fault_after: dict[tuple[str, str], float] = {}
        self.mends = True
        self.tried = 0
        self.recovers = 0.4
        self.dump_takes = 0.0
        self.harm_error = ""

    def instances(self) -> list[InstanceState]:
        self.clock += self.dump_takes
        return [self._instance(name) for name in self.names]

    def _instance(self, name: str) -> InstanceState:
        state, last = self.before, 1.0
        fault = self.harmed + self.fault_after.get((self.file, name), 0.004)
        if self.harmed != NEVER and self.clock >= fault:
            state, last = "FAULT", fault
            if self.clock >= self.back + self.recovers:
                state, last = "BACKUP", self.back + self.recovers
        return InstanceState(name, state, "eth0", 100, 250, 250, last, ("192.0.2.100",), ())

    def tracker(self, file: str) -> bool:
        begin = self.harmed + self.tracker_after.get(file, 0.002)
        return file == self.file and begin <= self.clock < self.back + self.recovers

    def harm(self, trial: Trial) -> None:
        if self.harm_error:
            raise HoldfastError(self.harm_error)
        self.done.append(trial.file)
        self.file, self.harmed, self.back = trial.file, self.clock, NEVER

    def mended(self, trial: Trial) -> bool:
        return self.back <= self.clock

    def mend(self, trial: Trial) -> None:
        self.tried += 1
        if self.mends:
            self.back = self.clock

    def now(self) -> float:
        return self.clock

    def pause(self, seconds: float) -> None:
        self.clock += seconds


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def test_trackers_that_work(node: FakeNode) -> None:
    proofs = prove(node, limit=10)
    assert node.done == list(proofs) == FILES
    for proof in proofs.values():
        assert proof.tracker_ms == pytest.approx(5, abs=5)
        assert proof.fault_ms == pytest.approx(4)
        assert 400 <= proof.recovered_ms < 1000


def test_every_instance_has_to_react(node: FakeNode) -> None:
    node.names = ["VI_1", "VI_2"]
    node.fault_after = {("nginx_crash", "VI_2"): 0.1}
    assert prove(node, limit=10)["nginx_crash"].fault_ms == pytest.approx(100)


def test_a_reaction_that_was_over_before_it_was_looked_at_counts(node: FakeNode) -> None:
    node.recovers, node.dump_takes = 0.1, 0.5
    node.fault_after = {("nginx_crash", "VI_1"): 0.3}
    assert prove(node, limit=10)["nginx_crash"].fault_ms == pytest.approx(300), "the time of its last transition"


def test_an_instance_that_waits_for_a_restart_is_proven_by_an_nginx_that_stays_dead(node: FakeNode) -> None:
    node.tracker_after = {"nginx_down": 2.0}
    node.fault_after = {("nginx_down", "VI_1"): 2.1}
    with pytest.raises(HoldfastError, match="nginx_down did not become 1 within 1 s"):
        prove(node, limit=1, restart_first=["VI_1"])
    proofs = prove(node, limit=1, restart_first=["VI_1"], patience=2)
    assert list(proofs) == ["nginx_down", "nginx_probe", "nginx_stop"]
    assert proofs["nginx_down"].fault_ms == pytest.approx(2100)


def test_instances_of_both_policies_are_proven_each_by_its_own(node: FakeNode) -> None:
    node.names = ["VI_1", "VI_2"]
    node.fault_after = {("nginx_crash", "VI_2"): NEVER, ("nginx_down", "VI_1"): NEVER}
    assert list(prove(node, limit=1, restart_first=["VI_2"])) == [
        "nginx_crash",
        "nginx_down",
        "nginx_probe",
        "nginx_stop",
    ]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nginx_crash", "nginx was killed, and nginx_crash did not become 1 within 1 s, so the watcher is blind"),
        ("nginx_probe", "nginx was frozen, and nginx_probe did not become 1 within 1 s, so the watcher is blind"),
        ("nginx_stop", "nginx_stop did not become 1 within 1 s, so a stop of nginx is told to nobody"),
    ],
)
def test_a_blind_tracker(node: FakeNode, file: str, words: str) -> None:
    node.tracker_after = {file: NEVER}
    with pytest.raises(HoldfastError, match=words):
        prove(node, limit=1)
    assert node.done[-1] == file
    assert node.back < NEVER, "it is undone all the same"


@pytest.mark.parametrize("file", FILES)
def test_a_deaf_instance_is_named(node: FakeNode, file: str) -> None:
    node.names = ["VI_1", "VI_2"]
    node.fault_after = {(file, "VI_2"): NEVER}
    with pytest.raises(HoldfastError, match=f"{file} says so, and VI_2 did not enter FAULT within 1 s"):
        prove(node, limit=1)
    assert node.back < NEVER


def test_an_nginx_that_does_not_come_back(node: FakeNode) -> None:
    node.mends = False
    with pytest.raises(HoldfastError, match="not fit again within 1 s: see journalctl -u nginx"):
        prove(node, limit=1)
    assert node.tried > 1, "it is tried more than once: systemd may not have noticed yet that nginx is dead"


@pytest.mark.parametrize("state", ["FAULT", "INIT"])
def test_a_node_that_is_unfit_already_is_left_alone(node: FakeNode, state: str) -> None:
    node.before = state
    with pytest.raises(HoldfastError, match=f"VI_1 is in state {state} before anything was done"):
        prove(node, limit=1)
    assert node.done == []


def test_a_keepalived_without_such_an_instance(node: FakeNode) -> None:
    node.names = []
    with pytest.raises(HoldfastError, match="no instance with these addresses"):
        prove(node, limit=1)
    assert node.done == []


def test_nothing_to_kill(node: FakeNode) -> None:
    node.harm_error = "nginx does not run here"
    with pytest.raises(HoldfastError, match="nginx does not run here"):
        prove(node, limit=1)
