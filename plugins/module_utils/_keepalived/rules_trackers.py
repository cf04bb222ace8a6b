# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on trackers, their weights and priorities. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.network import BfdInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rule import Answer, Subject, each
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    TrackFile,
    TrackProcess,
    VrrpScript,
    Weight,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.virtual_server import VirtualServer

LONGEST_PROCESS = 15
OWNER = 255
DEFAULT_PRIORITY = 100
_TRACKERS: dict[str, type[t.Any]] = {
    "track_file": TrackFile,
    "track_script": VrrpScript,
    "track_process": TrackProcess,
    "track_bfd": BfdInstance,
}


class Use(t.NamedTuple):
    """A tracker as an instance uses it; ``weight`` is None where the tracker is not known."""

    option: str
    name: str
    weight: int | None


def _uses(subject: Subject, model: VrrpInstance | SyncGroup) -> t.Iterator[Use]:
    for option, kind in _TRACKERS.items():
        # A file counts 1 for each unit of its number unless it says otherwise, everything else nothing: FAULT.
        plain = Weight(1 if kind is TrackFile else 0)
        weights = {item.name: (item.weight or plain).weight for _place, item in subject.of(kind)}
        for index, tracked in enumerate(getattr(model, option) or ()):
            weight = weights.get(tracked.name) if tracked.weight is None else tracked.weight
            yield Use(f"{option}[{index}]", tracked.name, weight)
    for index, tracked in enumerate(model.track_interface or ()):
        yield Use(f"track_interface[{index}]", tracked.name, tracked.weight or 0)


@each("error", VrrpInstance, SyncGroup)
def tracker_undefined(subject: Subject, model: VrrpInstance | SyncGroup) -> Answer:
    for option, tracker in _TRACKERS.items():
        known = {item.name for _place, item in subject.of(tracker)}
        for index, tracked in enumerate(getattr(model, option) or ()):
            if tracked.name not in known:
                message = f"{tracked.name} is defined nowhere, and keepalived would go on without it"
                yield f"{option}[{index}]", message


@each("error", VirtualServer)
def check_undefined(subject: Subject, virtual: VirtualServer) -> Answer:
    files = {item.name for _place, item in subject.of(TrackFile)}
    neighbours = {item.name for _place, item in subject.of(BfdInstance)}
    for index, server in enumerate(virtual.real_servers or ()):
        wanted = [
            (f"file_checks[{index}]", check.track_file, files) for index, check in enumerate(server.file_checks or ())
        ]
        wanted += [
            (f"bfd_checks[{index}]", check.name, neighbours) for index, check in enumerate(server.bfd_checks or ())
        ]
        for option, name, known in wanted:
            if name not in known:
                yield f"real_servers[{index}].{option}", f"{name} is defined nowhere"


@each("error", VrrpInstance, SyncGroup)
def tracker_twice(subject: Subject, model: VrrpInstance | SyncGroup) -> Answer:
    for option in (*_TRACKERS, "track_interface"):
        names = [item.name for item in getattr(model, option) or ()]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield f"{option}[{index}]", f"{name} is tracked twice"


@each("error", VrrpInstance)
def own_interface_tracked(subject: Subject, instance: VrrpInstance) -> Answer:
    for index, tracked in enumerate(instance.track_interface or ()):
        if tracked.name == instance.interface:
            message = f"{tracked.name} is the interface of {instance.name}, which is watched anyway: leave it out"
            yield f"track_interface[{index}]", message


@each("error", VrrpInstance)
def nopreempt_with_weight(subject: Subject, instance: VrrpInstance) -> Answer:
    for use in _uses(subject, instance) if instance.nopreempt else ():
        if use.weight:
            message = (
                f"{use.name} has the weight {use.weight}, and with nopreempt a lower priority never moves the "
                "address: use weight 0, which is FAULT"
            )
            yield use.option, message


@each("error", VrrpInstance)
def owner_with_weight(subject: Subject, instance: VrrpInstance) -> Answer:
    for use in _uses(subject, instance) if _priority(instance) == OWNER else ():
        if use.weight:
            message = f"{use.name} has the weight {use.weight}, which priority 255 ignores: use a lower priority"
            yield use.option, message


def _priority(instance: VrrpInstance) -> int:
    return instance.priority or (OWNER if instance.initial_state == "MASTER" else DEFAULT_PRIORITY)


@each("error", VrrpInstance)
def weight_below_gap(subject: Subject, instance: VrrpInstance) -> Answer:
    own = _priority(instance)
    lower = [other for other in (subject.peers or {}).get(instance.name, ()) if other < own]
    for use in _uses(subject, instance) if lower else ():
        if use.weight and abs(use.weight) <= own - max(lower):
            message = (
                f"{use.name} changes the priority {own} by {use.weight}, and the next member has {max(lower)}: "
                f"a failure would not move the address; use weight 0, or more than {own - max(lower)}"
            )
            yield use.option, message


@each("warning", VrrpInstance)
def weight_tiny(subject: Subject, instance: VrrpInstance) -> Answer:
    for use in _uses(subject, instance) if not (subject.peers or {}).get(instance.name) else ():
        if use.weight and abs(use.weight) <= 2 and not use.option.startswith("track_file"):
            message = f"{use.name} has the weight {use.weight}, less than any usual gap of priorities: use weight 0"
            yield use.option, message


@each("error", VrrpInstance)
def priority_tie(subject: Subject, instance: VrrpInstance) -> Answer:
    if _priority(instance) in (subject.peers or {}).get(instance.name, ()):
        message = f"another member has the priority {_priority(instance)} too: no two may be equal"
        yield "priority", message


@each("error", VrrpInstance)
def owner_by_default(subject: Subject, instance: VrrpInstance) -> Answer:
    if instance.initial_state == "MASTER" and instance.priority is None:
        message = f"{instance.name} has state MASTER and no priority, which means priority 255: say a priority"
        yield "priority", message


@each("error", TrackProcess)
def process_name_long(subject: Subject, process: TrackProcess) -> Answer:
    name = process.process[0]
    whole = process.full_command or process.param_match or len(process.process) > 1
    if len(name.encode()) > LONGEST_PROCESS and not whole:
        message = f"the kernel cuts {shown(name)} at {LONGEST_PROCESS} characters: say full_command"
        yield "process", message


@each("error", VrrpInstance)
def group_with_weight(subject: Subject, instance: VrrpInstance) -> Answer:
    groups = {name: group for _place, group in subject.of(SyncGroup) for name in group.group}
    group = groups.get(instance.name)
    for use in _uses(subject, instance) if group and not group.sync_group_tracking_weight else ():
        if use.weight:
            message = f"{use.name} has the weight {use.weight}, which a sync group ignores: use weight 0"
            yield use.option, message
