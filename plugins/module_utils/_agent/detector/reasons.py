# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why two nodes that hold one address do not hear each other: no input, no output, no clock."""

from __future__ import annotations

import typing as t

from ..._system.addresses import family_of, packed
from .adverts import Advert, is_multicast
from .instance import InstanceConfig

SHOWN = 20  # addresses of an advert that a message names


class Reason(t.NamedTuple):
    """Why two nodes hold one address: its name, and what to know and to do in words."""

    name: str
    message: str


def explain(
    instance: InstanceConfig, wire: t.Sequence[Advert], passed: t.Sequence[Advert], *, foreign_mac: bool = False
) -> Reason:
    """Say why a second node holds the address of this one.

    ``wire`` is what was seen before the firewall, own adverts included; ``passed`` what came through it;
    ``foreign_mac`` whether who answers for the address is known to be none of the peers.
    """
    own = next((item for item in reversed(wire) if item.sent_by_us and item.router_id == instance.router_id), None)
    others = [item for item in wire if not item.sent_by_us and family_of(item.source) == instance.family]
    if own is None:
        return Reason(
            "not_sending",
            "No advert leaves this node: keepalived does not run, hangs, or does not hold the address, which somebody "
            "else has left behind, or a firewall rule drops IP protocol 112 on its way out. Look at systemctl status "
            "keepalived and at the rules of the firewall.",
        )
    same = [other for other in others if other.router_id == instance.router_id]
    of_peers = [item for item in same if instance.knows(item.source)]
    here = [peer for peer in of_peers if peer.interface == own.interface]
    if here:
        heard = {item.source for item in passed if item.router_id == instance.router_id}
        return _why_not_accepted(own, here[-1], through=here[-1].source in heard)
    if of_peers:
        one = of_peers[-1]
        return Reason(
            "wrong_interface",
            f"Adverts of {one.source} arrive on {one.interface}, and this node speaks on {own.interface}: "
            "let both use the same network (keepalived_interface).",
        )
    foreign = [item for item in same if item.interface == own.interface]  # no peers: those were told above
    if foreign:
        return Reason("router_id_clash", foreign_router(foreign[-1], own.addresses))
    for one in others:
        if one.source in instance.peers and set(one.addresses) & set(own.addresses):
            return Reason(
                "router_id_differs",
                f"{one.source} announces the same address with router id {one.router_id}, and this node with "
                f"{own.router_id}: bring the same configuration to both.",
            )
    if foreign_mac:
        return Reason(
            "foreign_host", "Who answers is none of the peers: find the host with this MAC and take the address off it."
        )
    return Reason(
        "no_adverts",
        f"No advert of {' or '.join(instance.peers) or 'a peer'} reaches {own.interface}: something on the way, or the "
        "firewall there, drops IP protocol 112, or keepalived there is dead and has left the address behind.",
    )


def foreign_router(advert: Advert, shared: t.Collection[str]) -> str:
    """Say what to do about somebody who is no peer and uses the router id of this node, with ``shared`` addresses."""
    mac = f" ({advert.mac})" if advert.mac else ""
    who = (
        f"{advert.source}{mac}, which is no peer, sends adverts with router id {advert.router_id} and priority "
        f"{advert.priority} on {advert.interface}"
    )
    if not set(advert.addresses).isdisjoint(shared):
        return (
            f"{who} for the same address: stop keepalived there for good (systemctl disable --now keepalived), or "
            "bring it back into the inventory."
        )
    return (
        f"{who} for {_listed(advert.addresses)}: give one of the two another id (keepalived_virtual_router_id), or "
        "find out who forges them."
    )


def _why_not_accepted(own: Advert, other: Advert, *, through: bool) -> Reason:
    """Say why adverts of a peer that reach the interface do not end this: ``through`` the firewall they came or not."""
    where = other.source
    aims = is_multicast(own.destination), is_multicast(other.destination)
    if aims[0] != aims[1] or (all(aims) and own.destination != other.destination):
        return Reason(
            "destination",
            f"{where} sends to {other.destination} and this node to {own.destination}: "
            "both need unicast, or the same multicast group.",
        )
    # This node's own say with how much a peer sends: both are set up alike.
    if other.ttl < own.ttl:
        return Reason(
            "ttl",
            f"Adverts of {where} arrive with TTL {other.ttl} instead of {own.ttl}, so they were routed or forged: "
            "both nodes must be on one network.",
        )
    if not through:
        return Reason(
            "local_firewall",
            f"Adverts of {where} reach {own.interface}, and a firewall rule of this node drops them: "
            f"let IP protocol 112 in from {where}.",
        )
    if own.version != other.version:
        return Reason(
            "version",
            f"{where} speaks VRRP version {other.version} and this node version {own.version}: "
            "bring the same configuration to both (keepalived_timing).",
        )
    if own.secret != other.secret:
        return Reason(
            "password",
            f"{where} uses another password, or another kind of authentication, than this node: "
            "bring the same keepalived_auth_pass to both.",
        )
    if sorted(own.addresses) != sorted(other.addresses):
        return Reason(
            "addresses",
            f"{where} announces {_listed(other.addresses)} and this node {_listed(own.addresses)}: "
            "bring the same keepalived_vips to both.",
        )
    if own.version == 2 and own.interval != other.interval:
        return Reason(
            "advert_int",
            f"{where} announces an interval of {other.interval:g} s and this node one of {own.interval:g} s: "
            "bring the same keepalived_timing to both.",
        )
    if (own.priority, packed(own.source)) > (other.priority, packed(where)):
        return Reason(
            "peer_is_deaf",
            f"Adverts of {where} arrive and are in order, and those of this node should end them: {where} does not "
            "hear this node. Look at its firewall and its keepalived.",
        )
    return Reason(
        "not_accepted",
        f"Adverts of {where} arrive, are in order and of higher priority, and keepalived here does not give way: "
        "journalctl -u keepalived says why; restart it.",
    )


def _listed(addresses: t.Sequence[str]) -> str:
    more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
    return f"{', '.join(sorted(addresses)[:SHOWN]) or 'no address'}{more}"
