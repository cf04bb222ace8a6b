# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a change is none for one node alone: what the members of a cluster see of each other on the wire. Private.

A node that speaks otherwise than its peers is not heard by them, and both hold the addresses. Which fields these are
is marked in the models (``wire=True``). An instance is known there by its router id, or else by its addresses; its
name is nobody's business. Peers may be added: who hears one more loses nobody. Who no longer hears a member does.
"""

from __future__ import annotations

import typing as t
from ipaddress import ip_address

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import wire_fields
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.instance import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.ttl import HIGHEST_TTL, sent_ttl

__all__ = ("GROUPS", "joint_changes")

GROUPS = {4: "224.0.0.18", 6: "ff02::12"}
"""Where adverts go that are sent to nobody in particular (RFC 5798, section 5.1)."""


def joint_changes(
    live: t.Sequence[VrrpInstance],
    wanted: t.Sequence[VrrpInstance],
    members: t.Collection[str],
    *,
    live_groups: t.Sequence[SyncGroup] = (),
    wanted_groups: t.Sequence[SyncGroup] = (),
) -> dict[str, list[str]]:
    """Return by instance the options that only all members can change together; empty where there are none.

    ``members`` are the addresses of the other members of the cluster.
    """
    pairs = [(_counterpart(item, live), item) for item in wanted]
    result: dict[str, list[str]] = {}
    for before, after in pairs:
        names = _differences(before, after, members) if before else []
        if names:
            result[after.name] = names
    names_now = {before.name: after.name for before, after in pairs if before}
    groups_before = _grouped([[names_now.get(name, "") for name in group.group] for group in live_groups], names_now)
    groups_after = _grouped([group.group for group in wanted_groups], names_now)
    for name in names_now.values():
        if groups_before.get(name) != groups_after.get(name):
            result.setdefault(name, []).append("sync group")
    return result


def _counterpart(wanted: VrrpInstance, live: t.Sequence[VrrpInstance]) -> VrrpInstance | None:
    """Return the live instance that this one continues, None for a new one."""
    same_router = [
        item
        for item in live
        if item.virtual_router_id == wanted.virtual_router_id
        and _family(item) == _family(wanted)
        and _meet(item, wanted)
    ]
    same_addresses = [item for item in live if _advertised(item) & _advertised(wanted)]
    same_name = [item for item in live if item.name == wanted.name]
    return next(iter((*same_router, *same_addresses, *same_name)), None)


def _meet(vrrp_instance: VrrpInstance, other: VrrpInstance) -> bool:
    """Whether two instances speak on the same interface, as far as it is said."""
    return vrrp_instance.interface is None or other.interface is None or vrrp_instance.interface == other.interface


def _differences(before: VrrpInstance, after: VrrpInstance, members: t.Collection[str]) -> list[str]:
    seen, shall = _seen(before), _seen(after)
    result = [name for name in seen if seen[name] != shall[name] and None not in (seen[name], shall[name])]
    if "unicast_peer" not in result and {peer.address for peer in before.unicast_peer or ()} & set(members) - {
        peer.address for peer in after.unicast_peer or ()
    }:
        result.append("unicast_peer")
    return result


def _seen(vrrp_instance: VrrpInstance) -> dict[str, t.Any]:
    """Return every marked option as peers see it; None where it depends on the host, and cannot be compared."""
    result = {name: getattr(vrrp_instance, name) for name in wire_fields(VrrpInstance)}
    secret = vrrp_instance.authentication
    result.update(
        version=vrrp_instance.version or 2,
        advert_int=vrrp_instance.advert_int or 1.0,
        virtual_ipaddress=_advertised(vrrp_instance),
        unicast_peer=vrrp_instance.is_unicast,
        unicast_ttl=sent_ttl(vrrp_instance.unicast_ttl, _family(vrrp_instance))
        if vrrp_instance.is_unicast
        else HIGHEST_TTL,
        mcast_dst_ip="" if vrrp_instance.is_unicast else vrrp_instance.mcast_dst_ip or GROUPS[_family(vrrp_instance)],
        authentication=(secret.auth_type, secret.auth_pass) if secret else (),
        auth_hmac=vrrp_instance.auth_hmac or (),
        vrf=vrrp_instance.vrf or "",
    )
    return result


def _advertised(vrrp_instance: VrrpInstance) -> frozenset[str]:
    return frozenset(str(address.ip) for address in vrrp_instance.virtual_ipaddress or ())


def _family(vrrp_instance: VrrpInstance) -> int:
    for address in (
        *_advertised(vrrp_instance),
        *([vrrp_instance.unicast_src_ip] if vrrp_instance.unicast_src_ip else ()),
    ):
        return ip_address(address).version
    return 4


def _grouped(groups: t.Iterable[t.Iterable[str]], names: t.Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return by instance those that move along with it, of the instances that go on."""
    result = {}
    for group in groups:
        some = frozenset(group) & frozenset(names.values())
        if len(some) > 1:
            result.update(dict.fromkeys(some, some))
    return result
