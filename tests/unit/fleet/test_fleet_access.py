# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewalls of a fleet have to let in follows from the inventory."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.access import server_names
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.client_requests import client_requests
from inventory_builder import InventoryBuilder, Variables

IPV6 = {"keepalived_address6": "fd00::11"}


def firewall(everywhere: dict[str, t.Any] | None = None, **hosts: t.Any) -> dict[str, t.Any]:
    """Return what lb1 has to let in."""
    found: dict[str, t.Any] = InventoryBuilder(everywhere, **hosts).slices("lb1")["lb1"]["firewall"]
    return found


def test_adverts_of_the_peers_and_nobody_else() -> None:
    assert firewall()["adverts"] == [{"source": "10.0.0.12"}]


def test_adverts_to_a_group_come_from_the_peers() -> None:
    assert firewall({"keepalived_unicast": False})["adverts"] == [{"source": "10.0.0.12", "group": "224.0.0.18"}]
    own = {"keepalived_unicast": False, "keepalived_instance_options": {"mcast_dst_ip": "239.1.1.1"}}
    assert firewall(own)["adverts"] == [{"source": "10.0.0.12", "group": "239.1.1.1"}]


def test_adverts_to_a_group_come_from_where_each_peer_says() -> None:
    everywhere = {"keepalived_unicast": False}
    own = {"lb2": {"keepalived_instance_options": {"mcast_src_ip": "10.0.0.112"}}}
    assert firewall(everywhere, **own)["adverts"] == [{"source": "10.0.0.112", "group": "224.0.0.18"}]


def test_a_peer_behind_a_router_says_its_ttl() -> None:
    other = {"keepalived_instance_options": {"unicast_peer": ["10.0.0.11"]}}
    for peer in ("10.0.0.12 min_ttl 250", {"address": "10.0.0.12", "min_ttl": 250}):
        own = {"keepalived_instance_options": {"unicast_peer": [peer]}}
        assert firewall(lb1=own, lb2=other)["adverts"] == [{"source": "10.0.0.12", "ttl": 250}]


def test_the_authentication_header_is_told() -> None:
    old = {"keepalived_timing": {"version": 2, "advert_int": 1}}
    for kind in ("PASS", "AH"):
        options = {"authentication": {"auth_type": kind, "auth_pass": "fK9_bz2w"}}
        assert firewall({**old, "keepalived_instance_options": options})["authenticated"] == (kind == "AH")


@pytest.mark.parametrize(
    ("options", "ttls"),
    [
        ({}, [None, None]),
        ({"unicast_ttl": 250}, [250, 250]),
        # Then it is the kernel's over IPv6, and who demanded 255 would hear nobody.
        ({"unicast_ttl": None}, [None, 0]),
    ],
)
def test_the_ttl_that_is_looked_for_is_the_one_that_is_sent(options: dict[str, t.Any], ttls: list[int | None]) -> None:
    instances = [{"name": "V4", "vips": ["10.0.0.100/24"]}, {"name": "V6", "vips": ["fd00::100/64"]}]
    both = {"keepalived_instances": instances, "keepalived_vips": None, "keepalived_instance_options": options}
    hosts = {name: {"keepalived_address6": f"fd00::{name[-1]}"} for name in ("lb1", "lb2")}
    assert [advert.get("ttl") for advert in firewall(both, **hosts)["adverts"]] == ttls


def test_both_families() -> None:
    instances = [{"name": "V4", "vips": ["10.0.0.100/24"]}, {"name": "V6", "vips": ["fd00::100/64"]}]
    both = {"keepalived_instances": instances, "keepalived_vips": None}
    hosts = {name: {"keepalived_address6": f"fd00::{name[-1]}"} for name in ("lb1", "lb2")}
    found = firewall(both, **hosts)
    assert found["adverts"] == [{"source": "10.0.0.12"}, {"source": "fd00::2"}]
    assert found["addresses"] == ["10.0.0.11", "fd00::1"]


TLS = {"ssl_certificate": "/etc/x.pem", "ssl_certificate_key": "/etc/x.key"}


@pytest.mark.parametrize(
    ("site", "ports"),
    [
        ({}, ["80/tcp"]),
        (TLS, ["443/tcp"]),
        ({"listen": ["80", "[::]:80", "443 ssl", "443 quic"], **TLS}, ["80/tcp", "443/tcp", "443/udp"]),
        ({"listen": ["10.0.0.100:8080", "lb.example.com"]}, ["8080/tcp", "80/tcp"]),
        ({"listen": ["127.0.0.1:81", "[::1]:82", "localhost:83", "unix:/run/site.sock", "84"]}, ["84/tcp"]),
    ],
)
def test_the_ports_of_a_site(site: dict[str, t.Any], ports: list[str]) -> None:
    sites = [{"server_name": "blog.example.com", "upstream": "blog", **site}]
    assert firewall({"balancer_sites": sites})["ports"] == ports


def test_the_ports_of_a_stream() -> None:
    streams = [{"name": "names", "listen": ["53 udp", "5300-5310"], "upstream": "names"}]
    upstreams = [{"name": "names", "servers": [{"address": "10.0.0.31", "port": 53}]}]
    found = firewall({"balancer_streams": streams, "balancer_stream_upstreams": upstreams})
    assert found["ports"] == ["80/tcp", "53/udp", "5300-5310/tcp"]


def test_a_backend_hears_of_the_balancers_that_use_it() -> None:
    unused = {"db1": {"ansible_host": "10.0.0.41"}}
    slices = InventoryBuilder(groups={"backend": {"web1": {"ansible_host": "10.0.0.21"}}, "db": unused}).slices()
    assert slices["web1"]["balancers"] == ["10.0.0.11", "10.0.0.12"]
    assert "db1" not in slices


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a.example.com", ["a.example.com"]),
        ("_ *.example.com b.example.com", ["b.example.com"]),
        (["~^www", ".example.com"], []),
        (["a.example.com", "b.example.com"], ["a.example.com"]),
        (None, []),
    ],
)
def test_a_site_is_asked_by_a_name_and_by_no_pattern(said: t.Any, expected: list[str]) -> None:
    assert server_names({"balancer_sites": [{"server_name": said}]}) == expected


TLS = {"ssl_certificate": "/etc/ssl/a.pem", "ssl_certificate_key": "/etc/ssl/a.key"}


def sites(*said: Variables) -> Variables:
    return {"balancer_sites": list(said)}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (sites({"server_name": "a.example.com"}), ["http a.example.com :80"]),
        (
            sites({"server_name": "a.example.com", "listen": ["80", "443 ssl", "443 quic"], **TLS}),
            ["http a.example.com :80", "https a.example.com :443"],
        ),
        (sites({"server_name": "a.example.com", **TLS}), ["https a.example.com :443"]),
        (sites({"server_name": "a", "listen": ["81 proxy_protocol"]}), ["http a :81 PROXY"]),
        (sites({"server_name": "a", "listen": ["10.0.0.100:80", "127.0.0.1:9"]}), ["http a 10.0.0.100:80"]),
        (sites({"server_name": "a", "listen": ["50051 http2"]}), ["tcp  :50051"]),
        (sites({"server_name": "a", "listen": ["443 ssl http2"], **TLS}), ["https a :443"]),
        (sites({"server_name": "_", "return": "444"}, {"server_name": "a"}), ["http a :80"]),
        (sites({"server_name": "*.example.com"}, {"server_name": "a"}), ["http a :80"]),
        (sites({"server_name": "_"}, {"server_name": "~^b"}), ["http  :80"]),
        (sites({"server_name": "a", "ssl_verify_client": "on", **TLS}), ["https a :443 [400]"]),
        (
            {"balancer_streams": [{"name": "d", "listen": ["5432", "53 udp"], "proxy_pass": "10.0.0.1:5432"}]},
            ["tcp  :5432"],
        ),
        (
            {
                "keepalived_virtual_servers": [
                    {"address": "10.0.0.100", "port": 80},
                    {"address": "10.0.0.100", "port": 53, "protocol": "UDP"},
                ]
            },
            ["tcp  10.0.0.100:80"],
        ),
    ],
)
def test_each_site_is_asked_for_as_a_client_does(variables: Variables, expected: list[str]) -> None:
    found = client_requests(
        {
            "balancer_sites": [],
            "balancer_streams": [],
            "keepalived_virtual_servers": [],
            "keepalived_guarded_ports": [],
            **variables,
        }
    )

    def shown(one: Variables) -> str:
        scheme = "tcp" if one.get("connects") else "https" if one["tls"] else "http"
        more = (" PROXY" if one.get("proxy_protocol") else "") + (f" {one['expect']}" if one.get("expect") else "")
        return f"{scheme} {one.get('host', '')} {one['address']}:{one['port']}{more}"

    assert [shown(one) for one in found] == expected


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ({}, []),
        ({"maintenance": True}, [503]),
        ({"return": "410"}, [410]),
        ({"locations": [{"path": "= /", "return": "418 x"}, {"path": "/a", "return": "500"}]}, [418]),
        ({"ssl_verify_client": "on", "return": "https://elsewhere.example/"}, [400]),
    ],
)
def test_an_answer_that_a_site_gives_on_purpose_is_a_good_one(site: Variables, expected: list[int]) -> None:
    said: Variables = {"balancer_sites": [{"server_name": "a.example", **site}], "balancer_streams": []}
    lvs: Variables = {"keepalived_virtual_servers": [], "keepalived_guarded_ports": []}
    [asked] = client_requests({**said, **lvs})
    assert asked["expect"] == expected
