# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a planned move takes where, and whether it may. Private to this collection.

A move is a priority that is remembered on the host. What the plan gives ends at 250; above that:

    254  TAKING  the target while it takes over: it preempts at once, without the delay that is configured
    252  MOVED   the target afterwards: it keeps the address as a preferred node would, over reloads and reboots

The two differ so that a second move beats the first, and no two nodes ever stand equal. The target serves before the
old holder, which hears its advert, lets go: a node that is taken out of the election would break before it makes.
"""

from __future__ import annotations

import ipaddress
import math
import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError

__all__ = ("MOVED", "TAKING", "Decision", "Instance", "Move", "Request", "Seen", "concerned", "decide", "marked")

TAKING, MOVED = 254, 252

READY = ("BACKUP", "MASTER")

RETRY_FOR = 10
"""Seconds beyond the protocol's own time within which the target has to be master."""

Marks = t.Dict[str, int]
"""Priorities that are remembered on a host, by the name of the instance."""

RUN_SITE = "run the playbook holdfast.nginx_ha.site first"


@dataclass(frozen=True)
class Request:
    """What the user asks for: one of ``to``, ``away`` (nodes) and ``back``; ``addresses`` empty for all."""

    to: str = ""
    away: str = ""
    back: bool = False
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.to) + bool(self.away) + self.back != 1:
            raise HoldfastError(
                "say one of -e to=NODE (the addresses move there), -e away=NODE (they leave it) "
                "and -e back=true (they move to where the inventory prefers them)"
            )
        try:
            canonical = tuple(str(ipaddress.ip_address(address)) for address in self.addresses)
        except ValueError as error:
            raise InputError("addresses", str(error)) from None
        object.__setattr__(self, "addresses", canonical)


@dataclass(frozen=True)
class Instance:
    """A virtual router of a cluster. ``priorities`` are those of the plan, by member; ``group``: who moves along."""

    name: str
    addresses: tuple[str, ...]
    priorities: Mapping[str, int]
    advert_int: float
    group: str = ""

    @property
    def preferred(self) -> str:
        return max(self.priorities, key=lambda member: self.priorities[member])


@dataclass(frozen=True)
class Seen:
    """A node as it was found. ``drift`` and ``mute`` are empty where its files and its nginx are well, else say why."""

    reachable: bool = True
    running: bool = True
    states: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    trackers: Mapping[str, str] = field(default_factory=dict)
    drift: str = ""
    mute: str = ""
    marks: Mapping[str, int] = field(default_factory=dict)

    def unfit(self, name: str, instances: Iterable[str]) -> str:
        """Return why this node cannot take these instances over; empty where it can."""
        if not self.reachable:
            return f"{name} cannot be reached"
        if not self.running:
            return f"keepalived does not run on {name}: start it (systemctl start keepalived)"
        if self.mute:
            return f"nginx on {name} does not answer through the node's own address: {self.mute}"
        for tracker, value in self.trackers.items():
            if value not in ("0", ""):
                return f"the tracker {tracker} on {name} says {value}, not 0: see journalctl -u holdfast-watcher there"
        for instance in instances:
            state = self.states.get(instance)
            if state is None:
                return f"keepalived on {name} has no vrrp_instance {instance}: {RUN_SITE}"
            if state not in READY:
                return f"{instance} is in state {state} on {name}: see journalctl -u keepalived there"
        if self.drift:
            return f"the configuration of {name} is not what the inventory says ({self.drift}): {RUN_SITE}"
        return ""


@dataclass(frozen=True)
class Move:
    """An instance and its addresses that go from a node to another."""

    instance: str
    addresses: tuple[str, ...]
    source: str
    target: str
    seconds: int
    """Within these the target has to be master."""

    def __str__(self) -> str:
        return f"{', '.join(self.addresses)} ({self.instance}): {self.source} -> {self.target}"


@dataclass(frozen=True)
class Steps:
    """The marks of one node: as they are, while the targets take over, when others have let go, and in the end."""

    before: Marks
    taking: Marks
    between: Marks
    after: Marks


@dataclass(frozen=True)
class Decision:
    """What is to be done, and the steps of every node whose marks change."""

    moves: tuple[Move, ...]
    steps: Mapping[str, Steps]


def marked(instances: Iterable[Mapping[str, t.Any]], marks: Mapping[str, int]) -> list[dict[str, t.Any]]:
    """Return the instances of a node, as ``keepalived_config`` takes them, with the marks of a move laid over."""
    result = []
    for instance in instances:
        options = dict(instance)
        mark = marks.get(options["name"])
        if mark is not None:
            options["priority"] = mark
        if mark == TAKING:
            for name in ("preempt_delay", "nopreempt", "timer_expired_backup"):
                options.pop(name, None)
        result.append(options)
    return result


def concerned(request: Request, clusters: Mapping[str, Sequence[Instance]]) -> dict[str, list[list[Instance]]]:
    """Return by cluster the instances that the request is about, those of a sync group together.

    Raises HoldfastError for a node or an address that no cluster has.
    """
    node = request.to or request.away
    nodes = {member for instances in clusters.values() for instance in instances for member in instance.priorities}
    if node and node not in nodes:
        raise HoldfastError(f"{node} is no balancer of this inventory: name one of {', '.join(sorted(nodes))}")
    result: dict[str, list[list[Instance]]] = {}
    for cluster, instances in clusters.items():
        if node and not any(node in instance.priorities for instance in instances):
            continue
        for unit in _units(instances):
            if not request.addresses or any(item in request.addresses for each in unit for item in each.addresses):
                result.setdefault(cluster, []).append(unit)
    known = {item for units in result.values() for unit in units for each in unit for item in each.addresses}
    for address in request.addresses:
        if address not in known:
            where = f"the cluster of {node}" if node else "this inventory"
            raise InputError("addresses", f"{address} is no shared address of {where}")
    return result


def decide(request: Request, units: Iterable[Sequence[Instance]], seen: Mapping[str, Seen]) -> Decision:
    """Return what has to be done; raises HoldfastError, one sentence, where it must not be."""
    moves: list[Move] = []
    taking = {name: dict(node.marks) for name, node in seen.items()}
    between = {name: dict(node.marks) for name, node in seen.items()}
    after = {name: dict(node.marks) for name, node in seen.items()}
    for unit in units:
        if request.away and not any(request.away in (_holder(item, seen), _first(item, seen)) for item in unit):
            continue  # neither is it there, nor would it go there while all are well
        target = _target(request, unit, seen)
        for instance in unit:
            source = _holder(instance, seen)
            for name in seen:
                for marks in (between, after):
                    marks[name].pop(instance.name, None)
            if source != target:
                for marks in (taking, between):
                    marks[target][instance.name] = TAKING
                seconds = math.ceil(4 * instance.advert_int) + RETRY_FOR
                moves.append(Move(instance.name, instance.addresses, source, target, seconds))
            elif instance.name in seen[target].marks:
                between[target][instance.name] = seen[target].marks[instance.name]
            if not request.back and target != instance.preferred:
                after[target][instance.name] = MOVED
    made = {name: Steps(dict(node.marks), taking[name], between[name], after[name]) for name, node in seen.items()}
    steps = {name: item for name, item in made.items() if not item.before == item.taking == item.between == item.after}
    for name in steps:
        if not seen[name].reachable:
            raise HoldfastError(f"{name} cannot be reached")
        if seen[name].drift:
            raise HoldfastError(
                f"the configuration of {name} is not what the inventory says ({seen[name].drift}): {RUN_SITE}"
            )
    return Decision(tuple(moves), steps)


def _units(instances: Sequence[Instance]) -> list[list[Instance]]:
    units: dict[str, list[Instance]] = {}
    for instance in instances:
        units.setdefault(instance.group or f"\0{instance.name}", []).append(instance)
    return list(units.values())


def _target(request: Request, unit: Sequence[Instance], seen: Mapping[str, Seen]) -> str:
    """Return the node that shall hold these instances, which is fit where it does not hold them already."""
    first, names = unit[0], [item.name for item in unit]
    for instance in unit:
        highest = max(instance.priorities.values())
        if highest >= MOVED:
            raise HoldfastError(
                f"{instance.name} has priority {highest} in the inventory, and a planned move needs "
                f" those from {MOVED} for itself: use at most 250"
            )
    holder = _holder(first, seen)
    if request.away:
        return _elsewhere(request.away, unit, seen)
    target = request.to or first.preferred
    reason = seen[target].unfit(target, names)
    if reason and not all(_holder(item, seen) == target for item in unit):
        raise HoldfastError(f"nothing was moved, {holder} keeps {', '.join(first.addresses)}: {reason}")
    return target


def _elsewhere(away: str, unit: Sequence[Instance], seen: Mapping[str, Seen]) -> str:
    first, names = unit[0], [item.name for item in unit]
    holder = _holder(first, seen)
    if holder != away:
        return holder
    reasons = {name: seen[name].unfit(name, names) for name in first.priorities if name != away}
    fit = [name for name, reason in reasons.items() if not reason]
    if not fit:
        raise HoldfastError(
            f"nothing was moved, no other node can take {', '.join(first.addresses)}: {'; '.join(reasons.values())}"
        )
    return max(fit, key=lambda name: first.priorities[name])


def _first(instance: Instance, seen: Mapping[str, Seen]) -> str:
    """Return the node that would hold the instance while all are well, marks included."""
    standing = {name: seen[name].marks.get(instance.name, priority) for name, priority in instance.priorities.items()}
    return max(standing, key=lambda name: standing[name])


def _holder(instance: Instance, seen: Mapping[str, Seen]) -> str:
    holders: Collection[str] = [
        name for name in instance.priorities if not seen[name].held.isdisjoint(instance.addresses)
    ]
    addresses = ", ".join(instance.addresses)
    if len(holders) > 1:
        raise HoldfastError(f"{addresses} is held by {' and '.join(holders)} at once: mend that before a move")
    if not holders:
        raise HoldfastError(f"{addresses} is held by nobody that can be reached: there is nothing to move")
    return next(iter(holders))
