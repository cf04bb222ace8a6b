# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What podman holds of the lab: containers and the network, found by their label."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import typing as t
from dataclasses import dataclass

from lab.command import LabError, environment, run
from lab.inventory import SUBNET, SUBNET6, Node
from lab.machine import podman_command
from lab.number import LABEL, NAME, enter

__all__ = (
    "LABEL",
    "NETWORK",
    "Container",
    "conflict",
    "container_name",
    "containers",
    "ensure_network",
    "held",
    "podman",
    "podman_here",
    "remove",
    "remove_network",
    "power_on",
)

NETWORK = NAME


@dataclass(frozen=True)
class Container:
    """A node as it is: its clone, the digest of what it was made from, and podman's state word."""

    name: str
    clone: str
    node: str
    address: str
    spec: str
    state: str
    image: str


def container_name(node: str) -> str:
    return f"{NETWORK}-{node}"


def podman(*args: str, check: bool = True, timeout: float = 120) -> str:
    """Run podman as root and return what it printed."""
    return run(*enter(), *podman_command(), *args, check=check, timeout=timeout)


def podman_here(*args: str) -> int:
    """Run podman on this terminal and return its exit code."""
    return subprocess.run([*podman_command(), *args], check=False, env=environment()).returncode


def containers() -> list[Container]:
    """Return every container of this lab, of whatever clone."""
    listed = json.loads(podman("ps", "--all", f"--filter=label={LABEL}", "--format=json") or "null") or []
    return [
        Container(
            name=entry["Names"][0],
            clone=entry["Labels"][LABEL],
            node=entry["Labels"].get(f"{LABEL}.node", ""),
            address=entry["Labels"].get(f"{LABEL}.address", ""),
            spec=entry["Labels"].get(f"{LABEL}.spec", ""),
            state=entry["State"],
            image=entry["Image"].rpartition("/")[2],
        )
        for entry in listed
    ]


def held(one: Container) -> list[str]:
    """Return the addresses, with their prefix, that a node has beside the ones it was made with."""
    if one.state != "running":
        return []
    shown = podman("exec", one.name, "ip", "-json", "address", "show", "scope", "global", check=False)
    node = Node(one.node, ipaddress.IPv4Address(one.address))
    given = {str(node.address), str(node.address6)}
    entries = [entry for interface in json.loads(shown or "[]") for entry in interface.get("addr_info", []) if entry]
    return [f"{entry['local']}/{entry['prefixlen']}" for entry in entries if entry["local"] not in given]


def remove(names: t.Sequence[str]) -> None:
    """Remove these containers, running or not."""
    if names:
        podman("rm", "--force", "--time=0", "--volumes", *names)


def power_on(name: str) -> None:
    """Start a container that was killed or stopped, without the addresses that it had.

    podman takes its network namespace away a little later, and one that is started before keeps it: a host that lost
    its power would come back with the shared address on its interface.
    """
    podman("container", "cleanup", name)
    podman("start", name)


def remove_network() -> None:
    """Remove the network of the lab."""
    names = podman("network", "ls", "--quiet", f"--filter=label={LABEL}").split()
    if names:
        podman("network", "rm", "--force", *names)


def ensure_network(clone: str) -> None:
    """Make the lab's network where it is missing, after a look whether its subnet is free."""
    if NETWORK in podman("network", "ls", "--quiet").split():
        return
    networks = json.loads(podman("network", "ls", "--format=json"))
    taken = conflict(networks, json.loads(run(*enter(), "ip", "-json", "-4", "address")))
    if taken:
        raise LabError(f"the lab's subnet {SUBNET} is in use here by {taken}: take that down, then run this again.")
    arguments = [f"--label={LABEL}={clone}", "--ipv6", "--disable-dns"]
    for subnet in (SUBNET, SUBNET6):
        arguments += [f"--subnet={subnet}", f"--gateway={subnet[1]}"]
    podman("network", "create", *arguments, NETWORK)


def conflict(networks: t.Iterable[t.Mapping[str, t.Any]], interfaces: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """Return in words whose network overlaps with the lab's: of podman's networks and ip's interfaces; or nothing."""
    for network in networks:
        for entry in network.get("subnets") or []:
            if _overlaps(entry["subnet"]):
                return f"podman's network {network['name']} ({entry['subnet']})"
    for interface in interfaces:
        for entry in interface.get("addr_info", []):
            if entry and _overlaps(f"{entry['local']}/{entry['prefixlen']}"):
                return f"the interface {interface['ifname']} ({entry['local']}/{entry['prefixlen']})"
    return ""


def _overlaps(text: str) -> bool:
    network = ipaddress.ip_network(text, strict=False)
    return isinstance(network, ipaddress.IPv4Network) and network.overlaps(SUBNET)
