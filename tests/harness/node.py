# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the lab: what runs inside it, and what is done to it from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import testinfra

from lab.podman import container_name, podman, power_on

__all__ = ("Node", "alive", "run_on_each", "stop")

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# As `podman exec` enters a container, without the quarter of a second of a processor that it takes for it.
ENTER = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd")


class Node:
    """A host of the lab. What is done to it from outside (kill, freeze) goes through podman."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.container = container_name(name)
        self.host = testinfra.get_host(f"podman://{self.container}")
        self.away: list[tuple[float, float]] = []  # when it was frozen or dead, wall clock
        self._begun: list[subprocess.Popen[str]] = []
        self._init: tuple[int, str] = (0, "")  # process id of its init on this machine, and when that began

    def run(self, command: str) -> str:
        """Run a shell command as root that must succeed, and return what it printed without the end of the line."""
        done = self.attempt(command)
        if done.returncode:
            raise AssertionError(f"{command!r} on {self} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.rstrip("\r\n")

    def attempt(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root and return what became of it."""
        words = self.inside("/bin/sh", "-c", command)
        return subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def begin(self, command: str) -> subprocess.Popen[str]:
        """Start a shell command as root; ``stop`` it."""
        words = self.inside("/bin/sh", "-c", command)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._begun.append(process)
        return process

    def inside(self, *words: str) -> tuple[str, ...]:
        """Return the command line that runs these words in the node, as root."""
        if os.geteuid() != 0:
            return ("podman", "exec", self.container, *words)
        own = ("env", "--ignore-environment", f"PATH={PATH}", "HOME=/root", "container=podman")
        return ("nsenter", f"--target={self._process()}", *ENTER, "--", *own, *words)

    def holds(self, address: str) -> bool:
        return f" {address}/" in self.run("ip -o address show")

    @property
    def status(self) -> str:
        """One of podman's words: running, paused, exited ..."""
        return podman("inspect", "--format={{.State.Status}}", self.container).strip()

    @property
    def alive(self) -> bool:
        return self.status == "running"

    def kill(self) -> None:
        self.away.append((time.time(), float("inf")))
        podman("kill", self.container)

    def start(self) -> None:
        power_on(self.container)
        podman("exec", self.container, "timeout", "60", "systemctl", "is-system-running", "--wait", check=False)
        self._is_back()

    def shut_down(self) -> None:
        """Stop it in order, as `systemctl poweroff` does; what it still did counts until it is off."""
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(podman, "stop", self.container)
            while not stopping.done():
                # systemd stops all processes before it ends them. nsenter stops itself with its own, which then nobody
                # buries, and for which the node waits.
                for process in self._begun:
                    _signal(process, signal.SIGCONT)
                time.sleep(0.05)
            stopping.result()
        self.away.append((time.time(), float("inf")))

    def freeze(self) -> None:
        self.away.append((time.time(), float("inf")))
        for last in (False, False, True):
            # runc gives up where processes begin faster than it stops them.
            podman("pause", self.container, check=last)
            if self.status == "paused":
                break

    def thaw(self) -> None:
        podman("unpause", self.container)
        self._is_back()

    def revive(self) -> None:
        """Make a frozen or dead node run again; nothing happens to one that runs."""
        status = self.status
        if status == "paused":
            self.thaw()
        elif status != "running":
            self.start()

    def _is_back(self) -> None:
        if self.away and self.away[-1][1] == float("inf"):
            self.away[-1] = (self.away[-1][0], time.time())

    def _process(self) -> int:
        """Return the process id of its init on this machine; another one after each start."""
        pid, began = self._init
        if not pid or _began(pid) != began:
            state, text = podman("inspect", "--format={{.State.Status}} {{.State.Pid}}", self.container).split()
            if state != "running":
                raise AssertionError(f"{self} is {state}")
            self._init = (int(text), _began(int(text)))
        return self._init[0]

    def __repr__(self) -> str:
        return self.name


def stop(process: subprocess.Popen[str]) -> str:
    """End what ``begin`` has started in a node, and return what it printed."""
    _signal(process, signal.SIGTERM)
    _signal(process, signal.SIGCONT)
    printed, _errors = process.communicate()
    return printed


def alive(nodes: t.Iterable[Node]) -> list[Node]:
    """Return those of the nodes that run, neither dead nor frozen, by one question for all of them."""
    running = podman("ps", "--filter=status=running", "--format={{.Names}}").split()
    return [node for node in nodes if node.container in running]


def run_on_each(what: t.Callable[[Node], t.Any], nodes: t.Iterable[Node]) -> None:
    """Do something to several nodes at the same time."""
    nodes = list(nodes)
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(what, nodes))


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to what ``begin`` has started, unless it has ended, as with its node."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's ticks, which tells it from another of the same id; or nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
