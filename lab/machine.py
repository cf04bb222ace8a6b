# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is peculiar to this machine: cgroups, limits, real-time shares. The rest of the lab does not know."""

from __future__ import annotations

import os
import resource
import typing as t
from dataclasses import dataclass
from pathlib import Path

from lab.command import LAB_DIRECTORY, as_root, run

__all__ = ("Facts", "containers_conf", "grant_real_time", "prepare", "podman_command")

CONTAINERS_CONF = LAB_DIRECTORY / "containers.conf"
CAP_SYS_RESOURCE = 24
# systemd needs a few inotify instances a node, and the kernel's default is 128 for the whole machine.
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 1024
# Under cgroup v1 real-time tasks need a share of their group: of each period, in microseconds.
CPU_CGROUP = Path("/sys/fs/cgroup/cpu")
RT_PERIOD = 100_000
RT_FOR_ALL_NODES = 90_000
RT_NODES_AT_LEAST = 9


@dataclass(frozen=True)
class Facts:
    """What decides how podman must be set up here."""

    unified_cgroup: bool
    may_raise_limits: bool
    open_files: int
    processes: int

    @classmethod
    def gather(cls) -> Facts:
        capabilities = next(
            line.split()[1] for line in Path("/proc/self/status").read_text().split("\n") if line.startswith("CapEff")
        )
        pid_max = int(Path("/proc/sys/kernel/pid_max").read_text())
        processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        return cls(
            unified_cgroup=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
            may_raise_limits=os.geteuid() != 0 or bool(int(capabilities, 16) >> CAP_SYS_RESOURCE & 1),
            open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            processes=pid_max if processes == resource.RLIM_INFINITY else min(processes, pid_max),
        )


def containers_conf(facts: Facts) -> str:
    """Return podman's configuration for this machine."""
    lines = ["[containers]", 'base_hosts_file = "none"']
    if not facts.may_raise_limits:
        # podman would ask for more than this user may have, and lowers its own limit to pid_max first
        ulimits = f'"nofile={facts.open_files}:{facts.open_files}", "nproc={facts.processes}:{facts.processes}"'
        lines.append(f"default_ulimits = [{ulimits}]")
    if not facts.unified_cgroup:
        # crun refuses the layout that mixes both cgroup versions
        lines += ["", "[engine]", 'runtime = "runc"']
    return "\n".join([*lines, "", "[network]", 'network_backend = "netavark"', ""])


def prepare() -> None:
    """Write podman's configuration and raise what the machine's kernel gives too little of."""
    LAB_DIRECTORY.mkdir(exist_ok=True)
    text = containers_conf(Facts.gather())
    if not CONTAINERS_CONF.exists() or CONTAINERS_CONF.read_text() != text:
        CONTAINERS_CONF.write_text(text)
    if int(INOTIFY.read_text()) < INOTIFY_WANTED:
        run(*as_root("sh", "-c", f"echo {INOTIFY_WANTED} >{INOTIFY}"), check=False)


def podman_command() -> tuple[str, ...]:
    """Return the beginning of every podman command line here."""
    return as_root("env", f"CONTAINERS_CONF={CONTAINERS_CONF}", "podman")


def grant_real_time(main_processes: t.Sequence[int]) -> bool:
    """Let the containers of these main processes use real-time priorities; whether they may, then.

    Only cgroup v1 withholds them. The share is small and so is the period, so that a task that uses
    its share up waits for less than the default advert interval of VRRP.
    """
    if not (CPU_CGROUP / "cpu.rt_runtime_us").exists():
        return True
    share = RT_FOR_ALL_NODES // max(len(main_processes), RT_NODES_AT_LEAST)
    words = ["set -e"]
    for process in main_processes:
        group = next(
            (
                path
                for _, controllers, path in (
                    line.split(":", 2) for line in Path(f"/proc/{process}/cgroup").read_text().strip().split("\n")
                )
                if "cpu" in controllers.split(",")
            ),
            "/",
        )
        parents = [path for path in reversed(Path(group).parents) if path != Path("/")]
        words += [_grant(path, RT_FOR_ALL_NODES) for path in parents] + [_grant(Path(group), share)]
    try:
        run(*as_root("sh", "-c", "\n".join(words)))
    except Exception:  # noqa: BLE001
        return False
    return True


def _grant(group: Path, share: int) -> str:
    folder = CPU_CGROUP / group.relative_to("/")
    return f"echo {RT_PERIOD} >{folder}/cpu.rt_period_us; echo {share} >{folder}/cpu.rt_runtime_us"
