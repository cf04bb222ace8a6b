# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes that an inventory asks for."""

from __future__ import annotations

import ipaddress
import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from lab.command import ROOT, LabError, run

__all__ = ("DEFAULT_INVENTORY", "SUBNET", "SUBNET6", "Node", "hosts_of", "nodes_of", "read_inventory")

DEFAULT_INVENTORY = ROOT / "inventory" / "lab"
SUBNET = ipaddress.IPv4Network("10.89.50.0/24")
SUBNET6 = ipaddress.IPv6Network("fd00:89:50::/64")
GROUP = "lab"


@dataclass(frozen=True)
class Node:
    """One host of the lab: its inventory name and addresses, Debian release or stand-in, and what it may do."""

    name: str
    address: ipaddress.IPv4Address
    debian: str = "12"
    # Whether its root may mount, as on a real host.
    privileged: bool = True
    # Only a balancer needs real-time priority, of which a machine has little.
    balancer: bool = True

    @property
    def number(self) -> int:
        """The last octet of the address, which all that is derived from it shares."""
        return int(self.address) - int(SUBNET.network_address)

    @property
    def address6(self) -> ipaddress.IPv6Address:
        """The IPv6 address that ends in the same digits: 10.89.50.11 goes with fd00:89:50::11."""
        return SUBNET6[int(str(self.number), 16)]

    @property
    def mac(self) -> str:
        """A stable hardware address, so that no neighbour keeps a stale one when the node is made anew."""
        return f"02:89:50:00:00:{self.number:02x}"


def read_inventory(paths: t.Sequence[Path]) -> dict[str, t.Any]:
    """Return these inventories as one, read as Ansible reads them."""
    for path in paths:
        if not path.exists():
            raise LabError(f"{path}: there is no such inventory; give another one with -i.")
    arguments = [word for path in paths for word in ("-i", str(path))]
    inventory: dict[str, t.Any] = json.loads(run("ansible-inventory", *arguments, "--list"))
    return inventory


def nodes_of(inventory: t.Mapping[str, t.Any], debian: str | None = None) -> list[Node]:
    """Return the hosts of the group ``lab``, or all where there is none, in their order.

    ``debian`` is the release of those that do not say theirs (``lab_debian``); None: what LAB_DEBIAN says, else 12.
    """
    debian = debian or os.environ.get("LAB_DEBIAN", "12")
    names = hosts_of(inventory, GROUP if GROUP in inventory else "all")
    if not names:
        raise LabError("the inventory holds no host, so there is no lab to bring up.")
    backends = set(hosts_of(inventory, "backend"))
    nodes = [
        _node(name, inventory["_meta"]["hostvars"].get(name, {}), debian, balancer=name not in backends)
        for name in names
    ]
    owners: dict[ipaddress.IPv4Address, str] = {}
    for node in nodes:
        if node.address in owners:
            raise LabError(
                f"{node.name}: ansible_host {node.address} is also that of {owners[node.address]}; give it another."
            )
        owners[node.address] = node.name
    return nodes


def hosts_of(inventory: t.Mapping[str, t.Any], group: str) -> list[str]:
    """Return the names of a group's hosts, children included, each once and in order."""
    entry = inventory.get(group, {})
    names = [*entry.get("hosts", [])]
    for child in entry.get("children", []):
        names += hosts_of(inventory, child)
    return list(dict.fromkeys(names))


def _node(name: str, variables: t.Mapping[str, t.Any], debian: str, *, balancer: bool) -> Node:
    text = str(variables.get("ansible_host", ""))
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise LabError(f"{name}: ansible_host {text!r} is no IPv4 address; give the node one of {SUBNET}.") from None
    if address not in SUBNET or address in (SUBNET[0], SUBNET[1], SUBNET[-1]):
        raise LabError(
            f"{name}: ansible_host {text} is no address for a node of {SUBNET}; give it another of this subnet."
        )
    return Node(
        name=name,
        address=address,
        debian=str(variables.get("lab_debian", debian)),
        privileged=bool(variables.get("lab_privileged", True)),
        balancer=balancer,
    )
