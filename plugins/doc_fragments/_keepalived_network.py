# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static addresses and routes, and what is watched of the network. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_forms import addresses

__all__ = ("BFD_INSTANCE", "GARP_GROUP", "STATIC", "TRACK_GROUP")

STATIC = (
    addresses(
        "static_addresses",
        "Addresses that keepalived gives the host and that never move.",
        "C(track_group) names one of O(.track_groups). C(use_vmac) is not for these.",
    )
    + """\
static_routes:
  description: Routes that keepalived gives the host, one an element, as C(ip route add) takes them.
  type: list
  elements: str
static_rules:
  description:
    - Rules of routing that keepalived gives the host, one an element, as C(ip rule add) takes them.
    - Needs keepalived 1.2.20.
  type: list
  elements: str
interface_up_down_delays:
  description:
    - How long an interface must be down before it counts, and how long up, in seconds, one interface an element, such
      as V(eth0 0.1 1).
    - Needs keepalived 2.2.3.
  type: list
  elements: str
"""
)

TRACK_GROUP = """\
name:
  description: Name of the group, by which static addresses, routes and rules refer to it.
  type: str
  required: true
group:
  description: Names of the instances that become unfit when one of those is gone.
  type: list
  elements: str
  required: true
"""

GARP_GROUP = """\
garp_interval:
  description: Seconds between two announcements (gratuitous ARP).
  type: float
gna_interval:
  description: Seconds between two announcements of IPv6.
  type: float
interface:
  description: The one interface that it holds for.
  type: str
interfaces:
  description: The interfaces that it holds for together, because one switch is behind them.
  type: list
  elements: str
"""

BFD_INSTANCE = """\
name:
  description: Name of the session, at most 31 characters.
  type: str
  required: true
neighbor_ip:
  description: Address of the neighbour.
  type: str
  required: true
source_ip:
  description: Own address. Without it, that by which the neighbour is reached.
  type: str
min_rx:
  description: The fewest milliseconds between two packets that are taken. Defaults to V(10).
  type: float
min_tx:
  description: The fewest milliseconds between two packets that are sent. Defaults to V(10).
  type: float
idle_tx:
  description: Milliseconds between two packets while the session is not up. Defaults to V(1000).
  type: float
multiplier:
  description: Missing packets after which the neighbour is down. Defaults to V(5).
  type: int
passive:
  description: Whether the neighbour must speak first.
  type: bool
ttl:
  description: TTL of packets, for IPv6 the hop limit.
  type: int
max_hops:
  description: Hops that a packet may have come, V(255) for any.
  type: int
multihop:
  description:
    - Whether the port for neighbours that are further away (4784) is used. O(.max_hops) must allow it.
    - Needs keepalived 2.3.2.
  type: bool
weight:
  description:
    - What a neighbour that is down does where the instance says nothing else. V(0) makes it the state C(FAULT), any
      other changes the priority.
    - A number, or a mapping of C(weight) and C(reverse), with which up and down change places.
  type: raw
vrrp:
  description: Whether only instances are told.
  type: bool
checker:
  description: Whether only virtual servers are told.
  type: bool
"""
