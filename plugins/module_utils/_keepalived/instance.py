# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_instance and vrrp_sync_group. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import ip_address

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.addresses import (
    Addresses,
    Peer,
    Peers,
    VirtualAddress,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import Model
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.fields import (
    Command,
    Decimal,
    Flag,
    FlagOrWords,
    Interface,
    Lines,
    Phrases,
    Script,
    Switch,
    Text,
    Words,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.trackers import (
    LARGEST,
    SECONDS,
    Tracked,
    Trackers,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Address, Choice, Integer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.model import Nested, NestedList, option

__all__ = ("AuthHmac", "Authentication", "SyncGroup", "VrrpInstance")


@dataclass(frozen=True)
class Authentication(Model):
    """The password of VRRP version 2."""

    keyword = "authentication"

    auth_type: str = option(Choice("PASS", "AH"), required=True)
    auth_pass: str = option(Text(longest=8, secret=True), required=True)


@dataclass(frozen=True)
class HmacKey(Model):
    """A key of ``auth_hmac``, which is one line."""

    keyword = "key"

    id: int = option(Integer(1, 255), required=True)
    value: str = option(Text(secret=True), required=True)

    @classmethod
    def from_block(cls, block: Block) -> HmacKey:
        return cls.from_options(dict(zip(("id", "value"), block.args)))

    def to_block(self) -> Block:
        return Block(self.keyword, (str(self.id), self.value))


@dataclass(frozen=True)
class AuthHmac(Model):
    """The keys that sign the adverts of either version, from keepalived 2.4.0."""

    keyword = "auth_hmac"

    keys: tuple[HmacKey, ...] = option(NestedList(HmacKey), "key", required=True)
    active_key: int = option(Integer(1, 255), required=True)
    anti_replay: str | None = option(Choice("time", "monotonic"))
    time_window: int | None = option(Integer(1, 300))
    mode: str | None = option(Choice("enforce", "permissive"))

    def validate(self, path: str) -> None:
        if self.active_key not in [item.id for item in self.keys or ()]:
            raise InputError(path, f"active_key {self.active_key} is the id of none of the keys")


@dataclass(frozen=True)
class VrrpInstance(Model):
    """A virtual router: the addresses that one node of several holds.

    ``interface`` may be missing until the instance is rendered: see ``interface_for`` in addresses.py.
    """

    keyword = "vrrp_instance"

    name: str = option(Text(), required=True, title=True)
    initial_state: str | None = option(Choice("BACKUP", "MASTER"), "state")
    interface: str | None = option(Interface(), wire=True)
    version: int | None = option(Integer(2, 3), wire=True)
    virtual_router_id: int = option(Integer(1, 255), required=True, wire=True)
    priority: int | None = option(Integer(1, 255))
    advert_int: float | None = option(Decimal(0.01, 255), wire=True)
    nopreempt: bool | None = option(Flag())
    preempt_delay: float | None = option(Decimal(0, 1000))
    mcast_src_ip: str | None = option(Address())
    mcast_dst_ip: str | None = option(Address(), wire=True)
    unicast_src_ip: str | None = option(Address(), wire=True)
    track_src_ip: bool | None = option(Flag())
    unicast_peer: tuple[Peer, ...] | None = option(Peers(), wire=True)
    unicast_ttl: int | None = option(Integer(0, 255), wire=True)
    unicast_fault_no_peer: bool | None = option(Flag())
    check_unicast_src: bool | None = option(Flag())
    authentication: Authentication | None = option(Nested(Authentication), wire=True)
    auth_hmac: AuthHmac | None = option(Nested(AuthHmac), wire=True)
    track_interface: tuple[Tracked, ...] | None = option(Trackers())
    track_file: tuple[Tracked, ...] | None = option(Trackers())
    track_script: tuple[Tracked, ...] | None = option(Trackers())
    track_process: tuple[Tracked, ...] | None = option(Trackers())
    track_bfd: tuple[Tracked, ...] | None = option(Trackers())
    dont_track_primary: bool | None = option(Flag())
    virtual_ipaddress: tuple[VirtualAddress, ...] | None = option(Addresses(), wire=True)
    virtual_ipaddress_excluded: tuple[VirtualAddress, ...] | None = option(Addresses())
    virtual_routes: tuple[str, ...] | None = option(Phrases(0))
    virtual_rules: tuple[str, ...] | None = option(Phrases(0))
    promote_secondaries: bool | None = option(Flag())
    accept: bool | None = option(Flag())
    no_accept: bool | None = option(Flag(), after=("accept",))
    skip_check_adv_addr: bool | None = option(Switch())
    strict_mode: bool | None = option(Switch())
    use_vmac: tuple[str, ...] | None = option(FlagOrWords(2), once=True)
    use_vmac_addr: bool | None = option(Flag())
    vmac_xmit_base: bool | None = option(Flag())
    use_ipvlan: tuple[str, ...] | None = option(FlagOrWords(4), after=("use_vmac",), once=True)
    vrf: str | None = option(Interface(), wire=True, once=True)
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
        return {"initial_state": "BACKUP", "version": version, "advert_int": 1 if str(version) == "2" else 0.1}

    @property
    def is_unicast(self) -> bool:
        """True when the adverts go to single addresses."""
        return bool(self.unicast_peer)

    def validate(self, path: str) -> None:
        for wrong, message in self._combinations():
            if wrong:
                raise InputError(path, f"{self.name} {message}")

    def _combinations(self) -> t.Iterator[tuple[bool, str]]:
        """Yield what keepalived would drop, round or refuse, each with its sentence."""
        seconds = self.advert_int or 1
        vips = self.virtual_ipaddress or ()
        sources = [self.unicast_src_ip, self.mcast_src_ip, self.mcast_dst_ip]
        ends = [source for source in sources if source] + [peer.address for peer in self.unicast_peer or ()]
        families = {vip.family for vip in vips}
        yield (
            len(families) > 1,
            "mixes IPv4 and IPv6 in virtual_ipaddress: put the second family into virtual_ipaddress_excluded, or into "
            "an instance of its own in the same sync group",
        )
        families |= {ip_address(end).version for end in ends}
        yield len(families) > 1, "mixes IPv4 and IPv6 in its addresses, source and peers: use one family"
        yield (
            not vips and not self.no_virtual_ipaddress,
            "has no virtual_ipaddress: at least one is needed, virtual_ipaddress_excluded is not enough",
        )
        yield (
            self.version == 2 and 6 in families,
            "has IPv6 addresses, which VRRP version 2 has not: use version 3",
        )
        yield self.version == 3 and seconds > 40.95, f"has advert_int {seconds}: version 3 ends at 40.95 s"
        yield (
            self.version == 3 and bool(round(seconds * 100, 6) % 1),
            f"has advert_int {seconds}, which is no multiple of 0.01 s",
        )
        yield (
            self.version == 2 and not float(seconds).is_integer(),
            f"has advert_int {seconds}, and VRRP version 2 does not know fractions: use version 3 or whole seconds",
        )
        yield bool(self.nopreempt and self.preempt_delay), "has nopreempt and preempt_delay: use one of them"
        yield (
            bool(self.nopreempt) and self.initial_state == "MASTER",
            "has nopreempt, which state MASTER cancels: use BACKUP",
        )
        yield bool(self.nopreempt) and self.priority == 255, "has nopreempt, which priority 255 cancels: use less"
        yield (
            bool(self.preempt_delay) and self.initial_state == "MASTER",
            "has preempt_delay, which state MASTER cancels: use BACKUP",
        )
        yield (
            self.version == 3 and self.authentication is not None,
            "has a password, which VRRP version 3 does not know: use version 2, or auth_hmac",
        )
        yield bool(self.authentication and self.auth_hmac), "has authentication and auth_hmac: use one of them"
        yield (
            not self.is_unicast
            and not self.unicast_fault_no_peer
            and bool(self.unicast_src_ip or self.unicast_ttl is not None or self.check_unicast_src),
            "has unicast options and no unicast_peer, and keepalived would use multicast",
        )
        yield (
            self.is_unicast and bool(self.mcast_src_ip or self.mcast_dst_ip),
            "has peers and multicast options",
        )
        yield (
            self.is_unicast and bool(self.use_vmac is not None and not self.vmac_xmit_base),
            "has use_vmac and unicast peers, which needs vmac_xmit_base",
        )
        yield bool(self.vmac_xmit_base) and self.use_vmac is None, "has vmac_xmit_base, which needs use_vmac"
        yield (
            bool(self.vrf and (self.interface or not self.is_unicast)),
            "has vrf: it needs peers and no interface",
        )
        yield (
            bool(self.owner_ignore_adverts) and self.priority != 255,
            "has owner_ignore_adverts, which needs priority 255",
        )
        yield bool(self.timer_expired_backup and not self.nopreempt), "has timer_expired_backup, which needs nopreempt"
        yield self.strict_mode is True and self.is_unicast, "has strict_mode, which allows no unicast peers"


@dataclass(frozen=True)
class SyncGroup(Model):
    """Instances that change their state together."""

    keyword = "vrrp_sync_group"

    name: str = option(Text(), required=True, title=True)
    group: tuple[str, ...] = option(Lines(), required=True, once=True)
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
