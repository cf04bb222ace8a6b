# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories of any number of pairs, as the planner is given them."""

from __future__ import annotations

import typing as t

__all__ = ("SHAPES", "inventory")

Variables = t.Dict[str, t.Any]
Inventory = t.Tuple[t.Dict[str, Variables], t.Dict[str, t.List[str]]]

SHAPES = ("shared", "own")
"""Of pairs in front of one group of backends, which all serve the same site; and of pairs that share nothing: each has
its own site, backends and password."""

PAIRS_OF_A_SEGMENT = 4


def inventory(shape: str, pairs: int, first: int = 0) -> Inventory:
    """Return the variables of all hosts, and the groups; every pair has a backend.

    ``first`` is the number of the first pair: who has planned the same before may have kept some of it.
    """
    groups: dict[str, list[str]] = {"master": [], "backup": [], "backend": []}
    hostvars: dict[str, Variables] = {}
    for number in range(first, first + pairs):
        segment, place = divmod(number, PAIRS_OF_A_SEGMENT)
        network = f"10.{segment // 250}.{segment % 250}"
        pair: Variables = {"keepalived_cluster": f"c{number}", "keepalived_vips": [f"{network}.{100 + place}/24"]}
        pair.update(_of_all() if shape == "shared" else _of_its_own(number))
        for group, host, last in (("master", "a", 11), ("backup", "b", 51), ("backend", "w", 201)):
            name, address = f"{host}{number}", {"ansible_host": f"{network}.{last + place}"}
            groups[group].append(name)
            hostvars[name] = {**address, **(pair if group != "backend" else {})}
        groups[f"web{number}"] = [f"w{number}"]
    return hostvars, groups


def _of_all() -> Variables:
    return {
        "balancer_upstreams": [{"name": "web", "servers_from": "backend"}],
        "balancer_sites": [{"server_name": ["www.example.com"], "upstream": "web"}],
    }


def _of_its_own(number: int) -> Variables:
    name = f"shop{number}"
    locations = [{"path": "/api/", "upstream": name}, {"path": "/static/", "root": "/srv/static"}]
    return {
        "balancer_upstreams": [{"name": name, "servers_from": f"web{number}", "max_fails": 3}],
        "balancer_sites": [{"server_name": [f"{name}.example.com"], "upstream": name, "locations": locations}],
        "keepalived_timing": {"version": 2, "advert_int": 1},
        "keepalived_auth_pass": f"{number * 7919 % 99991:05d}xQz",
    }
