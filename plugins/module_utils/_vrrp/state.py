# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running keepalived says of its instances. Private to this collection.

Source of names and numbers: ``vrrp_json.c`` and ``vrrp.h`` of keepalived (an array of ``{data, stats}``, one an
instance; with ``json_version 2`` the array is the member ``vrrp`` of an object).
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

__all__ = ("STATES", "InstanceState", "states")

STATES = {0: "INIT", 1: "BACKUP", 2: "MASTER", 3: "FAULT", 97: "STOP", 98: "DELETED"}


@dataclass(frozen=True)
class InstanceState:
    """One running instance. ``last_transition`` is in seconds since the epoch. Passwords are left behind.

    ``address_lines``, ``routes`` and ``rules`` are in keepalived's own words, with everything resolved: an address as
    ``192.0.2.100/24 dev vrrp.51@eth0 scope global label eth0:1 set``.
    """

    name: str
    state: str
    interface: str
    virtual_router_id: int
    base_priority: int
    effective_priority: int
    last_transition: float
    addresses: tuple[str, ...]
    excluded_addresses: tuple[str, ...]
    address_lines: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def states(text: str) -> list[InstanceState]:
    """Return every instance of a JSON dump, in its order; ValueError where the text is none, or is not complete."""
    data = json.loads(text)
    entries = data.get("vrrp", []) if isinstance(data, dict) else data
    try:
        return [_state(entry["data"]) for entry in entries]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a state dump of keepalived: {error}") from error


def _state(data: t.Mapping[str, t.Any]) -> InstanceState:
    return InstanceState(
        name=str(data["iname"]),
        state=STATES.get(int(data["state"]), "UNKNOWN"),
        interface=str(data.get("ifp_ifname", "")),
        virtual_router_id=int(data["vrid"]),
        base_priority=int(data["base_priority"]),
        effective_priority=int(data["effective_priority"]),
        last_transition=float(data.get("last_transition", 0)),
        addresses=_addresses(data.get("vips")),
        excluded_addresses=_addresses(data.get("evips")),
        address_lines=(*(data.get("vips") or ()), *(data.get("evips") or ())),
        routes=tuple(data.get("vroutes") or ()),
        rules=tuple(data.get("vrules") or ()),
    )


def _addresses(lines: t.Iterable[str] | None) -> tuple[str, ...]:
    """Return the bare addresses of lines such as ``192.0.2.100/24 dev eth0 scope global``."""
    return tuple(line.split()[0].split("/")[0] for line in lines or ())
