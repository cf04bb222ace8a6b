# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several options of nginx say together is judged by the plan, with the path in the inventory."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.nginx_configuration import in_inventory
from inventory_builder import InventoryBuilder, Variables

SITE: Variables = {"server_name": "a.example", "upstream": "blog"}


def sites(*own: Variables, **more: t.Any) -> Variables:
    return {"balancer_sites": [{**SITE, **one} for one in own], **more}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            sites({}, {"name": "again"}),
            'lb1, lb2: balancer_sites[1]: nginx ignores this server "a.example" at *:80, as balancer_sites[0] has both '
            "[conflicting-server-name]",
        ),
        (
            sites({"listen": ["80 default_server"]}, {"server_name": "b", "listen": ["*:80 default_server"]}),
            'lb1, lb2: balancer_sites[1].listen: another server is the default of "*:80" already; only one can be '
            "[two-default-servers]",
        ),
        (
            sites(
                {},
                balancer_streams=[{"name": "a", "listen": ["80"], "upstream": "db"}],
                balancer_stream_upstreams=[{"name": "db", "servers": [{"address": "10.0.0.9", "port": 5432}]}],
            ),
            "lb1, lb2: balancer_streams[0].listen: http listens at port 80 as well; nginx passes its test and cannot "
            "start [port-taken-twice]",
        ),
        (
            sites(
                {"upstream": "$to"},
                balancer_maps=[{"variable": "$to", "source": "$uri", "default": "bolg"}],
            ),
            'lb1, lb2: balancer_maps[0].default: $to can be "bolg", but no upstream has this name; such a request '
            "fails with 502 [undefined-upstream-in-variable]",
        ),
        (
            sites(
                {},
                balancer_streams=[
                    {"name": "db", "listen": [port], "proxy_pass": "10.0.0.9:1"} for port in ("81", "82")
                ],
            ),
            'lb1, lb2: balancer_streams[1].name: "db" is there already; each needs a name of its own',
        ),
        (
            sites({"upstream": None}),
            "lb1, lb2: balancer_sites[0]: says not where its requests go: add upstream, or locations, root or return "
            "[site-without-target]",
        ),
    ],
)
def test_what_cannot_be_together_is_refused(said: Variables, found: str) -> None:
    findings = [str(one).replace(" [option]", "") for one in InventoryBuilder(said).findings()]
    assert findings == [found]


def test_a_name_that_the_inventory_does_not_define_is_looked_for_on_the_host() -> None:
    said = sites(
        {"access_log": "/var/log/nginx/a.log main"},
        {
            "server_name": "b",
            "upstream": None,
            "locations": [
                {"path": "/", "upstream": "blog", "proxy_cache": "pages", "limit_req": ["zone=slow burst=5"]}
            ],
        },
    )
    assert InventoryBuilder(said).documents("lb1")["balancer"]["preflight"]["nginx_names"] == [
        {"kind": "log format", "name": "main", "path": "balancer_sites[0].access_log"},
        {"kind": "request zone", "name": "slow", "path": "balancer_sites[1].locations[0].limit_req"},
        {"kind": "cache", "name": "pages", "path": "balancer_sites[1].locations[0].proxy_cache"},
    ]


def test_a_variable_can_choose_an_upstream() -> None:
    maps = [{"variable": "$to", "source": "$uri", "default": "blog"}]
    assert InventoryBuilder(sites({"upstream": "$to"}, balancer_maps=maps)).findings() == []


@pytest.mark.parametrize(
    ("told", "here"),
    [
        ("nginx.servers[0].access_log: no", "balancer_sites[0].access_log: no"),
        ('servers[1].limit_req: zone "a"', 'balancer_sites[1].limit_req: zone "a"'),
        (
            'nothing was changed: upstreams[0].servers[1]: "x"',
            'nothing was changed: balancer_upstreams[0].servers[1]: "x"',
        ),
        ("all servers of them", "all servers of them"),
    ],
)
def test_what_a_host_tells_of_an_option_is_told_of_the_variable(told: str, here: str) -> None:
    assert in_inventory(told) == here


def test_a_name_that_a_backend_uses_is_looked_for_there() -> None:
    site = {"server_name": "a", "root": "/srv", "access_log": "/var/log/nginx/a.log main"}
    said = {"nginx_http": {"proxy_cache": "pages"}, "backend_sites": [site]}
    assert InventoryBuilder(said).documents("web1")["backend"]["preflight"]["nginx_names"] == [
        {"kind": "cache", "name": "pages", "path": "nginx_http.proxy_cache"},
        {"kind": "log format", "name": "main", "path": "backend_sites[0].access_log"},
    ]
    assert "nginx_names" not in InventoryBuilder().documents("web1")["backend"]["preflight"]
