# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the address, for every combination of failures. Private to this collection.

The rules are those of RFC 5798, section 6.4, and keepalived's trackers on top of them: a tracker of weight 0 that
fails takes its node out of the election (FAULT); one with a negative weight lowers the node's priority while it
fails; one with a positive weight raises it while it is well.
"""

from __future__ import annotations

import collections
import functools
import ipaddress
import typing as t
from dataclasses import dataclass, field

__all__ = ("HOST", "Event", "Node", "State", "effective_priority", "elect", "possible", "stray", "stuck")

LOWEST = -254
"""The weight by which keepalived takes a node out of the election, as by 0; one more leaves it priority 1."""

HOST = "host"
"""The failure of a whole node, beside those that are named after a tracker."""

State = t.FrozenSet[t.Tuple[str, str]]
"""What has failed: pairs of the node's name and a tracker's name or HOST."""


@dataclass(frozen=True)
class Node:
    """One member as the election sees it. ``trackers`` maps a tracker's name to its weight."""

    name: str
    priority: int
    address: str
    nopreempt: bool = False
    trackers: t.Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Stuck:
    """A counter-example: this tracker has failed on the holder, all else is well, and the address stays."""

    holder: str
    tracker: str
    weight: int
    remaining: int
    successor: str
    needed: int
    """The effective priority of the successor, which the holder's must fall below."""


class Event(t.NamedTuple):
    """Something that fails, or is well again: the node, and a tracker's name or HOST."""

    node: str
    what: str
    fails: bool


@dataclass(frozen=True)
class Stray:
    """A counter-example: after these events the holder is unfit, or there is none, and ``fit`` could hold."""

    events: tuple[Event, ...]
    holder: str | None
    fit: str
    by_chance: bool = False
    """Whether it takes a node that is late, as on a busy machine, or a tie."""


def effective_priority(node: Node, failed: State) -> int | None:
    """Return the priority with which the node stands in the election, None if it cannot stand."""
    if (node.name, HOST) in failed:
        return None
    priority = node.priority
    for tracker, weight in node.trackers.items():
        fails = (node.name, tracker) in failed
        if fails and _is_fatal(weight):
            return None
        if fails == (weight < 0):
            priority += weight
    return min(max(priority, 1), 254)


def elect(nodes: t.Iterable[Node], failed: State = frozenset(), holder: str | None = None) -> str | None:
    """Return the name of the node that ends up with the address where all is on time, None when nobody can hold it.

    ``holder`` has it when the failures occur; without one, all nodes start at the same time.
    """
    return next(iter(possible(nodes, failed, holder)), None)


def possible(nodes: t.Iterable[Node], failed: State = frozenset(), holder: str | None = None) -> tuple[str, ...]:
    """Return every node that may end up with the address, first the one that does where all is on time.

    Those who wait for an address speak up a few milliseconds one after the other, the highest priority first (RFC 5798,
    6.1). Who is late hears another one speak, and takes the address from it by a higher priority alone, and not if it
    must not preempt: on a busy machine the order can be another one, and of equal priorities either may be first.
    """
    standing = [(node, effective_priority(node, failed)) for node in nodes]
    able = [(priority, node) for node, priority in standing if priority is not None]
    kept = next((priority for priority, node in able if node.name == holder), None)
    if kept is not None:
        # An equal priority does not take the address away (RFC 5798, 6.4.2), nor does a node that must not preempt.
        able = [(priority, node) for priority, node in able if priority > kept and not node.nopreempt]
        if not able:
            return (str(holder),)
    taking = max((priority for priority, node in able if not node.nopreempt), default=0)
    # Of two that speak at once with the same priority, the one with the higher address goes on (RFC 5798, 6.4.3).
    ranked = sorted(able, key=lambda pair: (pair[0], int(ipaddress.ip_address(pair[1].address))), reverse=True)
    return tuple(node.name for priority, node in ranked if priority >= taking)


def stray(nodes: t.Sequence[Node]) -> Stray | None:
    """Walk through every combination of failures, in every order; return the shortest way to a wrong holder, or None.

    Wrong is a holder that is unfit, or none at all, while another node is fit. A node whose trackers have failed counts
    no more for each of them, so a history in which it has several at once is never worse than one with a single one.
    """
    shape = tuple(
        (node.priority, int(ipaddress.ip_address(node.address)), node.nopreempt, tuple(node.trackers.items()))
        for node in nodes
    )
    order = sorted(address for _priority, address, _nopreempt, _trackers in shape)
    # Thousands of clusters are the same but for their addresses, of which the order alone counts.
    ranked = tuple((one[0], order.index(one[1]), one[2], one[3]) for one in shape)
    found = _stray(ranked)
    if found is None:
        return None
    names = [node.name for node in nodes]
    events = tuple(Event(names[int(node)], what, fails) for node, what, fails in found.events)
    return Stray(events, names[int(found.holder)] if found.holder else None, names[int(found.fit)], found.by_chance)


@functools.lru_cache(maxsize=1024)
def _stray(ranked: tuple[tuple[int, int, bool, tuple[tuple[str, int], ...]], ...]) -> Stray | None:
    nodes = [
        Node(str(at), priority, str(ipaddress.ip_address(rank)), nopreempt, dict(trackers))
        for at, (priority, rank, nopreempt, trackers) in enumerate(ranked)
    ]
    # What can happen where all is on time tells more than a race that has to be won by chance.
    return _walk(nodes, by_chance=False) or _walk(nodes, by_chance=True)


def _walk(nodes: t.Sequence[Node], *, by_chance: bool) -> Stray | None:
    """Walk through all histories of which one node is the first to speak, or each of those that can be."""
    # A tracker of weight 0 takes its node out of the election as a dead host does, so one of them stands for all.
    faults = [[HOST, *_trackers(node, fatal=True)[:1], *_trackers(node, fatal=False)] for node in nodes]

    def winners(failed: State, holder: str | None) -> t.Sequence[str | None]:
        return possible(nodes, failed, holder)[: None if by_chance else 1] or (None,)

    ways: dict[tuple[tuple[str, ...], str | None], tuple[Event, ...]] = {
        (("",) * len(nodes), winner): () for winner in winners(frozenset(), None)
    }
    waiting = collections.deque(ways)
    while waiting:
        state = waiting.popleft()
        failures, holder = state
        for at, failure in enumerate(failures):
            for what in faults[at] if not failure else [""]:
                after = (*failures[:at], what, *failures[at + 1 :])
                failed = frozenset((str(node), fault) for node, fault in enumerate(after) if fault)
                fit = next((str(node) for node, fault in enumerate(after) if not fault), None)
                for winner in winners(failed, holder):
                    then = (after, winner)
                    if then in ways:
                        continue
                    ways[then] = (*ways[state], Event(str(at), what or failure, bool(what)))
                    if fit is not None and (winner is None or after[int(winner)]):
                        return Stray(ways[then], winner, fit, by_chance)
                    waiting.append(then)
    return None


def _trackers(node: Node, *, fatal: bool) -> list[str]:
    return [name for name, weight in node.trackers.items() if _is_fatal(weight) == fatal]


def _is_fatal(weight: int) -> bool:
    """Return whether a tracker that fails takes its node out of the election."""
    return weight == 0 or weight <= LOWEST


def stuck(nodes: t.Sequence[Node]) -> list[Stuck]:
    """Return every tracker that fails on the holder without moving the address, though another node is well.

    Each node is tried as the holder, with those that would win against it gone: so every pair is compared.
    """
    result = []
    for node in nodes:
        for other in nodes:
            if other.name == node.name:
                continue
            gone = frozenset((third.name, HOST) for third in nodes if third.name not in (node.name, other.name))
            if elect([node, other], gone) != node.name:
                continue
            for tracker, weight in node.trackers.items():
                failed = gone | {(node.name, tracker)}
                remaining = effective_priority(node, failed)
                needed = effective_priority(other, failed)
                if (
                    remaining is not None
                    and needed is not None
                    and elect([node, other], failed, node.name) == node.name
                ):
                    result.append(Stuck(node.name, tracker, weight, remaining, other.name, needed))
    return result
