# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances that somebody else configured on the host, and where ours would clash with them. Private."""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import VrrpInstance

__all__ = ("Foreign", "clashes", "foreign_instances")

ADDRESSES = ("virtual_ipaddress", "virtual_ipaddress_excluded")


class Foreign(t.NamedTuple):
    """An instance of somebody else: its place, and what no second one on this host may have."""

    where: str
    name: str
    interface: str
    virtual_router_id: str
    addresses: tuple[str, ...]

    @property
    def family(self) -> int:
        """4 or 6; keepalived numbers the routers of each family for themselves."""
        return 6 if self.addresses and ":" in self.addresses[0] else 4


def foreign_instances(blocks: t.Iterable[Block], own_folder: str) -> list[Foreign]:
    """Return the instances among the blocks that keepalived reads which come from files outside this folder."""
    return [
        Foreign(
            where=str(block.position),
            name=" ".join(block.args),
            interface=_value(block, "interface"),
            virtual_router_id=_value(block, "virtual_router_id"),
            addresses=tuple(_plain(line.name) for some in block.find(*ADDRESSES) for line in some.children or ()),
        )
        for block in blocks
        if block.name == "vrrp_instance" and not block.position.file.startswith(own_folder + "/")
    ]


def clashes(instances: t.Sequence[VrrpInstance], foreign: t.Sequence[Foreign]) -> list[Finding]:
    """Return where our instances claim what one of these has already."""
    result = []
    for index, own in enumerate(instances):
        vips = [str(item.ip) for field in ADDRESSES for item in getattr(own, field) or ()]
        for item in foreign:
            same = sorted(set(vips) & set(item.addresses))
            same_router = (
                str(own.virtual_router_id) == item.virtual_router_id
                and own.interface == item.interface
                and (6 if vips and ":" in vips[0] else 4) == item.family
            )
            for option, what in (
                ("name", f"a vrrp_instance {own.name}" if own.name == item.name else ""),
                ("virtual_ipaddress", f"the address {' and '.join(same)}" if same else ""),
                ("virtual_router_id", f"router {own.virtual_router_id} on {own.interface}" if same_router else ""),
            ):
                if what:
                    result.append(
                        Finding("foreign-instance", "error", f"instances[{index}].{option}", _message(what, item))
                    )
    return result


def _message(what: str, foreign: Foreign) -> str:
    return (
        f"keepalived on this host has {what} already, from vrrp_instance {foreign.name} at {foreign.where}, which this "
        "collection did not write: choose another, remove that one, or take over with adopt: true, which replaces "
        "the main file and keeps a copy of it"
    )


def _value(block: Block, name: str) -> str:
    """Return the value of a keyword, the last one as for keepalived; nothing where it is not there."""
    lines = block.find(name)
    return lines[-1].args[0] if lines and lines[-1].args else ""


def _plain(address: str) -> str:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_interface(address).ip)
    return address
