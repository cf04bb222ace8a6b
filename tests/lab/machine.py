# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is peculiar to this machine: cgroups, limits, real-time shares. The rest of the lab does not know."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.command import OWN_PROGRAMS, LabError, as_root, run, say
from lab.number import HOME, NAME, NUMBER, outside

__all__ = ("Facts", "containers_conf", "install", "podman_command", "prepare", "real_time_arguments")

CONTAINERS_CONF = HOME / "containers.conf"
# podman keeps its networks by name and subnet; labs with numbers share the subnet, so each has a folder of its own.
NETWORKS = Path("/run", NAME, "networks")
CAP_SYS_RESOURCE = 24
# systemd needs a few inotify instances a node, and the kernel's default is 128 for the whole machine.
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_WANTED = 1024
# Under cgroup v1 a group has real-time priorities only where it was given a share of each period (microseconds).
# The period is short, so that whoever uses the share up waits for less than one advert of VRRP.
CPU_CGROUP = Path("/sys/fs/cgroup/cpu")
RT_PERIOD = 100_000
RT_FOR_ALL_NODES = 90_000
RT_SHARE = 6_000


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
    lines += ["", "[network]", 'network_backend = "netavark"']
    if NUMBER:
        lines.append(f'network_config_dir = "{NETWORKS}"')
    return "\n".join([*lines, ""])


def prepare() -> None:
    """Write podman's configuration and raise what the machine's kernel gives too little of."""
    HOME.mkdir(parents=True, exist_ok=True)
    text = containers_conf(Facts.gather())
    if not CONTAINERS_CONF.exists() or CONTAINERS_CONF.read_text() != text:
        CONTAINERS_CONF.write_text(text)
    if int(INOTIFY.read_text()) < INOTIFY_WANTED:
        run(*as_root("sh", "-c", f"echo {INOTIFY_WANTED} >{INOTIFY}"), check=False)
    if os.geteuid() != 0:
        _write_podman_of_root()


def _write_podman_of_root() -> None:
    """Put a podman into the PATH of whatever the lab starts that means root's containers, as ours are."""
    folders = [folder for folder in os.environ["PATH"].split(":") if folder != str(OWN_PROGRAMS)]
    podman = shutil.which("podman", path=":".join(folders))
    OWN_PROGRAMS.mkdir(exist_ok=True)
    wrapper = OWN_PROGRAMS / "podman"
    wrapper.write_text(f'#!/bin/sh\nexec sudo env CONTAINERS_CONF="{CONTAINERS_CONF}" {podman} "$@"\n')
    wrapper.chmod(0o755)


def podman_command() -> tuple[str, ...]:
    """Return the beginning of every podman command line here."""
    return as_root("env", f"CONTAINERS_CONF={CONTAINERS_CONF}", "podman")


def install(*packages: str) -> None:
    """Install Debian packages on this machine; LabError where apt cannot."""
    say(f"installing {' and '.join(packages)} by apt")
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=600")
    run(*outside(), *as_root(*apt, "update"))
    run(*outside(), *as_root(*apt, "install", "-y", "--no-install-recommends", *packages))


def real_time_arguments(nodes: int) -> tuple[str, ...] | None:
    """Return podman's arguments that let each of so many new nodes use real-time priorities; None where none can."""
    if not (CPU_CGROUP / "cpu.rt_runtime_us").exists():
        return ()
    if Path("/run/systemd/system").exists():
        return None  # systemd owns the groups above, and gives them no share
    parent = CPU_CGROUP / "libpod_parent"
    grant = f"mkdir -p {parent} && cd {parent} && echo {RT_PERIOD} >cpu.rt_period_us && "
    try:
        run(*as_root("sh", "-c", grant + f"echo {RT_FOR_ALL_NODES} >cpu.rt_runtime_us"))
    except LabError:
        return None
    if nodes * RT_SHARE > RT_FOR_ALL_NODES - _real_time_given(parent):
        return None
    return (f"--cpu-rt-period={RT_PERIOD}", f"--cpu-rt-runtime={RT_SHARE}")


def _real_time_given(parent: Path) -> float:
    """Return how much of a period the groups below have already."""
    given = 0.0
    for runtime in parent.glob("*/cpu.rt_runtime_us"):
        with contextlib.suppress(OSError):  # it has just ended
            period = int(runtime.with_name("cpu.rt_period_us").read_text())
            given += int(runtime.read_text()) * RT_PERIOD / period
    return given
