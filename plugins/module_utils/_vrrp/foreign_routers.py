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
        for instance in instances:
            self.intervals[instance["router_id"]] = max(
                self.intervals.get(instance["router_id"], 0.0), instance["advert_int"]
            )
        self.own = {instance["address"] for instance in instances}
        self.members = self.own | {peer for instance in instances for peer in instance["peers"]}
        self.former = sorted(set(peers) - self.members)

    @property
    def seconds(self) -> float:
        """How long to look: three adverts of the slowest instance."""
        return min(MOST, max(LEAST, 3 * max(self.intervals.values(), default=0.0)))

    def questions(self) -> dict[str, list[str]]:
        """Return by interface the addresses to ask for: shared ones, and those of members, which tell their MACs."""
        result: dict[str, dict[str, None]] = {}
        for instance in self.instances:
            for vip in instance["vips"]:
                if self.homes.get(vip):
                    asked = (vip, instance["address"], *instance["peers"], *self.former)
                    result.setdefault(self.homes[vip], {}).update(dict.fromkeys(filter(None, asked)))
        return {interface: list(addresses) for interface, addresses in result.items()}

    def known(self, seen: Seen) -> set[str]:
        """Return the MACs of this node and of the members that have answered."""
        return {*self.macs, *(claim.mac for claim in seen.claims if claim.address in self.members)}

    def name(self, router_id: int | None, addresses: t.Collection[str]) -> str:
        """Return the name of the instance that has one of these addresses, or else this router id."""
        by_address = (
            instance["name"] for instance in self.instances if not set(instance["vips"]).isdisjoint(addresses)
        )
        by_id = (instance["name"] for instance in self.instances if instance["router_id"] == router_id)
        return next(by_address, None) or next(by_id, "another instance")


def foreign_routers(segment: Segment, seen: Seen) -> list[ForeignRouter]:
    """Return everybody who is no member and has an address of the cluster or of this node, or speaks for one."""
    known = segment.known(seen)
    holding = {claim.mac for claim in seen.claims if claim.address in segment.homes}
    result = [_speaker(segment, speaker, holding) for speaker in seen.speakers if _strange(segment, speaker, known)]
    speaking = {(item.mac, address) for item in result for address in item.addresses}
    for claim in seen.claims:
        if claim.address in segment.own and claim.mac not in segment.macs:
            result.append(ForeignRouter("twin", claim.interface, claim.mac, "", (claim.address,)))
        elif claim.address in segment.homes and not (
            claim.mac in known or _virtual(claim.mac, segment.intervals) or (claim.mac, claim.address) in speaking
        ):
            result.append(_holder(segment, claim))
    return result


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


def sentence(router: ForeignRouter) -> str:
    """Return who a foreign router is and what to do, without the full stop."""
    addresses = ", ".join(router.addresses)
    if router.kind == "twin":
        return (
            f"{addresses} is the address of this node, and {router.mac} on {router.interface} answers for it as well: "
            "give one of the two hosts another address"
        )
    if router.router_id is None:
        return (
            f"{addresses} of {router.instance} belongs to another host: {router.mac} answers for it on "
            f"{router.interface}, and is neither this node nor a member of the cluster: take the address off that "
            "host, or choose a free one (keepalived_vips)"
        )
    heard = f"sends adverts with router id {router.router_id} and priority {router.priority}"
    who = f"{router.source} ({router.mac}) on {router.interface} is no member of the cluster and {heard}"
    if router.kind == "holder":
        return (
            f"{who} for {addresses or 'the addresses'} of {router.instance}, so it is a second holder: stop keepalived "
            "there for good (systemctl disable --now keepalived), or bring it back into the inventory"
        )
    if router.kind == "speaker":
        return (
            f"{who} for {addresses or 'the addresses'} of {router.instance}, which it does not answer for: keepalived "
            "here does not hear it; find out who forges them, or stop keepalived there"
        )
    return (
        f"{who} for {addresses}, and that id is the one of {router.instance}: give this cluster another one "
        "(keepalived_virtual_router_id), or take that host off this network"
    )


def _strange(segment: Segment, speaker: Speaker, known: t.Collection[str]) -> bool:
    if speaker.source in segment.members or speaker.mac in known or speaker.priority == 0:
        return False
    if speaker.source.startswith("fe80:") and _virtual(speaker.mac, segment.intervals):
        return False  # the source is made of the virtual MAC, of which nobody can tell whose it is
    return speaker.router_id in segment.intervals or not set(speaker.addresses).isdisjoint(segment.homes)


def _virtual(mac: str, router_ids: t.Container[int]) -> bool:
    match = _VMAC.fullmatch(mac)
    return match is not None and int(match.group(1), 16) in router_ids


def _speaker(segment: Segment, speaker: Speaker, holding: t.Collection[str]) -> ForeignRouter:
    shared = tuple(address for address in speaker.addresses if address in segment.homes)
    kind = "speaker" if shared or not speaker.addresses else "router_id"
    if kind == "speaker" and (speaker.mac in holding or speaker.source in segment.former):
        kind = "holder"
    name = segment.name(speaker.router_id, shared)
    return ForeignRouter(
        kind,
        speaker.interface,
        speaker.mac,
        name,
        shared or speaker.addresses,
        speaker.source,
        speaker.router_id,
        speaker.priority,
    )


def _holder(segment: Segment, claim: Claim) -> ForeignRouter:
    return ForeignRouter("holder", claim.interface, claim.mac, segment.name(None, (claim.address,)), (claim.address,))
