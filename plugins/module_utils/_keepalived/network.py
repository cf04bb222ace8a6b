# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static addresses, bfd_instance, track_group and garp_group. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import LineModels, VirtualAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Decimal,
    Flag,
    Interface,
    Lines,
    Text,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import Weight, WeightKind
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Integer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import option

__all__ = ("BfdInstance", "GarpGroup", "StaticAddress", "StaticAddresses", "TrackGroup")

LONGEST_BFD_NAME = 31
MILLISECONDS = 4294967


@dataclass(frozen=True)
class StaticAddress(VirtualAddress):
    """One line of ``static_ipaddress``."""

    track_group: str | None = option(Text())

    def validate(self, path: str) -> None:
        super().validate(path)
        if self.use_vmac:
            raise InputError(path, f"{self.address} is a static address, and those have no use_vmac")


class StaticAddresses(LineModels):
    """``static_ipaddress``."""

    def __init__(self) -> None:
        super().__init__(StaticAddress)


@dataclass(frozen=True)
class TrackGroup(Model):
    """Instances whose static addresses and routes are watched."""

    keyword = "track_group"

    name: str = option(Text(), required=True, title=True)
    group: tuple[str, ...] = option(Lines(), required=True, once=True)


@dataclass(frozen=True)
class GarpGroup(Model):
    """Interfaces that share a pause between gratuitous ARP messages."""

    keyword = "garp_group"

    garp_interval: float | None = option(Decimal(0, 2147))
    gna_interval: float | None = option(Decimal(0, 2147))
    interface: str | None = option(Interface())
    interfaces: tuple[str, ...] | None = option(Lines())

    def validate(self, path: str) -> None:
        if self.garp_interval is None and self.gna_interval is None:
            raise InputError(path, "it has neither garp_interval nor gna_interval, and keepalived would drop it")


@dataclass(frozen=True)
class BfdInstance(Model):
    """A neighbour that is watched by bidirectional forwarding detection; times are in milliseconds."""

    keyword = "bfd_instance"

    name: str = option(Text(longest=LONGEST_BFD_NAME), required=True, title=True)
    neighbor_ip: str = option(Address(), "neighbor_ip", "neighbour_ip", required=True)
    source_ip: str | None = option(Address())
    min_rx: float | None = option(Decimal(1, MILLISECONDS))
    min_tx: float | None = option(Decimal(1, MILLISECONDS))
    idle_tx: float | None = option(Decimal(1000, MILLISECONDS))
    multiplier: int | None = option(Integer(1, 255))
    passive: bool | None = option(Flag())
    ttl: int | None = option(Integer(1, 255), "ttl", "hoplimit")
    max_hops: int | None = option(Integer(-1, 255))
    multihop: bool | None = option(Flag())
    weight: Weight | None = option(WeightKind(253))
    vrrp: bool | None = option(Flag())
    checker: bool | None = option(Flag())
