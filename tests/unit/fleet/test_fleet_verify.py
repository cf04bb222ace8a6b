# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before any host is touched, and in which words."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder, Variables

BLOG = {"name": "blog", "servers_from": "backend", "port": 8080}


def case(rule: str, where: str, words: str, **changes: t.Any) -> t.Any:
    """One change of a good inventory, and the one fault that it has."""
    return pytest.param(changes, rule, where, words, id=f"{rule} {where}")


def instances(*own: Variables, **more: t.Any) -> Variables:
    return {
        "keepalived_vips": None,
        "keepalived_instances": [{"vips": ["10.0.0.100/24"], **one} for one in own],
        **more,
    }


def tracked(weight: int) -> list[Variables]:
    return [{"name": "disk", "file": "/run/disk", "weight": weight}]


V2: Variables = {"keepalived_timing": {"version": 2, "advert_int": 1}}
OTHER = {"lb3": {"ansible_host": "10.0.0.13", "keepalived_cluster": "two"}}
OTHER_BACKUP = {"lb2": {"ansible_host": "10.0.0.12"}, "lb4": {"ansible_host": "10.0.0.14", "keepalived_cluster": "two"}}


def two_clusters(own: Variables) -> dict[str, t.Any]:
    return {
        "groups": {
            "master": {"lb1": {"ansible_host": "10.0.0.11"}, "lb3": {**OTHER["lb3"], **own}},
            "backup": {"lb2": {"ansible_host": "10.0.0.12"}, "lb4": {**OTHER_BACKUP["lb4"], **own}},
        }
    }


CASES = [
    # Who is there
    case("no-backup", "", "(lb1) has no host of group `backup`", groups={"backup": {}}),
    case("no-master", "", "(lb2) has no host of group `master`", groups={"master": {}}),
    case("no-balancers", "", "no host is in the groups `master` and `backup`", groups={"master": {}, "backup": {}}),
    case(
        "two-roles",
        "lb1",
        "is in group master and in group backup",
        groups={"backup": {"lb1": {"ansible_host": "10.0.0.11"}, "lb2": {"ansible_host": "10.0.0.12"}}},
    ),
    # Addresses of the hosts
    case(
        "input",
        "lb1: keepalived_address",
        "`lb1.example.com`, by which the host is reached, is no address inside 10.0.0.0/24: set keepalived_address",
        lb1={"ansible_host": "lb1.example.com"},
    ),
    case(
        "input",
        "lb1: keepalived_address",
        "`192.168.9.9`, by which the host is reached, is no address inside 10.0.0.0/24",
        lb1={"ansible_host": "192.168.9.9"},
    ),
    case("input", "lb1: keepalived_address", "`lb1`, by which", lb1={"ansible_host": None}),
    case(
        "input", "lb1: keepalived_address", "`lb1.example.com` is a name", lb1={"keepalived_address": "lb1.example.com"}
    ),
    case("input", "lb1: keepalived_address", "127.0.0.1 cannot be reached", lb1={"keepalived_address": "127.0.0.1"}),
    case(
        "input",
        "web1: backend_address",
        "`web1.example.com`, by which the host is reached",
        web1={"ansible_host": "web1.example.com"},
    ),
    case("input", "web1: backend_address", "`web.example.com` is a name", web1={"backend_address": "web.example.com"}),
    case("input", "web1: backend_port", "70000 is out of range: use 1 to 65535", web1={"backend_port": 70000}),
    case(
        "input",
        "web1: backend_weight",
        "must be a whole number, not `heavy`",
        web1={"backend_weight": "heavy"},
    ),
    case("duplicate-address", "lb2", "has the address 10.0.0.11, and so has lb1", lb2={"ansible_host": "10.0.0.11"}),
    case("duplicate-address", "web1", "has the address 10.0.0.11, and so has lb1", web1={"ansible_host": "10.0.0.11"}),
    # The shared addresses
    case("no-address", "lb1, lb2: keepalived_vips", "is empty: list at least one", everywhere={"keepalived_vips": []}),
    case(
        "input",
        "lb1, lb2: keepalived_vips",
        "must be a list, not `10.0.0.100/24`",
        everywhere={"keepalived_vips": "10.0.0.100/24"},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_vips[0]",
        "`vip.example.com/24` is not an address",
        everywhere={"keepalived_vips": ["vip.example.com/24"]},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_vips[0].address",
        "is missing",
        everywhere={"keepalived_vips": [{"label": "eth0:1"}]},
    ),
    case(
        "no-prefix",
        "lb1, lb2: keepalived_vips[0]",
        "10.0.0.100 has no prefix",
        everywhere={"keepalived_vips": ["10.0.0.100"]},
    ),
    case(
        "foreign-subnet",
        "lb1: keepalived_vips[0]",
        "10.0.0.100 is in 10.0.0.0/24, and 10.0.1.11 of the host is not",
        lb1={"keepalived_address": "10.0.1.11"},
    ),
    case(
        "reserved-address",
        "lb1, lb2: keepalived_vips[0]",
        "10.0.0.255 is the broadcast address of 10.0.0.0/24",
        everywhere={"keepalived_vips": ["10.0.0.255/24"]},
    ),
    case(
        "reserved-address",
        "lb1, lb2: keepalived_vips[0]",
        "10.0.0.0 is the network address",
        everywhere={"keepalived_vips": ["10.0.0.0/24"]},
    ),
    case(
        "duplicate-address",
        "lb1, lb2: keepalived_vips[0]",
        "10.0.0.12 is the own address of lb2",
        everywhere={"keepalived_vips": ["10.0.0.12/24"]},
    ),
    case(
        "duplicate-address",
        "lb1, lb2: keepalived_vips[1]",
        "10.0.0.100 is listed more than once",
        everywhere={"keepalived_vips": ["10.0.0.100/24"] * 2},
    ),
    case(
        "duplicate-address",
        "lb3, lb4: keepalived_vips[1]",
        "10.0.0.100 is also an address of cluster `all`",
        **two_clusters({"keepalived_vips": ["10.0.0.99/24", "10.0.0.100/24"]}),
    ),
    # Router ids
    case(
        "input",
        "lb1, lb2: keepalived_virtual_router_id",
        "256 is out of range: use 1 to 255",
        everywhere={"keepalived_virtual_router_id": 256},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instances[0].virtual_router_id",
        "0 is out of range",
        everywhere=instances({"virtual_router_id": 0}),
    ),
    case(
        "input",
        "lb1, lb2: keepalived_virtual_router_id",
        "is one id for 2 instances",
        everywhere={
            "keepalived_virtual_router_id": 9,
            "keepalived_spread": True,
            "keepalived_vips": ["10.0.0.100/24", "10.0.0.101/24"],
        },
    ),
    case(
        "router-id-clash",
        "lb3, lb4: keepalived_virtual_router_id",
        "virtual_router_id 9 is also that of VI_1 of cluster `all` on 10.0.0.0/24",
        everywhere={"keepalived_virtual_router_id": 9},
        **two_clusters({"keepalived_vips": ["10.0.0.99/24"]}),
    ),
    case(
        "router-id-clash",
        "lb1, lb2: keepalived_instances[1].virtual_router_id",
        "9 is also that of a of cluster `all`",
        everywhere=instances(
            {"name": "a", "virtual_router_id": 9}, {"name": "b", "vips": ["10.0.0.101/24"], "virtual_router_id": 9}
        ),
    ),
    # The election
    case(
        "priority-tie",
        "lb2: keepalived_instances[0].priority",
        "100 of VI_1 is also the priority of lb1",
        everywhere=instances({"priority": 100}),
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instances[0].priority",
        "255 is out of range: use 1 to 254",
        everywhere=instances({"priority": 255}),
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instances[0].preferred",
        "`lb9` is no member: prefer one of lb1, lb2",
        everywhere=instances({"preferred": "lb9"}),
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instances[1].name",
        "`a` is the name of two instances",
        everywhere=instances({"name": "a"}, {"name": "a", "vips": ["10.0.0.101/24"]}),
    ),
    case("input", "lb1, lb2: keepalived_instances[0].vips", "is missing", everywhere=instances({"vips": []})),
    case(
        "weight",
        "lb1: keepalived_track_files[0].weight",
        "track_file disk of weight -5 never moves VI_1: when it fails on lb1, 245 is left, and lb2 with 240",
        everywhere={"keepalived_track_files": tracked(-5)},
    ),
    case(
        "weight",
        "lb1: keepalived_instances[0].track_script[0]",
        "track_script web of weight -5 never moves VI_1: when it fails on lb1, 145 is left, and lb2 with 100",
        lb1=instances({"priority": 150, "track_script": ["web weight -5"]}),
        lb2=instances({"priority": 100}),
    ),
    case(
        "weight",
        "lb1: keepalived_track_files[0].weight",
        "lb2 has nopreempt and does not take over",
        everywhere={"keepalived_track_files": tracked(-20), "keepalived_preempt": False},
    ),
    case(
        "weight",
        "lb2: keepalived_track_files[0].weight",
        "this can happen: lb1 fails, lb1 comes back, track_file disk fails on lb2; then lb2 holds VI_1 though "
        "track_file disk of weight -20 says that it is unfit, and lb1 is fit; use weight 0",
        everywhere={"keepalived_track_files": tracked(-20)},
        lb1={"keepalived_preempt": False},
    ),
    case(
        "two-holders",
        "lb3: keepalived_instance_options.unicast_peer",
        "lb2 speaks from 10.0.0.12, which is no peer of lb3: both would hold the address",
        groups={"backup": {"lb2": {"ansible_host": "10.0.0.12"}, "lb3": {"ansible_host": "10.0.0.13"}}},
        lb3={"keepalived_instance_options": {"unicast_peer": ["10.0.0.11"]}},
    ),
    case(
        "two-holders",
        "lb2: keepalived_instances[0].virtual_router_id",
        "virtual_router_id of VI_1 is 8 on lb1 and 9 on lb2",
        lb1=instances({"virtual_router_id": 8}),
        lb2=instances({"virtual_router_id": 9}),
    ),
    case(
        "two-holders",
        "lb2: keepalived_timing",
        "advert_int of VI_1 is 0.1 on lb1 and 1.0 on lb2",
        lb2={"keepalived_timing": "standard"},
    ),
    case(
        "two-holders",
        "lb2: keepalived_unicast",
        "the mode of VI_1 is unicast on lb1 and multicast on lb2",
        lb2={"keepalived_unicast": False},
    ),
    case(
        "two-holders",
        "lb2: keepalived_auth_pass",
        "the password of VI_1 is one on lb1 and another on lb2",
        everywhere={**V2, "keepalived_auth_pass": "kR7-tq2w"},
        lb2={"keepalived_auth_pass": "mB4+xz9q"},
    ),
    case(
        "two-holders",
        "lb2: keepalived_instances[0].unicast_peer",
        "lb1 speaks from 10.0.0.11, which is no peer of lb2",
        lb1=instances({}),
        lb2=instances({"unicast_peer": ["10.0.0.99"]}),
    ),
    case(
        "different-addresses",
        "lb2: keepalived_vips",
        "10.0.0.101 of VI_1 is on one of lb1 and lb2 only",
        lb1={"keepalived_vips": ["10.0.0.100/24", "10.0.0.101/24"]},
    ),
    case(
        "instance-missing",
        "lb2: keepalived_instances[1] (b)",
        "is on lb1 and not on lb2",
        lb1=instances({"name": "a"}, {"name": "b", "vips": ["10.0.0.101/24"]}),
        lb2=instances({"name": "a"}),
    ),
    # Timing, versions, passwords
    case(
        "input",
        "lb1, lb2: keepalived_timing",
        "`quick` is no profile: use fastest, fast, standard, relaxed",
        everywhere={"keepalived_timing": "quick"},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_timing.advert_int",
        "version 2 counts whole seconds",
        everywhere={"keepalived_timing": {"version": 2, "advert_int": 0.1}},
    ),
    case(
        "password",
        "lb1, lb2: keepalived_auth_pass",
        "has 9 characters, and VRRP version 2 carries 8: keepalived would cut the rest without a word",
        everywhere={**V2, "keepalived_auth_pass": "ninechars"},
    ),
    case(
        "password",
        "lb1, lb2: keepalived_auth_pass",
        "is set, and VRRP version 3 has no password",
        everywhere={"keepalived_auth_pass": "short"},
    ),
    case(
        "mixed-families",
        "lb1, lb2: keepalived_instances[0].virtual_ipaddress",
        "mixes IPv4 and IPv6",
        everywhere=instances({"vips": None, "virtual_ipaddress": ["10.0.0.100/24", "fd00::100/64"]}),
    ),
    case(
        "version",
        "lb1, lb2: keepalived_timing.version",
        "fd00::100 needs VRRP version 3",
        everywhere={**V2, "keepalived_vips": ["fd00::100/64"]},
        lb1={"ansible_host": "fd00::11"},
        lb2={"ansible_host": "fd00::12"},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_preempt",
        "must be true or false, not `maybe`",
        everywhere={"keepalived_preempt": "maybe"},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_preempt_delay",
        "1001 is out of range: use 0 to 1000",
        everywhere={"keepalived_preempt_delay": 1001},
    ),
    # The service
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].servers_from",
        "the group `backend` has no hosts",
        groups={"backend": {}},
    ),
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].servers_from",
        "there is no group `backends`: did you mean backend?",
        everywhere={"balancer_upstreams": [{**BLOG, "servers_from": "backends"}]},
    ),
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].name",
        "is missing",
        everywhere={"balancer_upstreams": [{"servers_from": "backend"}], "balancer_sites": []},
    ),
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].servers",
        "is missing: list the servers",
        everywhere={"balancer_upstreams": [{"name": "blog"}]},
    ),
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].port",
        "belongs to servers_from",
        everywhere={"balancer_upstreams": [{"name": "blog", "port": 80, "servers": [{"address": "10.9.9.9"}]}]},
    ),
    case(
        "input",
        "lb1, lb2: balancer_upstreams[0].weight",
        "must be a whole number",
        everywhere={"balancer_upstreams": [{**BLOG, "weight": 1.5}]},
    ),
    case(
        "unknown-upstream",
        "lb1, lb2: balancer_sites[0].upstream",
        "`bolg` is no upstream of balancer_upstreams: add it, or use one that is there (blog)",
        everywhere={"balancer_sites": [{"server_name": "a", "upstream": "bolg"}]},
    ),
    case(
        "unknown-upstream",
        "lb1, lb2: balancer_sites[0].locations[1].upstream",
        "`svn` is no upstream",
        everywhere={
            "balancer_sites": [
                {
                    "server_name": "a",
                    "locations": [{"path": "/", "upstream": "blog"}, {"path": "/svn", "upstream": "svn"}],
                }
            ]
        },
    ),
    case(
        "unknown-upstream",
        "lb1, lb2: balancer_streams[0].upstream",
        "`blog` is no upstream of balancer_stream_upstreams",
        everywhere={"balancer_streams": [{"listen": "3306", "upstream": "blog"}]},
    ),
    case(
        "duplicate-upstream",
        "lb1, lb2: balancer_upstreams[1].name",
        "`BLOG` is the name of two upstreams",
        everywhere={"balancer_upstreams": [BLOG, {**BLOG, "name": "BLOG"}]},
    ),
    case(
        "duplicate-server",
        "lb1, lb2: balancer_upstreams[0].servers",
        "10.0.0.21 port 8080 is listed 2 times",
        everywhere={"balancer_upstreams": [{**BLOG, "servers": [{"address": "10.0.0.21", "port": 8080}]}]},
    ),
    case(
        "different-service",
        "lb2: balancer_sites[0].server_name",
        "is not the same on lb1 and lb2",
        lb2={"balancer_sites": [{"server_name": "other", "upstream": "blog"}]},
    ),
    case(
        "different-service",
        "lb2: balancer_upstreams[0].port",
        "is not the same on lb1 and lb2",
        lb2={"balancer_upstreams": [{**BLOG, "port": 8081}]},
    ),
]


# Options that the models of the daemons refuse.
CASES += [
    case(
        "option",
        "lb1, lb2: keepalived_instance_options.garp_master_refesh",
        "did you mean garp_master_refresh?",
        everywhere={"keepalived_instance_options": {"garp_master_refesh": 60}},
    ),
    case("option", "lb1, lb2: keepalived_instances[0].smtp_alert", "", everywhere=instances({"smtp_alert": "maybe"})),
    case(
        "option",
        "lb1, lb2: keepalived_vips[1].labl",
        "there is no such option",
        everywhere={"keepalived_vips": ["10.0.0.100/24", {"address": "10.0.0.101/24", "labl": "eth0:1"}]},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_vrrp_scripts[0].interval",
        "",
        everywhere={"keepalived_vrrp_scripts": [{"name": "a", "script": "/bin/true", "interval": -1}]},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_track_files[0].fil",
        "is unknown: did you mean file?",
        everywhere={"keepalived_track_files": [{"name": "a", "fil": "/run/a"}]},
    ),
    case(
        "option",
        "lb1, lb2: balancer_sites[0].upstrem",
        "is unknown: did you mean upstream?",
        everywhere={"balancer_sites": [{"server_name": "a", "upstrem": "blog"}]},
    ),
    case(
        "option",
        "lb1, lb2: balancer_sites[0].locations[1].proxy_red_timeout",
        "did you mean proxy_read_timeout?",
        everywhere={
            "balancer_sites": [
                {
                    "server_name": "a",
                    "locations": [
                        {"path": "/", "upstream": "blog"},
                        {"path": "/x", "upstream": "blog", "proxy_red_timeout": "5s"},
                    ],
                }
            ]
        },
    ),
    case(
        "input",
        "lb1, lb2: balancer_sites",
        "must be a list, not a mapping",
        everywhere={"balancer_sites": {"server_name": "a"}},
    ),
    case(
        "input",
        "lb1, lb2: balancer_sites[0]",
        "must be a mapping, not `blog`",
        everywhere={"balancer_sites": ["blog"]},
    ),
    case(
        "option",
        "lb1, lb2: balancer_upstreams[0].method",
        "must be round_robin or",
        everywhere={"balancer_upstreams": [{**BLOG, "method": "fastest"}]},
    ),
    case(
        "option",
        "lb1, lb2: balancer_upstreams[0].servers[2].weigth",
        "is unknown: did you mean weight?",
        everywhere={"balancer_upstreams": [{**BLOG, "servers": [{"address": "10.9.9.9", "weigth": 1}]}]},
    ),
]


CASES += [
    case("input", "web1: backend_port", "must be a whole number, not `True`", web1={"backend_port": True}),
    case(
        "input",
        "lb1: keepalived_address",
        "`127.0.0.1`, by which the host is reached, is no address",
        everywhere={"keepalived_vips": ["10.0.0.100"], "keepalived_interface": "eth0"},
        lb1={"ansible_host": "127.0.0.1"},
    ),
    case(
        "password", "lb1, lb2: keepalived_auth_pass", "has 0 characters", everywhere={**V2, "keepalived_auth_pass": ""}
    ),
    case(
        "weight",
        "lb1: keepalived_track_files[0].weight",
        "track_file disk of weight -5",
        everywhere={
            "keepalived_track_files": [{"name": "disk", "file": "/run/disk", "weight": {"weight": 5, "reverse": True}}]
        },
    ),
]


# A fault is told where the user wrote what is wrong, and what a host would find by its rules is found here.
CASES += [
    case(
        "no-prefix",
        "lb1, lb2: keepalived_vips[0]",
        "10.0.0.100 is written as a single address (/32), so its subnet and interface cannot be told",
        everywhere={"keepalived_vips": ["10.0.0.100/32"]},
    ),
    case(
        "option",
        "lb1: keepalived_instances[0].unicast_peer[0]",
        "10.0.0.11 is this host itself: leave it out of the peers",
        lb1=instances({"unicast_peer": ["10.0.0.11", "10.0.0.12"]}),
        lb2=instances({"unicast_peer": ["10.0.0.11"]}),
    ),
    case(
        "option",
        "lb1, lb2: keepalived_vrrp_scripts[0].script",
        '"|" is for a shell, and keepalived starts none',
        everywhere={"keepalived_vrrp_scripts": [{"name": "a", "script": "/bin/a | /bin/b"}]},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_instance_options.notify",
        '">/tmp/log" is for a shell',
        everywhere={"keepalived_instance_options": {"notify": "/bin/a >/tmp/log"}},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_instance_options.track_script[0]",
        "web is defined nowhere",
        everywhere={"keepalived_instance_options": {"track_script": ["web"]}},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instance_options.priority",
        "255 is out of range: use 1 to 254",
        everywhere={"keepalived_instance_options": {"priority": 255}},
    ),
    case(
        "input",
        "lb1, lb2: keepalived_instance_options.advert_int",
        "",
        everywhere={"keepalived_instance_options": {"advert_int": 99}},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_instance_options.garp_master_delay",
        "must be a whole number, not `soon`",
        everywhere={"keepalived_instance_options": {"garp_master_delay": "soon"}},
    ),
    case(
        "option",
        "lb1, lb2: balancer_sites[0].locations[1].proxy_buffering",
        "must be true or false, not `perhaps`",
        everywhere={
            "balancer_sites": [
                {
                    "server_name": "a.example.com",
                    "locations": [
                        {"path": "/", "upstream": "blog", "try_files": "$uri"},
                        {"path": "/x", "upstream": "blog", "proxy_buffering": "perhaps"},
                    ],
                }
            ]
        },
    ),
    case(
        "option",
        "lb1, lb2: balancer_sites[0].locations[0].path",
        "is missing",
        everywhere={"balancer_sites": [{"server_name": "a.example.com", "locations": [{"upstream": "blog"}]}]},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_instance_options.zzz",
        "is unknown: correct or remove it",
        everywhere={"keepalived_instance_options": {"zzz": 1}},
    ),
    case(
        "weight",
        "lb1: keepalived_instance_options.track_file[0]",
        "track_file disk of weight -5 never moves VI_1",
        everywhere={
            "keepalived_instance_options": {"track_file": [{"name": "disk", "weight": -5}]},
            "keepalived_track_files": tracked(0),
        },
    ),
    case(
        "two-holders",
        "lb2: keepalived_instance_options.advert_int",
        "advert_int of VI_1 is 0.1 on lb1 and 2.0 on lb2",
        lb2={"keepalived_instance_options": {"advert_int": 2}},
    ),
    case(
        "two-holders",
        "lb2: keepalived_auth_pass",
        "the password of VI_1 is one on lb1 and another on lb2",
        everywhere=V2,
        lb1={"keepalived_auth_pass": "kR7-tq2w"},
    ),
    case(
        "password",
        "lb1, lb2: keepalived_instance_options.authentication.auth_pass",
        "has 9 characters",
        everywhere={
            **V2,
            "keepalived_instance_options": {"authentication": {"auth_type": "PASS", "auth_pass": "kR7-tq2wx"}},
        },
    ),
    case(
        "option",
        "lb1, lb2: keepalived_track_interfaces[1].weight",
        "",
        everywhere={"keepalived_track_interfaces": ["eth1", "eth2 weight much"]},
    ),
    case(
        "option",
        "lb1, lb2: keepalived_interface",
        '"eth 0" is not the name of an interface',
        everywhere={"keepalived_interface": "eth 0"},
    ),
    case(
        "input",
        "web1, web2: backend_address",
        "is a name: write the address itself",
        everywhere={"backend_address": "web.example.com"},
    ),
]


@pytest.mark.parametrize(("changes", "rule", "where", "words"), CASES)
def test_one_fault_is_told_once_with_its_place_and_its_example(
    changes: dict[str, t.Any], rule: str, where: str, words: str
) -> None:
    [finding] = InventoryBuilder(changes.pop("everywhere", None), **changes).findings()
    assert (finding.rule, finding.severity, finding.where) == (rule, "error", where)
    assert words in finding.message


def test_a_password_is_never_told() -> None:
    told = " ".join(
        map(
            str,
            InventoryBuilder(
                {"keepalived_auth_pass": "hunter2hunter2", **V2}, lb2={"keepalived_auth_pass": "0ther"}
            ).findings(),
        )
    )
    assert "password" in told
    assert "hunter2" not in told
    assert "0ther" not in told


def test_all_faults_are_told_at_once() -> None:
    inventory = InventoryBuilder(
        {"keepalived_timing": "quick", "balancer_sites": [{"server_name": "a", "upstream": "nowhere"}]},
        lb1={"ansible_host": "lb1.example.com"},
        web2={"ansible_host": "web2.example.com"},
    )
    assert [finding.where for finding in inventory.findings()] == [
        "lb1: keepalived_address",
        "web2: backend_address",
        "lb1, lb2: keepalived_timing",
        "lb1, lb2: balancer_sites[0].upstream",
    ]


def test_a_fault_of_many_hosts_is_one_line() -> None:
    more = {f"lb{number}": {"ansible_host": f"10.0.0.{number + 30}"} for number in range(2, 20)}
    [finding] = InventoryBuilder({"keepalived_timing": "quick"}, groups={"backup": more}).findings()
    assert finding.where == "lb1, lb2, lb3 and 16 more: keepalived_timing"


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"roles": {"masters": "front"}}, "holdfast_groups.masters"),
        ({"roles": ["front"]}, "holdfast_groups"),
        ({"roles": {"master": ""}}, "holdfast_groups.master"),
        ({"foreign": "nginx_exporter_*"}, "holdfast_foreign_variables"),
    ],
)
def test_variables_of_the_whole_fleet_are_checked(arguments: dict[str, t.Any], where: str) -> None:
    assert [finding.where for finding in InventoryBuilder().findings(**arguments)] == [where]


GOOD = [
    pytest.param({"everywhere": {"keepalived_track_files": tracked(0)}}, id="weight 0"),
    pytest.param({"everywhere": {"keepalived_track_files": tracked(-20)}}, id="a weight beyond the gap"),
    pytest.param({"everywhere": {**V2, "keepalived_auth_pass": "kR7-tq2w"}}, id="a password with version 2"),
    pytest.param({"everywhere": {**V2, "keepalived_auth_pass": 83920174}}, id="a password of digits"),
    pytest.param(
        {"everywhere": {"keepalived_vips": ["10.0.0.100/24", "192.0.2.1/28 dev eth1"]}},
        id="another subnet on another interface",
    ),
    pytest.param(
        {"everywhere": {"keepalived_vips": ["10.0.0.100/24", "fd00::100/64"]}}, id="the second family rides along"
    ),
    pytest.param({"everywhere": {"keepalived_preempt": False}}, id="nopreempt with weight 0"),
    pytest.param({"everywhere": instances({"virtual_ipaddress": None, "preferred": "lb2"})}, id="preferred"),
    pytest.param(
        {
            "web1": {"ansible_host": "web1.example.com"},
            "everywhere": {"balancer_upstreams": [{"name": "blog", "servers": [{"address": "web1.example.com:80"}]}]},
        },
        id="names of backends that no upstream draws on",
    ),
    pytest.param(
        {
            "web1": {"ansible_host": "10.0.0.21", "backend_port": 1},
            "web2": {"ansible_host": "10.0.0.21", "backend_port": 2},
            "everywhere": {"balancer_upstreams": [{"name": "blog", "servers_from": "backend"}]},
        },
        id="backends on one address",
    ),
    pytest.param(two_clusters({"keepalived_vips": ["10.0.0.99/24"]}), id="two clusters"),
]


@pytest.mark.parametrize("changes", GOOD)
def test_what_is_right_is_not_refused(changes: dict[str, t.Any]) -> None:
    assert [str(finding) for finding in InventoryBuilder(changes.pop("everywhere", None), **changes).findings()] == []


class Raising(t.Dict[str, t.Any]):
    def __getitem__(self, key: str) -> t.Any:
        if key == "keepalived_address":
            raise ValueError("'ansible_default_ipv4' is undefined")
        return super().__getitem__(key)


@pytest.mark.parametrize(
    "own",
    [Raising(keepalived_address=""), {"keepalived_address": "{{ ansible_default_ipv4.address }}"}],
    ids=["raised by ansible-core 2.19", "left as it is by older ones"],
)
def test_what_needs_facts_is_refused(own: Variables) -> None:
    inventory = InventoryBuilder()
    for name, value in inventory.hostvars["lb1"].items():
        own.setdefault(name, value)
    inventory.hostvars["lb1"] = own
    [finding] = inventory.findings()
    assert finding.where == "lb1: keepalived_address"
    assert "cannot be resolved from the inventory alone" in finding.message
    assert "ansible_default_ipv4" in finding.message
