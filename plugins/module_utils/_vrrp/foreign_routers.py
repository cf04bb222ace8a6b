# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address of the cluster, or speaks for one, and is no member of it. Private to this collection.

Input are the instances as the plan gives them to the detector (``detected``), and what was seen on the network. A
member is known by its addresses, and by the MAC that answers for them; a holder with ``use_vmac`` has the MAC of its
router id (RFC 5798, section 7.3).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.segment import Claim, Seen, Speaker

__all__ = ("Segment", "former_peers", "sentence", "foreign_routers")

LEAST, MOST = 0.5, 10.0
"""Seconds for which a network is looked at, whatever the interval between two adverts."""

_VMAC = re.compile(r"00:00:5e:00:0[12]:([0-9a-f]{2})")

Detected = t.Mapping[str, t.Any]


class ForeignRouter(t.NamedTuple):
    """Who is no member. ``kind`` is ``holder`` (of ``addresses``) or ``twin`` (of a node); or it is heard alone, and
    then ``speaker`` (for ``addresses``) or ``router_id`` (it has ours): anybody on the network can forge adverts.

    One that was heard has a ``source``, a router id and a priority; of one that only answers for an address they are
    empty and None.
    """

    kind: str
    interface: str
    mac: str
    instance: str
    addresses: tuple[str, ...]
    source: str = ""
    router_id: int | None = None
    priority: int | None = None


class Segment:
    """What to look for on the networks of one host.

    ``instances`` are those of the plan, ``homes`` has the interface of every shared address, ``macs`` those of this
    host. Of instances that live here, and may be others than those of the plan, ``intervals`` has the seconds between
    two adverts by router id, and ``former`` the peers that are no members any more.
    """

    def __init__(
        self,
        instances: t.Sequence[Detected],
        homes: t.Mapping[str, str],
        macs: t.Collection[str],
        *,
        intervals: t.Mapping[int, float] | None = None,
        peers: t.Iterable[str] = (),
    ) -> None:
        self.instances, self.homes, self.macs = instances, homes, macs
        self.intervals = {**(intervals or {})}
        for one in instances:
            self.intervals[one["router_id"]] = max(self.intervals.get(one["router_id"], 0.0), one["advert_int"])
        self.own = {one["address"] for one in instances}
        self.members = self.own | {peer for one in instances for peer in one["peers"]}
        self.former = sorted(set(peers) - self.members)

    @property
    def seconds(self) -> float:
        """How long to look: three adverts of the slowest instance."""
        return min(MOST, max(LEAST, 3 * max(self.intervals.values(), default=0.0)))

    def questions(self) -> dict[str, list[str]]:
        """Return by interface the addresses to ask for: shared ones, and those of members, which tell their MACs."""
        found: dict[str, dict[str, None]] = {}
        for one in self.instances:
            for vip in one["vips"]:
                if self.homes.get(vip):
                    asked = (vip, one["address"], *one["peers"], *self.former)
                    found.setdefault(self.homes[vip], {}).update(dict.fromkeys(filter(None, asked)))
        return {interface: list(addresses) for interface, addresses in found.items()}

    def known(self, seen: Seen) -> set[str]:
        """Return the MACs of this node and of the members that have answered."""
        return {*self.macs, *(claim.mac for claim in seen.claims if claim.address in self.members)}

    def name(self, router_id: int | None, addresses: t.Collection[str]) -> str:
        """Return the name of the instance that has one of these addresses, or else this router id."""
        by_address = (one["name"] for one in self.instances if not set(one["vips"]).isdisjoint(addresses))
        by_id = (one["name"] for one in self.instances if one["router_id"] == router_id)
        return next(by_address, None) or next(by_id, "another instance")


def foreign_routers(segment: Segment, seen: Seen) -> list[ForeignRouter]:
    """Return everybody who is no member and has an address of the cluster or of this node, or speaks for one."""
    known = segment.known(seen)
    holding = {claim.mac for claim in seen.claims if claim.address in segment.homes}
    found = [_speaker(segment, one, holding) for one in seen.speakers if _strange(segment, one, known)]
    speaking = {(one.mac, address) for one in found for address in one.addresses}
    for claim in seen.claims:
        if claim.address in segment.own and claim.mac not in segment.macs:
            found.append(ForeignRouter("twin", claim.interface, claim.mac, "", (claim.address,)))
        elif claim.address in segment.homes and not (
            claim.mac in known or _virtual(claim.mac, segment.intervals) or (claim.mac, claim.address) in speaking
        ):
            found.append(_holder(segment, claim))
    return found


def former_peers(segment: Segment, seen: Seen) -> list[str]:
    """Return a sentence for every peer of the files that lie here which the plan has no more, and which still is there.

    Whether its keepalived runs nobody can see while it stands by: it takes the addresses once nobody speaks to it.
    """
    known = segment.known(seen)
    return [
        f"{claim.address} ({claim.mac}) was a peer of this node and is no member any more: see that its keepalived is "
        "stopped for good (systemctl disable --now keepalived), or it takes the addresses as soon as it is no longer "
        "spoken to"
        for claim in seen.claims
        if claim.address in segment.former and claim.mac not in known
    ]


def sentence(one: ForeignRouter) -> str:
    """Return who a foreign router is and what to do, without the full stop."""
    addresses = ", ".join(one.addresses)
    if one.kind == "twin":
        return (
            f"{addresses} is the address of this node, and {one.mac} on {one.interface} answers for it as well: give "
            "one of the two hosts another address"
        )
    if one.router_id is None:
        return (
            f"{addresses} of {one.instance} belongs to another host: {one.mac} answers for it on {one.interface}, and "
            "is neither this node nor a member of the cluster: take the address off that host, or choose a free one "
            "(keepalived_vips)"
        )
    heard = f"sends adverts with router id {one.router_id} and priority {one.priority}"
    who = f"{one.source} ({one.mac}) on {one.interface} is no member of the cluster and {heard}"
    if one.kind == "holder":
        return (
            f"{who} for {addresses or 'the addresses'} of {one.instance}, so it is a second holder: stop keepalived "
            "there for good (systemctl disable --now keepalived), or bring it back into the inventory"
        )
    if one.kind == "speaker":
        return (
            f"{who} for {addresses or 'the addresses'} of {one.instance}, which it does not answer for: keepalived "
            "here does not hear it; find out who forges them, or stop keepalived there"
        )
    return (
        f"{who} for {addresses}, and that id is the one of {one.instance}: give this cluster another one "
        "(keepalived_virtual_router_id), or take that host off this network"
    )


def _strange(segment: Segment, one: Speaker, known: t.Collection[str]) -> bool:
    if one.source in segment.members or one.mac in known or one.priority == 0:
        return False
    if one.source.startswith("fe80:") and _virtual(one.mac, segment.intervals):
        return False  # the source is made of the virtual MAC, of which nobody can tell whose it is
    return one.router_id in segment.intervals or not set(one.addresses).isdisjoint(segment.homes)


def _virtual(mac: str, router_ids: t.Container[int]) -> bool:
    match = _VMAC.fullmatch(mac)
    return match is not None and int(match.group(1), 16) in router_ids


def _speaker(segment: Segment, one: Speaker, holding: t.Collection[str]) -> ForeignRouter:
    shared = tuple(address for address in one.addresses if address in segment.homes)
    kind = "speaker" if shared or not one.addresses else "router_id"
    if kind == "speaker" and (one.mac in holding or one.source in segment.former):
        kind = "holder"
    name = segment.name(one.router_id, shared)
    return ForeignRouter(
        kind, one.interface, one.mac, name, shared or one.addresses, one.source, one.router_id, one.priority
    )


def _holder(segment: Segment, one: Claim) -> ForeignRouter:
    return ForeignRouter("holder", one.interface, one.mac, segment.name(None, (one.address,)), (one.address,))
