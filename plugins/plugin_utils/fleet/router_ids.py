# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual router ids of a whole inventory, without a clash. Private to this collection.

An id is eight bits, and two clusters with the same one on a segment hear each other. The last byte of the address
is an id that nobody has to remember; where it is taken, a probe that depends on the address alone finds another.
Ids are given in the order of the inventory, so what is added at its end changes none that are in use.
And an id that is in use stays when the address changes: the nodes remember it, who were looked at before planning.
"""

from __future__ import annotations

import hashlib
import ipaddress
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Address, Network, Vip

__all__ = ("Claim", "Segment", "allocate", "segments")

Segment = t.Tuple[int, str]
"""Address family and network: the ids of IPv4 and of IPv6 are different spaces."""

EVERYBODYS = 51
"""The id in every example that was ever copied: never probed for."""

ASSUMED_PREFIX = {4: 24, 6: 64}


@dataclass(frozen=True)
class Claim:
    """An instance that needs an id: its key, its anchor address, the id that the inventory pins, and the one in use.

    None where there is no such id; what is pinned goes before what is in use.
    """

    key: tuple[str, str]
    anchor: Vip
    pinned: int | None = None
    in_use: int | None = None


def segments(vips: Iterable[Vip]) -> t.Callable[[Vip], Segment]:
    """Return a function that names the segment of an address.

    An address without a prefix belongs to a known network that contains it, else to an assumed /24 (or /64).
    """
    known = {vip.network for vip in vips if vip.network is not None}
    lengths = sorted({(network.version, network.prefixlen) for network in known}, reverse=True)

    def segment(vip: Vip) -> Segment:
        if vip.network is not None:
            return vip.family, str(vip.network)
        candidates = [_around(vip.address, length) for family, length in lengths if family == vip.family]
        found = next((network for network in candidates if network in known), None)
        return vip.family, str(found or _around(vip.address, ASSUMED_PREFIX[vip.family]))

    return segment


def allocate(claims: t.Sequence[Claim], segment: t.Callable[[Vip], Segment]) -> Mapping[tuple[str, str], int]:
    """Return the id of every claim; 0 for one that finds its segment full. Pinned ids are given as they are."""
    taken: dict[Segment, set[int]] = {}
    given: dict[tuple[str, str], int] = {}
    for claim in claims:
        if claim.pinned is not None:
            given[claim.key] = claim.pinned
            taken.setdefault(segment(claim.anchor), set()).add(claim.pinned)
    for claim in claims:
        there = taken.setdefault(segment(claim.anchor), set())
        if claim.key not in given and claim.in_use is not None and claim.in_use not in there:
            given[claim.key] = claim.in_use
            there.add(claim.in_use)
    for claim in claims:
        if claim.key in given:
            continue
        there = taken.setdefault(segment(claim.anchor), set())
        given[claim.key] = next((number for number in _candidates(claim.anchor.address) if number not in there), 0)
        there.add(given[claim.key])
    return given


def _candidates(address: Address) -> t.Iterator[int]:
    natural = int(address) & 0xFF
    if natural:
        yield natural
    start = hashlib.sha256(address.packed).digest()[0]
    for step in range(256):
        number = (start + step) % 256
        if number not in (0, EVERYBODYS):
            yield number


def _around(address: Address, length: int) -> Network:
    return ipaddress.ip_network((address, length), strict=False)
