# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With which priority keepalived sends its adverts. Private to this collection.

A real-time priority that the kernel refuses costs one line in the log, and neither keepalived's own test nor its exit
code tells. On a busy host its adverts then come late, and a standby takes over from a holder that is well.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block

__all__ = ("PID_FILES", "Scheduler", "refused", "scheduler")

PID_FILES = ("/run/vrrp.pid", "/run/keepalived/vrrp.pid")
"""Where the process that speaks VRRP leaves its id, which is a child of the main one."""

_NAMES = {os.SCHED_OTHER: "other", os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr"}


class Scheduler(t.NamedTuple):
    """How the kernel runs a process: ``rr`` and ``fifo`` are real-time, with a priority from 1 to 99."""

    policy: str
    priority: int


def scheduler(pid_files: t.Iterable[str] = PID_FILES) -> Scheduler | None:
    """Return how the process that speaks VRRP is run; None where there is none."""
    for path in pid_files:
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if not file.read().startswith("keepalived"):
                    continue
            policy = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
            return Scheduler(_NAMES.get(policy, str(policy)), os.sched_getparam(pid).sched_priority)
    return None


def refused(blocks: t.Iterable[Block], now: Scheduler | None) -> str:
    """Return a sentence where the configuration asks for a real-time priority and the process has none, else none."""
    wanted = [
        line.args[0]
        for block in blocks
        if block.name == "global_defs"
        for line in block.find("vrrp_rt_priority")
        if line.args
    ]
    if not wanted or now is None or now.policy in ("rr", "fifo"):
        return ""
    return (
        f"keepalived runs without the real-time priority {wanted[-1]} that it asks for, because this host refuses it "
        "(a control group without cpu.rt_runtime_us, or a limit on rtprio). On a busy host its adverts come late, "
        "and the address may move without need: allow it, or use a slower timing"
    )
