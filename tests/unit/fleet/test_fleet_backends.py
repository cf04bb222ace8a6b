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


def listens(found: dict[str, t.Any], server: str = "nginx") -> list[str]:
    return [text.split()[0] for text in found[server]["servers"][0]["listen"]]


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
    assert listens(found) == served


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
    assert listens(found) == ["80", "8080"]


def test_a_real_server_of_lvs_has_the_port_of_its_host() -> None:
    found = state({"balancer_upstreams": [], "balancer_sites": [], "keepalived_virtual_servers": [LVS]})
    assert listens(found) == ["8080"]


def test_where_nobody_asks_nobody_is_let_in() -> None:
    elsewhere = {"balancer_upstreams": [{"name": "blog", "servers": [{"address": "10.0.0.9"}]}]}
    assert state(elsewhere)["firewall"]["ports"] == []
    assert "firewall" not in state({**elsewhere, "backend_firewall": "none"})


def faults(everywhere: Variables | None = None, **hosts: Variables) -> list[str]:
    return [str(finding) for finding in InventoryBuilder(everywhere, **hosts).findings()]


SHOP: Variables = {"server_name": ["shop.example.com"], "root": "/srv/shop", "page": "shop\n"}


@pytest.mark.parametrize("server", ["nginx", "httpd"])
def test_sites_are_the_same_for_both_servers(server: str) -> None:
    said = {"backend_server": server, "backend_sites": [SHOP, {"server_name": "b.org", "listen": ["8080"]}]}
    assert faults(said) == []
    found = state({**said, "backend_health_path": "/up"})
    first, second = found[server]["servers"]
    # The first of a port answers who asks for nobody.
    assert (first["listen"], second["listen"]) == (["8080 default_server"], ["8080"])
    assert (first["root"], second["root"]) == ("/srv/shop", "/var/www/holdfast")
    assert first["locations"] == [{"path": "= /up", "return": "204", "access_log": "off"}]
    assert first["set_real_ip_from"] == ["10.0.0.11", "10.0.0.12"]
    assert found["files"]["files"][-1] == {"path": "/srv/shop/index.html", "content": "shop\n"}
    assert found["web_server"] == {"replaces": ["httpd" if server == "nginx" else "nginx"]}
    assert [one["name"] for one in found["services"]["services"]] == [
        {"nginx": "nginx", "httpd": "@HTTPD@"}[server] + ".service"
    ]


@pytest.mark.parametrize("answers", [{"locations": [{"path": "/staff", "return": "403"}]}, {"directives": ["index a"]}])
def test_a_site_with_a_page_serves_it_whatever_else_it_has(answers: Variables) -> None:
    bare = {"server_name": "b.org", **answers}
    for site, root in (({**bare, "page": "b\n"}, "/var/www/holdfast"), (bare, None)):
        assert state({"backend_sites": [site]})["nginx"]["servers"][0].get("root") == root


def test_nobody_else_is_believed_the_address_of_a_client() -> None:
    assert "set_real_ip_from" not in state({"backend_real_ip": False})["nginx"]["servers"][0]
    own = {"backend_sites": [{"server_name": "a", "set_real_ip_from": ["10.9.0.1"]}]}
    assert state(own)["nginx"]["servers"][0]["set_real_ip_from"] == ["10.9.0.1"]


def test_files_that_a_site_names_have_an_owner_and_are_not_shown() -> None:
    users = {"path": "/etc/users", "content": "a:b", "mode": "0640", "group": "www-data"}
    found = state({"backend_files": [users], "backend_folders": [{"path": "/var/cache/a", "owner": "www-data"}]})[
        "files"
    ]
    assert {**users, "shown": False} in found["files"]
    assert found["folders"][-1] == {"path": "/var/cache/a", "owner": "www-data"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"backend_sites": [{**SHOP, "listen": ["81"]}]},
            "backend_sites: no site listens on 8080, which balancer_upstreams[0]",
        ),
        (
            {"backend_sites": [{**SHOP, "upstream": "blog"}]},
            "backend_sites[0].upstream: `blog`: a backend has no upstreams",
        ),
        ({"backend_sites": [{**SHOP, "gzip_levl": 1}]}, "backend_sites[0].gzip_levl: is unknown"),
        ({"backend_sites": [{**SHOP, "autoindex": "maybe"}]}, "backend_sites[0].autoindex: must be true or false"),
        (
            {"backend_server": "httpd", "backend_sites": [{**SHOP, "gzip": True}]},
            "backend_sites[0].gzip: gzip has no equal in Apache httpd",
        ),
        ({"backend_server": "httpd", "backend_server_name": "~^a"}, 'backend_server_name: "~^a" is an expression'),
        ({"backend_sites": ["shop"]}, "backend_sites[0]: must be a mapping"),
        ({"backend_health_path": "up"}, "backend_health_path: "),
        ({"backend_files": [{"content": "a"}]}, "backend_files[0].path: is missing"),
    ],
)
def test_what_a_backend_cannot_serve_is_told_with_its_place(said: Variables, sentence: str) -> None:
    found = faults(said)
    assert any(sentence in one for one in found), found
    assert all(one.startswith("web1, web2") or "lb1" in one for one in found), found


def test_a_backend_of_httpd_needs_what_serves_tls_where_a_site_has_it() -> None:
    site = {"server_name": "a.example.org", "tls": {"certificate": "/etc/a.pem", "certificate_key": "/etc/a.key"}}
    for sites, packages in (([site], ["@HTTPD@", "@HTTPD_TLS@"]), ([{"server_name": "a"}], ["@HTTPD@"])):
        inventory = InventoryBuilder({"backend_server": "httpd", "backend_sites": sites})
        assert inventory.documents("web1")["backend"]["preflight"]["packages"] == packages
