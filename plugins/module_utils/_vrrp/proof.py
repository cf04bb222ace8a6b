# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show that every tracker works by doing what it is there for. Private to this collection.

A tracker can be dead without a word (no inotify instance left, its folder made anew under keepalived, the watcher
gone), and then the address stays with a dead nginx. So nginx is killed, frozen and stopped on a node that does not
hold the address.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState

__all__ = ("CRASH", "DOWN", "PROBE", "STOP", "Node", "Trial", "prove")

PAUSE = 0.005
FAULT, HEALTHY = "FAULT", ("BACKUP", "MASTER")


@dataclass(frozen=True)
class Trial:
    """A track file, what is done so that it becomes 1, in words, and who is to blame when it does not."""

    file: str
    done: str
    blind: str


CRASH = Trial("nginx_crash", "nginx was killed", "the watcher is blind: see systemctl status holdfast-watcher")
DOWN = Trial(
    "nginx_down", "nginx was ended and stayed dead", "the watcher is blind: see systemctl status holdfast-watcher"
)
PROBE = Trial("nginx_probe", "nginx was frozen", "the watcher is blind: see systemctl status holdfast-watcher")
STOP = Trial(
    "nginx_stop",
    "holdfast-guard was stopped, as it is when nginx is",
    "a stop of nginx is told to nobody: see systemctl status holdfast-guard",
)


class Node:
    """The host as the proof sees it. Each method may raise HoldfastError."""

    def instances(self) -> list[InstanceState]:
        """The instances that are to react."""
        raise NotImplementedError

    def tracker(self, file: str) -> bool:
        """Whether this track file says 1."""
        raise NotImplementedError

    def harm(self, trial: Trial) -> None:
        """Do what the trial says."""
        raise NotImplementedError

    def mended(self, trial: Trial) -> bool:
        """Whether what was done is undone."""
        raise NotImplementedError

    def mend(self, trial: Trial) -> None:
        """Undo it; to be repeated until it is undone."""
        raise NotImplementedError

    def now(self) -> float:
        """Seconds on the wall clock, by which keepalived dates its transitions too."""
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Proof:
    """Milliseconds from the harm until the track file said 1, until FAULT, and until the node was fit again."""

    tracker_ms: float
    fault_ms: float
    recovered_ms: float


def trials(instances: t.Sequence[InstanceState], restart_first: t.Collection[str]) -> list[tuple[Trial, list[str]]]:
    """Return what is to be tried on these instances, with the names of those that must react.

    Those in ``restart_first`` do not track that nginx dies, but that it stays dead.
    """
    names = [instance.name for instance in instances]
    patient = [name for name in names if name in restart_first]
    at_once = [name for name in names if name not in restart_first]
    return [(trial, who) for trial, who in ((CRASH, at_once), (DOWN, patient), (PROBE, names), (STOP, names)) if who]


def prove(
    node: Node, *, limit: float, restart_first: t.Collection[str] = (), patience: float = 0.0
) -> dict[str, Proof]:
    """Do each trial, see its track file and every instance react within ``limit`` seconds, undo it, see it recover.

    ``patience`` is how many seconds nginx may stay dead before an instance in ``restart_first`` has to react.
    It is undone whatever happens. Raises HoldfastError, which names the part that did not react.
    """
    before = node.instances()
    if not before:
        raise HoldfastError("keepalived runs no instance with these addresses: nothing can react")
    for instance in before:
        if instance.state not in HEALTHY:
            raise HoldfastError(
                f"{instance.name} is in state {instance.state} before anything was done: "
                "see journalctl -u keepalived -u holdfast-watcher"
            )
    result = {}
    for trial, names in trials(before, restart_first):
        result[trial.file] = _prove(node, trial, names, limit + (patience if trial is DOWN else 0.0))
    return result


def _prove(node: Node, trial: Trial, names: t.Sequence[str], limit: float) -> Proof:
    began = node.now()
    try:
        node.harm(trial)
        if not _await(node, lambda: node.tracker(trial.file), limit):
            raise HoldfastError(f"{trial.done}, and {trial.file} did not become 1 within {limit:g} s, so {trial.blind}")
        tracker_ms = _since(began, node.now())
        reacted: dict[str, float] = {}

        def all_reacted() -> bool:
            for instance in node.instances():
                if instance.name in names and (instance.state == FAULT or instance.last_transition > began):
                    reacted.setdefault(instance.name, max(instance.last_transition, began))
            return len(reacted) == len(names)

        if not _await(node, all_reacted, limit):
            deaf = ", ".join(name for name in names if name not in reacted)
            raise HoldfastError(
                f"{trial.done}, {trial.file} says so, and {deaf} did not enter FAULT within {limit:g} s: "
                f"is {trial.file} in the track_file list of the instance, and was the folder of the track files "
                "removed while keepalived ran? Restart keepalived and see journalctl -u keepalived"
            )
    finally:
        back = _await(node, lambda: _is_back(node, trial), limit)
    if not back:
        raise HoldfastError(
            f"{trial.done} for the proof, and this node was not fit again within {limit:g} s: "
            "see journalctl -u nginx -u holdfast-watcher -u keepalived"
        )
    return Proof(tracker_ms, _since(began, max(reacted.values())), _since(began, node.now()))


def _is_back(node: Node, trial: Trial) -> bool:
    if not node.mended(trial):
        node.mend(trial)
        return False
    return not node.tracker(trial.file) and all(instance.state in HEALTHY for instance in node.instances())


def _await(node: Node, condition: t.Callable[[], bool], limit: float) -> bool:
    """Wait until it holds; False when the time is over."""
    end = node.now() + limit
    while not condition():
        if node.now() >= end:
            return False
        node.pause(PAUSE)
    return True


def _since(begin: float, end: float) -> float:
    return round((end - begin) * 1000, 1)
