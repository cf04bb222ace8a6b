# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the trackers and of the programs that keepalived runs. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.grammar import ROOT, keywords
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scope import (
    DEFINED_BY,
    Found,
    Scope,
    number,
    rule,
    trackers,
    value,
)

__all__ = ("commands",)

LONGEST_PROCESS = 15
USERS = ("vrrp_instance", "vrrp_sync_group")

_QUOTED = re.compile(r"'[^']*'")
_SHELL_SIGN = re.compile(r"[|;<>`]|&&|\$\(|(?:^|\s)&(?:\s|$)")
_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|z|k)?sh\s+(?:-\w+\s+)*-\w*c\b")
_ACTS = re.compile(
    r"\b(?:systemctl|service|rc-service)\b.*\b(?:re)?(?:start|stop)\b|\b(?:kill|pkill|killall)\s+(?!-0\b)\S.*keepalived\b"
)
_COUNTS_ZOMBIES = re.compile(r"\b(?:killall5?\s+-0|pidof|pgrep|kill\s+-0)\b")


def commands(blocks: t.Iterable[Block], table: str | None = ROOT) -> t.Iterator[tuple[Block, str]]:
    """Yield every line whose value is a command line, with that."""
    for block in blocks:
        known = keywords(table).get(block.name) if table is not None else None
        if known and known.is_script and block.args and block.raw is None:
            yield block, " ".join(block.args)
        if known and block.children:
            yield from commands(block.children, known.table)


@rule("error")
def tracker_undefined(scope: Scope) -> Found:
    """Something is tracked that nothing defines, and keepalived goes on without it."""
    for block in scope.named(*USERS) if scope.is_whole else ():
        for tracker in trackers(block):
            if tracker.kind in DEFINED_BY and scope.definition(tracker) is None:
                kind = DEFINED_BY[tracker.kind][0]
                yield tracker.line, f"there is no {kind} {tracker.name}: define it, or remove it from {tracker.kind}"


@rule("error")
def tracker_defined_later(scope: Scope) -> Found:
    """A tracker is defined behind the instance that refers to it, and keepalived does not find it."""
    for at, block in enumerate(scope.blocks):
        if block.name not in USERS or not scope.is_whole:
            continue
        for tracker in trackers(block):
            definition = scope.definition(tracker)
            if definition is not None and not any(one is definition for one in scope.blocks[:at]):
                yield (
                    tracker.line,
                    f"{definition.name} {tracker.name} is defined behind {' '.join(block.args)}, where keepalived does "
                    "not look for it: move it up",
                )


@rule("warning")
def tracker_unused(scope: Scope) -> Found:
    """A tracker is defined and nobody tracks it."""
    used = {(one.kind, one.name) for block in scope.named(*USERS) for one in trackers(block)}
    for kind in ("track_script", "track_process"):
        for block in scope.named(*DEFINED_BY[kind]) if scope.is_whole and scope.instances else ():
            if block.args and (kind, block.args[0]) not in used:
                yield block, f"{block.name} {block.args[0]} is tracked by nobody: list it in {kind}, or remove it"


@rule("error")
def script_defined_twice(scope: Scope) -> Found:
    """Two vrrp_scripts have one name, and keepalived does not say which it takes."""
    first: dict[str, Block] = {}
    for block in scope.named("vrrp_script"):
        name = block.args[0] if block.args else ""
        if first.setdefault(name, block) is not block:
            yield block, f"vrrp_script {name} is there already, and keepalived does not say so: rename one of them"


@rule("warning")
def timeout_beyond_interval(scope: Scope) -> Found:
    """A script may still run when it is due again."""
    for block in scope.named("vrrp_script"):
        interval, timeout = number(block, "interval", 1), number(block, "timeout")
        if interval is not None and timeout is not None and timeout > interval:
            yield (
                block.find("timeout")[-1],
                f"timeout {timeout:g} is longer than interval {interval:g}, so a script that hangs is noticed late: "
                f"say {interval:g} or less",
            )


@rule("error")
def shell_in_script(scope: Scope) -> Found:
    """keepalived runs a command without a shell, so pipes and the like are arguments."""
    for line, command in commands(scope.blocks):
        found = _SHELL_SIGN.search(_QUOTED.sub("", command))
        if found and not _SHELL.match(command):
            yield (
                line,
                f"{found.group().strip()!r} is handed to the program as an argument, because no shell reads this: put "
                "the command into a script of its own",
            )


@rule("warning")
def script_acts(scope: Scope) -> Found:
    """A check restarts or kills what it should only look at."""
    for block in scope.named("vrrp_script"):
        for line in block.find("script"):
            if _ACTS.search(" ".join(line.args)):
                yield line, "a check shall only look: leave restarts to systemd, and let the check fail"


@rule("warning")
def zombies_count(scope: Scope) -> Found:
    """A look at process numbers takes a dead or frozen program for a healthy one."""
    for block in scope.named("vrrp_script"):
        for line in block.find("script"):
            if _COUNTS_ZOMBIES.search(" ".join(line.args)):
                yield line, "this finds frozen and dead processes healthy: ask the service for an answer instead"


@rule("warning")
def script_missing(scope: Scope) -> Found:
    """A program that keepalived shall run is not there or not executable, and it goes on without it."""
    for line, command in commands(scope.blocks) if scope.runnable else ():
        program = command.split()[0] if command.split() else ""
        if program.startswith("/") and scope.runnable and not scope.runnable(program):
            yield line, f"{program} is no program on this host, and keepalived goes on without it: install it first"


@rule("warning")
def process_in_container(scope: Scope) -> Found:
    """In a container the kernel does not tell of processes, and a tracked one is down for ever."""
    for block in scope.named("vrrp_track_process") if scope.container else ():
        yield (
            block,
            f"a container learns nothing of processes, so {' '.join(block.args)} is in FAULT for ever: use a "
            "track_file or a vrrp_script",
        )


@rule("error")
def process_name_too_long(scope: Scope) -> Found:
    """The kernel keeps 15 characters of a process's name, and a longer one is never found."""
    for block in scope.named("vrrp_track_process"):
        name = value(block, "process")
        has_arguments = any(len(line.args) > 1 for line in block.find("process"))
        if len(name) > LONGEST_PROCESS and not has_arguments and not block.find("full_command", "param_match"):
            yield (
                block.find("process")[-1],
                f"the kernel knows {name} as {name[:LONGEST_PROCESS]}, so it is never found: write that, or add "
                "full_command",
            )
