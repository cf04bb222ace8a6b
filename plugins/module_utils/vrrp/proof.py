# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show that a tracker works by doing what it is there for. Private to this collection.

A tracker can be dead without a word (no inotify instance left, its folder made anew under keepalived, the watcher
gone), and then the address stays with a dead nginx. So nginx is killed on a node that does not hold the address.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState

__all__ = ("Node", "Proof", "prove")

PAUSE = 0.005
FAULT, HEALTHY = "FAULT", ("BACKUP", "MASTER")


class Node:
    """The host as the proof sees it. Each method may raise HoldfastError."""

    def instances(self) -> list[InstanceState]:
        """The instances that are to react."""
        raise NotImplementedError

    def tracker(self) -> bool:
        """Whether the track file says that nginx is dead."""
        raise NotImplementedError

    def kill(self) -> None:
        """Kill nginx's main process."""
        raise NotImplementedError

    def start(self) -> None:
        """Bring nginx back; to be repeated until it is there."""
        raise NotImplementedError

    def running(self) -> bool:
        """Whether nginx's main process runs."""
        raise NotImplementedError

    def now(self) -> float:
        """Seconds on the wall clock, by which keepalived dates its transitions too."""
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Proof:
    """Milliseconds from the kill until the track file said 1, until FAULT, and until the node was fit again."""

    tracker_ms: float
    fault_ms: float
    recovered_ms: float


def prove(node: Node, *, limit: float) -> Proof:
    """Kill nginx, see the tracker and every instance react within ``limit`` seconds, bring nginx back, see it recover.

    nginx is brought back whatever happens. Raises HoldfastError, which names the part that did not react.
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
    killed = node.now()
    try:
        node.kill()
        if not _await(node, node.tracker, limit):
            raise HoldfastError(
                f"nginx was killed and its track file did not become 1 within {limit:g} s, so the watcher is blind: "
                "see systemctl status holdfast-watcher"
            )
        tracker_ms = _since(killed, node.now())
        reacted: dict[str, float] = {}

        def all_reacted() -> bool:
            for instance in node.instances():
                if instance.state == FAULT or instance.last_transition > killed:
                    reacted.setdefault(instance.name, max(instance.last_transition, killed))
            return len(reacted) == len(before)

        if not _await(node, all_reacted, limit):
            deaf = ", ".join(instance.name for instance in before if instance.name not in reacted)
            raise HoldfastError(
                f"nginx was killed, its track file says so, and {deaf} did not enter FAULT within {limit:g} s: "
                "is nginx_crash in the track_file list of the instance, and was the folder of the track files removed "
                "while keepalived ran? Restart keepalived and see journalctl -u keepalived"
            )
    finally:
        back = _await(node, lambda: _is_back(node), limit)
    if not back:
        raise HoldfastError(
            f"nginx was killed for the proof and this node was not fit again within {limit:g} s: "
            "see journalctl -u nginx -u holdfast-watcher -u keepalived"
        )
    return Proof(tracker_ms, _since(killed, max(reacted.values())), _since(killed, node.now()))


def _is_back(node: Node) -> bool:
    if not node.running():
        node.start()
        return False
    return not node.tracker() and all(instance.state in HEALTHY for instance in node.instances())


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
