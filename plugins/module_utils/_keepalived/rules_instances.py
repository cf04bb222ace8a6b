# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on scripts, instances and their groups. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import Command
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.lexer import shell_words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.rule import (
    Answer,
    Placed,
    Subject,
    each,
    rule,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import VrrpScript

NOTIFIES = (
    "notify",
    "notify_backup",
    "notify_deleted",
    "notify_fault",
    "notify_master",
    "notify_master_rx_lower_pri",
    "notify_stop",
)
_SHELL = re.compile(r"\|\|?|&&?|;|[<>].*|\d>.*|\$\(.*|`.*|.*;")
_CURLY = re.compile("[\u2018\u2019\u201c\u201d]")


def _commands(subject: Subject) -> t.Iterator[tuple[Placed, str, Command]]:
    for place, script in subject.of(VrrpScript):
        yield place, "script", script.script
    for kind in (VrrpInstance, SyncGroup):
        for place, model in subject.of(kind):
            for option in NOTIFIES:
                command = getattr(model, option, None)
                if command is not None:
                    yield place, option, command


@each("warning", VrrpScript)
def script_timeout(subject: Subject, script: VrrpScript) -> Answer:
    interval = script.interval or 1
    if script.timeout is not None and script.timeout > interval:
        message = f"the timeout {script.timeout:g} s is longer than the interval {interval:g} s"
        yield "timeout", message


@rule("error")
def script_for_shell(subject: Subject) -> Answer:
    for place, option, command in _commands(subject):
        words = shell_words(command.command) or () if "'" not in command.command else ()
        for word in (*words, command.user or "", command.group or ""):
            if _SHELL.fullmatch(word):
                message = (
                    f"{shown(word)} is for a shell, and keepalived starts none: put the commands into a script file"
                )
                yield place.at(option), message


@rule("error")
def script_curly_quotes(subject: Subject) -> Answer:
    for place, option, command in _commands(subject):
        if _CURLY.search(command.command):
            message = f"{shown(command.command)} holds typographic quotes, which belong to the path for keepalived"
            yield place.at(option), message


@rule("error")
def script_security(subject: Subject) -> Answer:
    if not subject.defaults.enable_script_security:
        for place, option, command in _commands(subject):
            message = f"{command.command.split()[0]} is run, and global_defs has no enable_script_security"
            yield place.at(option), message
            return


@each("error", VrrpInstance)
def advert_fraction(subject: Subject, instance: VrrpInstance) -> Answer:
    seconds = instance.advert_int
    if seconds and subject.version(instance) == 2 and not float(seconds).is_integer():
        message = f"advert_int {seconds:g} is rounded, because VRRP version 2 is spoken: say version 3"
        yield "advert_int", message


@each("error", VrrpInstance)
def password_ignored(subject: Subject, instance: VrrpInstance) -> Answer:
    if instance.authentication and subject.version(instance) == 3:
        message = "the password is ignored, because VRRP version 3 is spoken: say version 2, or leave it out"
        yield "authentication", message


@rule("warning")
def strict(subject: Subject) -> Answer:
    for place, defaults in subject.of(GlobalDefs):
        if defaults.vrrp_strict:
            message = "vrrp_strict makes virtual addresses unreachable and forbids unicast peers: leave it out"
            yield place.at("vrrp_strict"), message
    for place, instance in subject.of(VrrpInstance):
        for name in ("strict_mode", "no_accept"):
            if getattr(instance, name):
                yield place.at(name), f"{name} makes the virtual addresses of {instance.name} unreachable: leave it out"


@each("error", SyncGroup)
def group_member_unknown(subject: Subject, group: SyncGroup) -> Answer:
    known = {instance.name for _place, instance in subject.of(VrrpInstance)}
    for index, name in enumerate(group.group):
        if name not in known:
            yield f"group[{index}]", f"there is no instance {name}"


@each("error", SyncGroup)
def group_small(subject: Subject, group: SyncGroup) -> Answer:
    if len(set(group.group)) < 2:
        yield "group", f"{group.name} has fewer than two instances, and keepalived would drop it"


@rule("error")
def group_shared(subject: Subject) -> Answer:
    seen: dict[str, str] = {}
    for place, group in subject.of(SyncGroup):
        for index, name in enumerate(group.group):
            if name in seen:
                yield place.at(f"group[{index}]"), f"{name} is in {seen[name]} already"
            seen.setdefault(name, group.name)
