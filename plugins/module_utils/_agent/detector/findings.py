# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to tell of a finding: its facts, with a message. No input, no output, no clock.

``macs`` are those that this host knows, by address.
"""

from __future__ import annotations

import typing as t

from .adverts import Advert
from .conflict import AddressConflict
from .instance import Claim, InstanceConfig, InstanceMonitor
from .packets import Looked
from .reasons import explain, foreign_router

Facts = t.Dict[str, t.Any]


def cut_off(conflict: AddressConflict, macs: t.Mapping[str, str]) -> Facts:
    """This node yields, because nobody hears it any more."""
    address, mac = min(conflict.claims.items())
    other = next((name for name, its in macs.items() if its == mac and name not in conflict.claims), "")
    return {
        "address": address,
        "other_mac": mac,
        "other_address": other,
        "reason": "cut_off",
        "message": f"{address} is held by {_who(other, mac)}, and none of {len(conflict.answered)} hosts that "
        "answered this node a moment ago still does, so it is cut off and gives way: look at its firewall and its "
        "network. It comes back by itself.",
    }


def split_brain(monitor: InstanceMonitor, claim: Claim, looked: Looked, macs: t.Mapping[str, str]) -> Facts:
    """Somebody else holds an address that this node holds, and ``looked`` shows why."""
    mac, other = claim.mac or macs.get(claim.source, ""), claim.source
    if not other:
        other = next((address for address, its in macs.items() if its == mac and address not in monitor.held), "")
    foreign_mac = bool(mac) and mac not in [macs.get(peer, mac) for peer in monitor.instance.peers]
    reason = explain(monitor.instance, list(looked.wire), list(looked.passed), foreign_mac=foreign_mac)
    return {
        "address": claim.address,
        "other_mac": mac,
        "other_address": other,
        "reason": reason.name,
        "message": f"{claim.address} is held here and by {_who(other, mac)}. {reason.message}",
    }


def foreign_adverts(advert: Advert, instance: InstanceConfig) -> Facts:
    """Somebody who is no peer sends adverts with the router id of an instance."""
    return {
        "address": next((address for address in advert.addresses if address in instance.vips), ""),
        "other_address": advert.source,
        "other_mac": advert.mac,
        "interface": advert.interface,
        "router_id": advert.router_id,
        "priority": advert.priority,
        "reason": "router_id_clash",
        "message": foreign_router(advert, instance.vips),
    }


def _who(address: str, mac: str) -> str:
    return f"{address} ({mac})" if address and mac else address or mac
