# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the election: versions, timing, priorities, passwords. Private to this collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scope import (
    Found,
    Instance,
    Scope,
    number,
    rule,
    trackers,
    value,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.election import Node, stuck

__all__ = ()

LONGEST_PASSWORD = 8
FASTEST = 0.1
OWNER = 255


@rule("error")
def fraction_in_version_2(scope: Scope) -> Found:
    """Version 2 counts whole seconds between adverts."""
    for instance in scope.instances:
        seconds = number(instance.block, "advert_int", 1) or 0
        if instance.version == 2 and seconds % 1 != 0:
            yield (
                instance.line("advert_int"),
                f"advert_int {seconds:g} is no whole number, and VRRP version 2 knows no others: say version 3",
            )


@rule("warning")
def adverts_too_fast(scope: Scope) -> Found:
    """Below a tenth of a second a busy machine is late, and the address moves for nothing."""
    defs = scope.global_defs
    if defs.find("vrrp_rt_priority", "max_auto_priority"):
        return
    for instance in scope.instances:
        seconds = number(instance.block, "advert_int", 1) or 0
        if instance.version == 3 and 0 < seconds < FASTEST:
            yield (
                instance.line("advert_int"),
                f"advert_int {seconds:g} moves the address whenever the machine is busy: say {FASTEST:g} or more, or "
                "give keepalived real-time priority with vrrp_rt_priority",
            )


@rule("warning")
def password_cut(scope: Scope) -> Found:
    """Version 2 carries eight characters of a password."""
    for instance in scope.instances:
        for line in (pair for block in instance.block.find("authentication") for pair in block.find("auth_pass")):
            if line.args and len(line.args[0].encode()) > LONGEST_PASSWORD:
                yield line, f"only {LONGEST_PASSWORD} characters of the password count: shorten it on all members"


@rule("error")
def password_in_version_3(scope: Scope) -> Found:
    """Version 3 has no password."""
    for instance in scope.instances:
        if instance.version == 3 and instance.has("authentication"):
            yield (
                instance.line("authentication"),
                f"{instance.name} has a password, and VRRP version 3 ignores it: remove it and list unicast_peer with "
                "check_unicast_src, or say version 2",
            )


@rule("error")
def master_cancels_nopreempt(scope: Scope) -> Found:
    """State MASTER cancels nopreempt."""
    for instance in scope.instances:
        if instance.has("nopreempt") and value(instance.block, "state") == "MASTER":
            yield instance.line("state"), f"state MASTER cancels nopreempt of {instance.name}: say state BACKUP"


@rule("warning")
def strict_mode(scope: Scope) -> Found:
    """Strict mode filters the packets to the address itself."""
    lines = [*scope.global_defs.find("vrrp_strict")]
    for instance in scope.instances:
        lines += [
            line for line in instance.block.find("strict_mode") if line.args[:1] in ((), ("on",), ("true",), ("yes",))
        ]
    for line in lines:
        yield line, "strict mode makes the address unreachable for clients and refuses unicast peers: remove it"


@rule("error")
def garp_interval_zero(scope: Scope) -> Found:
    """keepalived refuses an interval of 0, which its own sample has."""
    for name in ("vrrp_garp_interval", "vrrp_gna_interval"):
        for line in scope.global_defs.find(name):
            if number(scope.global_defs, name) == 0:
                yield line, f"{name} 0 is refused: remove the line, it means the same"


@rule("error")
def nopreempt_with_weights(scope: Scope) -> Found:
    """With nopreempt nobody takes over from a holder that is only worth less."""
    for instance in scope.instances:
        for tracker, weight in scope.weighted(instance) if instance.has("nopreempt") else ():
            yield (
                tracker.line,
                f"{tracker.name} of weight {weight} never moves the address, because {instance.name} has nopreempt: "
                "use weight 0",
            )


@rule("error")
def weights_of_address_owner(scope: Scope) -> Found:
    """With priority 255 weights are ignored."""
    for instance in scope.instances:
        for tracker, weight in scope.weighted(instance) if instance.priority == OWNER else ():
            yield (
                tracker.line,
                f"keepalived ignores {tracker.name} of weight {weight}, because priority {OWNER} cannot change: "
                "choose a priority of 254 or less, or use weight 0",
            )


@rule("error")
def weight_never_flips(scope: Scope) -> Found:
    """A tracker that fails on the holder leaves it with the highest priority."""
    for instance in scope.instances:
        weights = {tracker.name: weight for tracker, weight in scope.weighted(instance)}
        if instance.priority == OWNER or instance.has("nopreempt"):
            continue  # other rules say what is wrong
        own = _node(instance, weights)
        others = [
            one if one.trackers else dataclasses.replace(one, trackers=weights)
            for one in (scope.peers or {}).get(instance.name, ())
        ]
        lines = {tracker.name: tracker.line for tracker, _weight in scope.weighted(instance)}
        for case in stuck([own, *others]):
            if case.holder == own.name:
                yield (
                    lines[case.tracker],
                    f"{case.tracker} of weight {case.weight} never moves {instance.name}: {case.remaining} is left, "
                    f"and {case.successor} with {case.needed} does not win; use weight 0, or one beyond the gap of the "
                    "priorities",
                )


def _node(instance: Instance, weights: dict[str, int]) -> Node:
    return Node("", instance.priority, instance.source or "0.0.0.0", trackers=weights)


@rule("warning")
def weight_is_tiny(scope: Scope) -> Found:
    """A weight of 1 or 2 moves an address only where the priorities are next to each other."""
    for instance in scope.instances:
        if scope.peers and instance.name in scope.peers:
            continue
        for tracker, weight in scope.weighted(instance):
            if abs(weight) <= 2 and tracker.kind != "track_file":
                yield (
                    tracker.line,
                    f"weight {weight} of {tracker.name} moves the address only from a priority that is so close to the next: "
                    "use weight 0, or one beyond the gap of the priorities",
                )


@rule("warning")
def weights_in_sync_group(scope: Scope) -> Found:
    """In a sync group weights do not count, unless it says so."""
    by_name = {instance.name: instance for instance in scope.instances}
    for group in scope.named("vrrp_sync_group"):
        if group.find("sync_group_tracking_weight", "global_tracking"):
            continue
        for member in (line.name for some in group.find("group") for line in some.children or ()):
            for tracker, weight in scope.weighted(by_name[member]) if member in by_name else ():
                yield (
                    tracker.line,
                    f"keepalived drops {tracker.name} of weight {weight}, because {member} is in a sync group: use "
                    "weight 0, or say sync_group_tracking_weight in the group",
                )


@rule("warning")
def reload_is_dropped(scope: Scope) -> Found:
    """keepalived 2.2.5 to 2.2.7 drop every reload when reload_check_config meets a script."""
    if scope.version is None or not Version(2, 2, 5) <= scope.version <= Version(2, 2, 7):
        return
    scripts = any(tracker.kind == "track_script" for one in scope.instances for tracker in trackers(one.block))
    for line in scope.global_defs.find("reload_check_config") if scripts else ():
        yield line, f"keepalived {scope.version} drops every reload when a script runs as another user: remove it"
