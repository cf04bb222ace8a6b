# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend serves what the upstreams ask of it, and lets in who asks."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder, Variables

BLOG: Variables = {"name": "blog", "servers_from": "backend", "port": 80}
API: Variables = {"name": "api", "servers_from": "backend", "port": 8080}
OWN: Variables = {"name": "own", "servers_from": "backend"}
LVS: Variables = {"address": "10.0.0.100", "port": 443, "lb_kind": "NAT", "servers_from": "backend"}


def state(everywhere: Variables | None = None, **hosts: Variables) -> dict[str, t.Any]:
    """Return what web1 is to be."""
    found: dict[str, t.Any] = InventoryBuilder(everywhere, **hosts).documents("web1")["backend"]["state"]
    return found


@pytest.mark.parametrize(
    ("upstreams", "own", "served"),
    [
        ([BLOG], {}, ["80"]),
        ([BLOG, API], {}, ["80", "8080"]),
        # The port of an upstream is where it goes; what the host says is for those that name none.
        ([BLOG, API], {"backend_port": "81"}, ["80", "8080", "81"]),
        ([OWN], {}, ["8080"]),
        ([OWN, BLOG], {"backend_port": 81}, ["81", "80"]),
        ([OWN, {**OWN, "name": "again"}], {}, ["8080"]),
        ([{"name": "blog", "servers": [{"address": "10.0.0.9"}]}], {}, ["8080"]),
        ([{**BLOG, "port": "80"}], {}, ["80"]),
    ],
)
def test_all_ports_that_upstreams_ask_for_are_served(
    upstreams: list[Variables], own: Variables, served: list[str]
) -> None:
    found = state({"balancer_upstreams": upstreams}, web1=own)
    assert found["nginx"]["servers"][0]["listen"] == served


def test_two_upstreams_of_one_group_go_to_the_ports_that_they_name() -> None:
    sites = [{"server_name": "a", "upstream": "blog"}, {"server_name": "b", "upstream": "api"}]
    inventory = InventoryBuilder({"balancer_upstreams": [BLOG, API], "balancer_sites": sites}, web1={"backend_port": 7})
    servers = [one["servers"] for one in inventory.slices("lb1")["lb1"]["balancer_upstreams"]]
    assert [[one["port"] for one in listed] for listed in servers] == [[80, 80], [8080, 8080]]


def test_the_firewall_lets_the_balancers_to_all_of_it() -> None:
    streams = [
        {"name": "db", "servers_from": "backend", "port": 3306},
        {"name": "ns", "servers_from": "backend", "port": 53},
    ]
    found = state(
        {
            "balancer_upstreams": [BLOG, API],
            "balancer_stream_upstreams": streams,
            "balancer_streams": [{"listen": "3306", "upstream": "db"}, {"listen": ["53 udp", "53"], "upstream": "ns"}],
        }
    )
    assert found["firewall"]["ports"] == ["80/tcp", "8080/tcp", "3306/tcp", "53/udp", "53/tcp"]
    assert found["firewall"]["sources"] == ["10.0.0.11", "10.0.0.12"]
    # The port of a database is not one of the web server.
    assert found["nginx"]["servers"][0]["listen"] == ["80", "8080"]


def test_a_real_server_of_lvs_has_the_port_of_its_host() -> None:
    found = state({"balancer_upstreams": [], "balancer_sites": [], "keepalived_virtual_servers": [LVS]})
    assert found["nginx"]["servers"][0]["listen"] == ["8080"]


def test_where_nobody_asks_nobody_is_let_in() -> None:
    elsewhere = {"balancer_upstreams": [{"name": "blog", "servers": [{"address": "10.0.0.9"}]}]}
    assert state(elsewhere)["firewall"]["ports"] == []
    assert "firewall" not in state({**elsewhere, "backend_firewall": "none"})
