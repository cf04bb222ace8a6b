# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_instance and vrrp_sync_group. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.addresses import (
    Addresses,
    Peer,
    Peers,
    VirtualAddress,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.base import Model, Nested, option
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.fields import (
    Address,
    Choice,
    Command,
    Decimal,
    Flag,
    FlagOrWords,
    Integer,
    Interface,
    Lines,
    Phrases,
    Script,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.trackers import (
    LARGEST,
    SECONDS,
    Tracked,
    Trackers,
)

__all__ = ("Authentication", "SyncGroup", "VrrpInstance")


@dataclass(frozen=True)
class Authentication(Model):
    """The password of VRRP version 2."""

    keyword = "authentication"

    auth_type: str = option(Choice("PASS", "AH"), required=True)
    auth_pass: str = option(Text(longest=8, secret=True), required=True)


@dataclass(frozen=True)
class VrrpInstance(Model):
    """A virtual router: the addresses that one node of several holds.

    ``interface`` may be missing until the instance is rendered: see ``interface_for`` in addresses.py.
    """

    keyword = "vrrp_instance"

    name: str = option(Text(), required=True, title=True)
    state: str | None = option(Choice("BACKUP", "MASTER"))
    interface: str | None = option(Interface())
    version: int | None = option(Integer(2, 3))
    virtual_router_id: int = option(Integer(1, 255), required=True)
    priority: int | None = option(Integer(1, 255))
    advert_int: float | None = option(Decimal(0.01, 255))
    nopreempt: bool | None = option(Flag())
    preempt_delay: float | None = option(Decimal(0, 1000))
    mcast_src_ip: str | None = option(Address())
    mcast_dst_ip: str | None = option(Address())
    unicast_src_ip: str | None = option(Address())
    track_src_ip: bool | None = option(Flag())
    unicast_peer: tuple[Peer, ...] | None = option(Peers())
    unicast_ttl: int | None = option(Integer(0, 255))
    unicast_fault_no_peer: bool | None = option(Flag())
    check_unicast_src: bool | None = option(Flag())
    authentication: Authentication | None = option(Nested(Authentication))
    track_interface: tuple[Tracked, ...] | None = option(Trackers())
    track_file: tuple[Tracked, ...] | None = option(Trackers())
    track_script: tuple[Tracked, ...] | None = option(Trackers())
    track_process: tuple[Tracked, ...] | None = option(Trackers())
    track_bfd: tuple[Tracked, ...] | None = option(Trackers())
    dont_track_primary: bool | None = option(Flag())
    virtual_ipaddress: tuple[VirtualAddress, ...] | None = option(Addresses())
    virtual_ipaddress_excluded: tuple[VirtualAddress, ...] | None = option(Addresses())
    virtual_routes: tuple[str, ...] | None = option(Phrases(0))
    virtual_rules: tuple[str, ...] | None = option(Phrases(0))
    promote_secondaries: bool | None = option(Flag())
    accept: bool | None = option(Flag())
    no_accept: bool | None = option(Flag())
    skip_check_adv_addr: bool | None = option(Flag())
    strict_mode: bool | None = option(Switch())
    use_vmac: tuple[str, ...] | None = option(FlagOrWords(2))
    use_vmac_addr: bool | None = option(Flag())
    vmac_xmit_base: bool | None = option(Flag())
    use_ipvlan: tuple[str, ...] | None = option(FlagOrWords(4))
    vrf: str | None = option(Interface())
    garp_master_delay: int | None = option(Integer(0, SECONDS))
    garp_master_repeat: int | None = option(Integer(1, LARGEST))
    garp_master_refresh: int | None = option(Integer(0, LARGEST))
    garp_master_refresh_repeat: int | None = option(Integer(1, LARGEST))
    garp_lower_prio_delay: int | None = option(Integer(0, SECONDS))
    garp_lower_prio_repeat: int | None = option(Integer(0, LARGEST))
    garp_extra_if: tuple[str, ...] | None = option(Words(1, 2))
    down_timer_adverts: int | None = option(Integer(1, 100))
    lower_prio_no_advert: bool | None = option(Switch())
    higher_prio_send_advert: bool | None = option(Switch())
    owner_ignore_adverts: bool | None = option(Flag())
    timer_expired_backup: bool | None = option(Flag())
    thread_timer_expired: bool | None = option(Flag())
    no_virtual_ipaddress: bool | None = option(Flag())
    kernel_rx_buf_size: int | None = option(Integer(0, LARGEST))
    notify_master: Command | None = option(Script())
    notify_backup: Command | None = option(Script())
    notify_fault: Command | None = option(Script())
    notify_stop: Command | None = option(Script())
    notify_deleted: Command | None = option(Script())
    notify_master_rx_lower_pri: Command | None = option(Script())
    notify: Command | None = option(Script())
    notify_priority_changes: bool | None = option(Switch())
    smtp_alert: bool | None = option(Switch())

    @classmethod
    def defaults(cls, options: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        version = options.get("version", 3)
        return {"state": "BACKUP", "version": version, "advert_int": 1 if str(version) == "2" else 0.1}

    def validate(self, path: str) -> None:
        families = {address.family for address in self.virtual_ipaddress or ()}
        if len(families) > 1:
            raise InputError(
                f"{path}.virtual_ipaddress" if path else "virtual_ipaddress",
                "it mixes IPv4 and IPv6: put the second family into virtual_ipaddress_excluded, or into an instance "
                "of its own in the same sync group",
            )
        if self.nopreempt and self.preempt_delay:
            raise InputError(path, f"{self.name} has nopreempt and preempt_delay: keepalived takes one of them")
        if self.nopreempt and self.state == "MASTER":
            raise InputError(path, f"{self.name} has nopreempt, which state MASTER cancels: let the state be BACKUP")
        if self.version == 3 and self.authentication:
            raise InputError(path, f"{self.name} has a password, which VRRP version 3 does not know: use version 2")
        if self.version == 3 and (self.advert_int or 0) > 40.95:
            raise InputError(path, f"advert_int {self.advert_int} is above the 40.95 s of VRRP version 3")
        if self.version == 2 and self.advert_int and not float(self.advert_int).is_integer():
            raise InputError(path, f"advert_int {self.advert_int} is a fraction, which VRRP version 2 does not know")
        if self.version == 3 and self.advert_int and round(self.advert_int * 100, 6) % 1:
            raise InputError(path, f"advert_int {self.advert_int} is no multiple of 0.01 s")


@dataclass(frozen=True)
class SyncGroup(Model):
    """Instances that change their state together."""

    keyword = "vrrp_sync_group"

    name: str = option(Text(), required=True, title=True)
    group: tuple[str, ...] = option(Lines(), required=True)
    track_interface: tuple[Tracked, ...] | None = option(Trackers())
    track_file: tuple[Tracked, ...] | None = option(Trackers())
    track_script: tuple[Tracked, ...] | None = option(Trackers())
    track_process: tuple[Tracked, ...] | None = option(Trackers())
    track_bfd: tuple[Tracked, ...] | None = option(Trackers())
    notify_master: Command | None = option(Script())
    notify_backup: Command | None = option(Script())
    notify_fault: Command | None = option(Script())
    notify_stop: Command | None = option(Script())
    notify: Command | None = option(Script())
    notify_priority_changes: bool | None = option(Switch())
    smtp_alert: bool | None = option(Switch())
    sync_group_tracking_weight: bool | None = option(Flag())
