# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in nginx.conf, and what sites refer to, is judged with its path before any host is asked."""

from __future__ import annotations

import pytest
from inventory_builder import InventoryBuilder, Variables


def told(everywhere: Variables, **hosts: Variables) -> list[str]:
    found = InventoryBuilder(everywhere, **hosts).findings()
    return [str(one) for one in found if one.severity == "error"]


@pytest.mark.parametrize(
    "said",
    [
        {"nginx_conf": "package"},
        {"nginx_main": {"worker_processes": 4, "worker_shutdown_timeout": "1h"}},
        {"nginx_events": {"worker_connections": "1024", "multi_accept": False}},
        {"nginx_http": {"gzip": False, "client_max_body_size": "1g", "directives": ["map $a $b { default 1; }"]}},
        {"nginx_stream": {"proxy_timeout": "1h"}},
        {"balancer_cache_paths": [{"name": "pages", "inactive": "1d"}]},
        {"balancer_geos": [{"variable": "$in", "default": "0", "entries": [{"match": "10.0.0.0/8", "value": "1"}]}]},
        {"balancer_stream_limit_conn_zones": [{"name": "each"}]},
    ],
    ids=str,
)
def test_it_is_taken(said: Variables) -> None:
    assert told(said) == []


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"nginx_conf": "mine"}, "nginx_conf", "managed"),
        ({"nginx_main": []}, "nginx_main", "mapping"),
        ({"nginx_main": {"worker_processes": "many"}}, "nginx_main.worker_processes", "is no number of processes"),
        ({"nginx_events": {"worker_conections": 1}}, "nginx_events.worker_conections", "worker_connections?"),
        ({"nginx_http": {"gzip": "perhaps"}}, "nginx_http.gzip", "perhaps"),
        ({"nginx_http": {"client_max_body_size": "5x"}}, "nginx_http.client_max_body_size", "is not a size"),
        ({"nginx_http": {"directives": ["map {"]}}, "nginx_http.directives[0]", "cannot read this"),
        ({"nginx_stream": {"proxy_timeout": "long"}}, "nginx_stream.proxy_timeout", "is not a time"),
        ({"balancer_cache_paths": [{"name": "a b"}]}, "balancer_cache_paths[0].name", "cannot be a name"),
        ({"balancer_limit_req_zones": [{"name": "a"}]}, "balancer_limit_req_zones[0].rate", "missing"),
        (
            {"balancer_geos": [{"variable": "$in", "entries": [{"match": "10.0.0.0/33", "value": "1"}]}]},
            "balancer_geos[0].entries[0].match",
            "is no network",
        ),
        (
            {"balancer_upstreams": [{"name": "blog", "servers": [{"address": "10.0.0.9", "slow_start": "5s"}]}]},
            "balancer_upstreams[0].servers[0].slow_start",
            "is of the commercial nginx alone",
        ),
    ],
)
def test_what_cannot_be_right_is_told_with_its_path(said: Variables, path: str, words: str) -> None:
    found = told(said)
    assert found
    assert all(f": {path}" in one for one in found), found
    assert words in found[0]


def test_workers_are_each_hosts_own_business_and_settings_of_sites_are_not() -> None:
    assert told({}, lb1={"nginx_main": {"worker_processes": 2}, "nginx_events": {"worker_connections": 99}}) == []
    [found] = told({}, lb1={"nginx_http": {"client_max_body_size": "5m"}})
    assert "nginx_http.client_max_body_size" in found
    assert "is not the same on lb1 and lb2" in found
