# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual servers of LVS get their members from the inventory, and what cannot work is refused before any host."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder

SERVER: dict[str, t.Any] = {"address": "10.0.0.100", "port": 443, "servers_from": "backend"}
WEB: dict[str, t.Any] = {"backend_port": 443}


def inventory(*servers: dict[str, t.Any], **hosts: dict[str, t.Any]) -> InventoryBuilder:
    """Return a pair with these virtual servers, whose backends serve at port 443."""
    own = {name: {**WEB, **hosts.get(name, {})} for name in ("web1", "web2")}
    everywhere = {"keepalived_virtual_servers": list(servers), "balancer_upstreams": [], "balancer_sites": []}
    return InventoryBuilder(everywhere, **{**hosts, **own})


def real_servers(*servers: dict[str, t.Any], **hosts: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    found = inventory(*servers, **hosts).slices("lb2")["lb2"]["keepalived_virtual_servers"]
    return [server for one in found for server in one["real_servers"]]


def test_a_group_is_enough() -> None:
    slices = inventory(SERVER, web2={"backend_weight": 3}).slices()
    assert slices["lb1"]["keepalived_virtual_servers"] == slices["lb2"]["keepalived_virtual_servers"]
    (server,) = slices["lb1"]["keepalived_virtual_servers"]
    assert [server[key] for key in ("address", "port", "protocol", "lb_algo", "lb_kind")] == [
        *("10.0.0.100", 443, "TCP", "wlc"),
        ["DR"],
    ]
    assert server["real_servers"] == [
        {"address": "10.0.0.21", "port": 443, "tcp_checks": [{}]},
        {"address": "10.0.0.22", "port": 443, "weight": 3, "tcp_checks": [{}]},
    ]
    assert slices["lb1"]["kernel"] == {"nonlocal_bind": [], "ipvs": True, "forward": False, "real_time": False}
    assert slices["lb1"]["firewall"]["ports"] == ["443/tcp"]
    assert slices["web1"]["loopback_addresses"] == ["10.0.0.100"]
    assert slices["web1"]["balancers"] == ["10.0.0.11", "10.0.0.12"]


def test_checks_of_a_virtual_server_hold_for_all_its_members() -> None:
    checks = {"http_checks": [{"urls": [{"path": "/", "status_code": ["200"]}]}]}
    for server in real_servers({**SERVER, **checks}):
        assert server["http_checks"] == checks["http_checks"]
        assert "tcp_checks" not in server


def test_with_nat_the_port_may_be_another_one_and_no_backend_gets_an_address() -> None:
    nat = {**SERVER, "lb_kind": "NAT", "port": 80}
    assert [one["port"] for one in real_servers(nat)] == [443, 443]
    slices = inventory(nat).slices()
    assert slices["web1"]["loopback_addresses"] == []
    assert slices["lb1"]["kernel"]["forward"]


def test_nginx_on_a_shared_address_needs_the_kernel() -> None:
    sites = [{"server_name": "blog.example.com", "upstream": "blog", "listen": ["10.0.0.100:80"]}]
    assert InventoryBuilder({"balancer_sites": sites}).slices("lb1")["lb1"]["kernel"]["nonlocal_bind"] == [4]


NGINX: dict[str, t.Any] = {
    "balancer_sites": [{"server_name": "x", "listen": ["443"], "locations": [{"path": "/", "return": "204"}]}]
}
OTHER: dict[str, t.Any] = {"keepalived_virtual_servers": []}
REFUSED: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({"address": "10.0.0.101"}, {}, "keepalived_virtual_servers[0].address: 10.0.0.101 is no shared address of lb1"),
    ({"servers_from": "backends"}, {}, "[0].servers_from: there is no group `backends`: did you mean backend?"),
    ({"servers_from": None}, {}, "[0].real_servers: is missing: list them, or name a group"),
    ({"port": 80}, {}, "[0].port: is 80, and web1 serves at 443 (backend_port): with lb_kind DR"),
    ({}, {"lb1": NGINX, "lb2": NGINX}, "[0].port: 443 at 10.0.0.100 is also where nginx listens"),
    ({}, {"lb2": OTHER}, "is not the same on lb1 and lb2, which share an address"),
    ({"lb_algo": "fastest"}, {}, "keepalived_virtual_servers[0]"),
    ({"lb_kinds": "DR"}, {}, "keepalived_virtual_servers[0].lb_kinds: is unknown: did you mean lb_kind?"),
    ({"http_checks": [{"url": []}]}, {}, "http_checks[0].url: is unknown: did you mean urls?"),
    (
        {"servers_from": None, "real_servers": [{"address": "10.0.0.21", "port": 443}], "tcp_checks": [{}]},
        {},
        "[0].tcp_checks: belongs to servers_from",
    ),
]


@pytest.mark.parametrize(("server", "hosts", "sentence"), REFUSED)
def test_what_cannot_work_is_refused(server: dict[str, t.Any], hosts: dict[str, t.Any], sentence: str) -> None:
    findings = [str(one) for one in inventory({**SERVER, **server}, **hosts).findings()]
    assert [one for one in findings if sentence in one], findings


def test_one_address_and_port_leads_to_one_place() -> None:
    findings = [str(one) for one in inventory(SERVER, SERVER).findings()]
    assert "keepalived_virtual_servers[1]: is 10.0.0.100 port 443, as keepalived_virtual_servers[0] is" in findings[0]
