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
import subprocess
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import named_by

__all__ = ("PID_FILES", "Scheduler", "bearable", "may_raise_limits", "real_time_fault", "refused", "scheduler")

CAP_SYS_RESOURCE = 24
HIGHEST_ORDINARY = -20

PID_FILES = ("/run/vrrp.pid", "/run/keepalived/vrrp.pid")
"""Where the process that speaks VRRP leaves its id, which is a child of the main one."""

_NAMES = {os.SCHED_OTHER: "other", os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr"}


class Scheduler(t.NamedTuple):
    """How the kernel runs a process: ``rr`` and ``fifo`` are real-time, with a priority from 1 to 99."""

    policy: str
    priority: int


def scheduler(pid_files: t.Iterable[str] = PID_FILES) -> Scheduler | None:
    """Return how the process that speaks VRRP is run; None where there is none."""
    for pid, process in filter(None, map(named_by, pid_files)):
        if not process.name.startswith("keepalived"):
            continue
        with contextlib.suppress(OSError):
            policy = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
            return Scheduler(_NAMES.get(policy, str(policy)), os.sched_getparam(pid).sched_priority)
    return None


def may_raise_limits(status: str = "/proc/1/status") -> bool:
    """Return whether root may raise limits here, which it may not in most containers (CAP_SYS_RESOURCE)."""
    with contextlib.suppress(OSError, ValueError), open(status, encoding="ascii") as file:
        for line in file:
            name, _colon, value = line.partition(":")
            if name == "CapBnd":
                return bool(int(value, 16) >> CAP_SYS_RESOURCE & 1)
    return True


def bearable(defs: GlobalDefs | None, *, may_raise: bool) -> tuple[GlobalDefs | None, list[Finding]]:
    """Return the same without a real-time priority where that would kill keepalived, and the warning that says so.

    At every reload keepalived sets its real-time limit (RLIMIT_RTTIME) to 0 and then to what it was told
    (``reset_process_priorities`` in lib/process.c, seen with 2.2.7). Who may not raise a limit stays at 0, and the
    kernel kills it at the next tick of the clock that finds it at work.
    """
    if may_raise or defs is None or defs.vrrp_rt_priority is None:
        return defs, []
    message = (
        f"{defs.vrrp_rt_priority} is left out: root may not raise limits on this host (a container without "
        "CAP_SYS_RESOURCE), and there a keepalived of real-time priority is killed soon after a reload. It gets the "
        "highest ordinary priority"
    )
    ordinary = replace(defs, vrrp_rt_priority=None, vrrp_rlimit_rttime=None, vrrp_priority=HIGHEST_ORDINARY)
    return ordinary, [Finding("real-time-limit", "warning", "global_defs.vrrp_rt_priority", message)]


def real_time_fault(priority: int, *, may_raise: bool) -> str:
    """Return a sentence where keepalived could not keep this real-time priority here, else none.

    It is tried in a unit with a control group of its own, as that of keepalived is.
    """
    if may_raise:
        unit = ["--property=CPUWeight=10000", "--property=CPUSchedulingPolicy=rr"]
        trial = ["systemd-run", "--quiet", "--wait", "--collect", *unit, f"--property=CPUSchedulingPriority={priority}"]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                [*trial, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
            )
        except (OSError, subprocess.SubprocessError):
            done = None
        if done is not None and done.returncode == 0:
            return ""
        why = "its control group has no cpu.rt_runtime_us, or real-time processes are forbidden"
    else:
        why = "root may not raise limits here, as in a container without CAP_SYS_RESOURCE"
    return (
        "keepalived_timing: adverts as dense as these need a real-time priority for keepalived, which this host cannot "
        f"give ({why}): allow it, or use `fast`"
    )


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
