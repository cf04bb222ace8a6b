# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that run the real keepalived on one network, many elections at once: each has an instance of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.election import Node

__all__ = ("Case", "Network")

SUBNET = "10.77.0."
SHARED = "10.78.0."
ADVERT = 0.2
"""Seconds between adverts."""

NODE = "mount -t tmpfs none /run && ip link set lo up && echo $$ && read -r _"
"""A mount and a network namespace that live until the input ends."""

GLOBAL = """
global_defs {
    script_user root
    enable_script_security
    vrrp_priority -19
    vrrp_garp_master_repeat 1
    vrrp_garp_master_delay 0
}
"""


@dataclass(frozen=True)
class Case:
    """One election. ``kinds`` says of every tracker whether it is a file, an interface or a script."""

    number: int
    nodes: tuple[Node, ...]
    kinds: t.Mapping[tuple[str, str], str]

    @property
    def address(self) -> str:
        return f"{SHARED}{self.number}"

    def tracker(self, node: str, name: str) -> str:
        return f"{name}{self.number}{node}"


class Network:
    """Namespaces of the nodes of all cases, which share a bridge; ``folder`` takes their configurations."""

    def __init__(self, folder: Path, cases: t.Sequence[Case]) -> None:
        self.cases = cases
        self._binary = os.environ.get("HOLDFAST_KEEPALIVED", "")
        # A run without the binary must not look like a success.
        assert os.access(self._binary, os.X_OK), "HOLDFAST_KEEPALIVED must name the binary of keepalived"
        self._sudo = ["sudo"] * (os.geteuid() != 0)
        self._folder = folder
        self._ended = contextlib.ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._nodes = {node.name: node.address for case in cases for node in case.nodes}
        self._pids = {name: self._namespace() for name in ("lan", *self._nodes)}
        self._run("lan", "ip link add br0 type bridge; ip link set br0 up")
        for number, (node, address) in enumerate(self._nodes.items()):
            peer = f"peer name eth0 netns {self._pids[node]}"
            self._run("lan", f"ip link add p{number} type veth {peer}; ip link set p{number} master br0 up")
            self._run(node, f"ip address add {address}/24 dev eth0; ip link set eth0 up; mkdir /run/trackers")
        for case in cases:
            for each in case.nodes:
                for name in each.trackers:
                    self.set(case, each, name, fails=False)

    def close(self) -> None:
        for node in list(self._running):
            self.kill(node)
        self._ended.close()

    def start(self, node: str) -> None:
        """Start keepalived of a node."""
        path = self._folder / f"{node}.conf"
        path.write_text(GLOBAL + "".join(_written(case, node) for case in self.cases))
        command = [
            self._binary,
            "--dont-fork",
            "--log-console",
            "--vrrp",
            "-f",
            str(path),
            "-p",
            "/run/a",
            "-r",
            "/run/b",
        ]
        # In a namespace of its own all of it is gone in the moment in which its first process is.
        alone = ["unshare", "--pid", "--fork", "--kill-child"]
        with (self._folder / f"{node}.log").open("ab") as log:
            self._running[node] = subprocess.Popen([*self._inside(node), *alone, *command], stdout=log, stderr=log)

    def kill(self, node: str) -> None:
        """Take a node away, as a power cut does, with all that it had."""
        process = self._running.pop(node)
        # Whoever made the namespace waits until all in it are gone.
        first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        subprocess.run([*self._sudo, "kill", "-KILL", *(first or [str(process.pid)])], check=True)
        process.wait()
        self._run(node, f"ip address flush dev eth0 to {SHARED}0/24; rm -f /run/a /run/b")

    def set(self, case: Case, node: Node, name: str, *, fails: bool) -> None:
        """Let a tracker fail, or be well."""
        tracker = case.tracker(node.name, name)
        kind = case.kinds[node.name, name]
        if kind == "interface":
            there = f"ip link show {tracker} >/dev/null 2>&1 || ip link add {tracker} type veth peer name {tracker}p"
            state = "down" if fails else "up"
            self._run(node.name, f"{there}; ip link set {tracker}p up; ip link set {tracker} {state}")
        elif kind == "script":
            self._run(node.name, f"{'rm -f' if fails else 'touch'} /run/trackers/{tracker}")
        else:
            # What a file says counts as often as it says: of a weight above 0, a file that says nothing has failed.
            self._run(node.name, f"echo {int(fails == (node.trackers[name] <= 0))} > /run/trackers/{tracker}")

    def holders(self) -> dict[int, list[str]]:
        """Return the nodes that have the address of each case, by its number."""
        found: dict[int, list[str]] = {case.number: [] for case in self.cases}
        for node in self._nodes:
            for line in self._run(node, f"ip -o -4 address show dev eth0 to {SHARED}0/24").splitlines():
                found[int(line.split()[3].partition("/")[0].rpartition(".")[2])].append(node)
        return found

    def log(self, node: str) -> str:
        return (self._folder / f"{node}.log").read_text(errors="replace")

    def _namespace(self) -> str:
        command = [*self._sudo, "unshare", "--mount", "--net", "sh", "-c", NODE]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ended.callback(process.communicate)
        pid = t.cast("t.IO[str]", process.stdout).readline().strip()
        assert pid, "the network of the test could not be made"
        return pid

    def _inside(self, node: str) -> list[str]:
        return [*self._sudo, "nsenter", f"--target={self._pids[node]}", "--mount", "--net"]

    def _run(self, node: str, command: str) -> str:
        inside = [*self._inside(node), "sh", "-c", command]
        return subprocess.run(inside, stdout=subprocess.PIPE, check=True, text=True).stdout


def _written(case: Case, name: str) -> str:
    """Return what keepalived of a node is told of a case, empty where it is none of its nodes."""
    node = next((one for one in case.nodes if one.name == name), None)
    if node is None:
        return ""
    peers = "".join(f"        {one.address}\n" for one in case.nodes if one.name != name)
    used: dict[str, list[str]] = {"file": [], "interface": [], "script": []}
    defined = []
    for tracker, weight in node.trackers.items():
        full = case.tracker(name, tracker)
        kind = case.kinds[name, tracker]
        used[kind].append(f"{full} weight {weight}" if weight or kind == "file" else full)
        if kind == "file":
            defined.append(f'track_file {full} {{\n    file "/run/trackers/{full}"\n}}\n')
        if kind == "script":
            defined.append(
                f'vrrp_script {full} {{\n    script "/usr/bin/test -e /run/trackers/{full}"\n    interval 1\n'
                "    timeout 5\n    fall 1\n    rise 1\n}\n"
            )
    blocks = "".join(
        f"    track_{kind} {{\n" + "".join(f"        {one}\n" for one in listed) + "    }\n"
        for kind, listed in used.items()
        if listed
    )
    return "".join(defined) + (
        f"vrrp_instance c{case.number} {{\n    state BACKUP\n    interface eth0\n    version 3\n"
        f"    advert_int {ADVERT}\n    virtual_router_id {case.number}\n    priority {node.priority}\n"
        + ("    nopreempt\n" if node.nopreempt else "")
        + f"    unicast_src_ip {node.address}\n    unicast_peer {{\n{peers}    }}\n"
        + blocks
        + f"    virtual_ipaddress {{\n        {case.address}/32 dev eth0\n    }}\n}}\n"
    )
