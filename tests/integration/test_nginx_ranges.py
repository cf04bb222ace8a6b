# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx takes every word of our tables at both ends of its range, and refuses what lies behind them, as we do.

A directive that its build does not know is left out, as the models refuse it then.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import quote
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.values import MOST
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import FIRST
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind
from real_nginx import Nginx

Values = t.Sequence[t.Any]

KINDS: dict[str, tuple[t.Mapping[str, Kind], str, str]] = {
    "server": (settings.HTTP_SERVER, "server {{ listen 127.0.0.1:7999; {} }}", ""),
    "location": (
        settings.LOCATION,
        "server {{ listen 127.0.0.1:7999; location /x {{ proxy_set_header A b; {} }} }}",
        "",
    ),
    "stream_server": (settings.STREAM_SERVER, "", "server {{ listen 127.0.0.1:7999; proxy_pass 127.0.0.1:1; {} }}"),
}

# The values at both ends of each shape that has a range, and those behind them.
ENDS: dict[str, tuple[Values, Values]] = {
    "flag": ([True, False], []),
    "mark": ([True], []),
    "number": ([0, MOST], [-1, MOST + 1]),
    "level": ([1, 9], [0, 10]),
    "status": ([400, 599], [399, 600]),
    "hash_size": ([1, 1_000_000], [0]),
    "bucket_size": ([1, 65_408], [0, 65_537]),
    "size": (["0", str(MOST), f"{MOST >> 10}k", f"{MOST >> 20}M"], ["-1", str(MOST + 1), f"{(MOST >> 10) + 1}k", "1g"]),
    "offset": (["0", str(MOST), f"{MOST >> 30}g"], ["-1", str(MOST + 1), f"{(MOST >> 30) + 1}G"]),
    "pool": (["112", str(MOST - 15), f"{MOST >> 20}m"], ["96", "113", str(MOST)]),
    "time": (["0", f"{MOST}ms", f"{MOST // 1000}s", f"{MOST // 1000}"], ["", f"{MOST}s", "1y", "1M", "1 s"]),
    "seconds": (["0", f"{MOST}", f"{MOST // 86400}d", "1y 1M 1w"], ["", f"{MOST + 1}", f"{MOST // 86400 + 1}d", "1ms"]),
}

# What nginx compares with others: these beside it, and its ends then.
RELATED: dict[str, tuple[str, Values]] = {
    "connection_pool_size": (f"large_client_header_buffers 4 {MOST};", ENDS["pool"][0]),
    "proxy_buffer_size": ("proxy_buffers 8 4k; proxy_busy_buffers_size 28k;", ["0", "28k"]),
    "proxy_busy_buffers_size": ("proxy_buffers 8 4k; proxy_buffer_size 4k;", ["4k", "28k"]),
    **{
        f"{name}_{size}": (f"{name}_buffers 8 4k; {name}_{beside};", ends)
        for name in ("fastcgi", "uwsgi")
        for size, beside, ends in (
            ("buffer_size", "busy_buffers_size 28k", ["0", "28k"]),
            ("busy_buffers_size", "buffer_size 4k", ["4k", "28k"]),
        )
    },
    "proxy_max_temp_file_size": ("proxy_buffers 8 4k; proxy_buffer_size 4k;", ["0", "4k", str(MOST)]),
    "proxy_temp_file_write_size": ("proxy_buffers 8 4k; proxy_buffer_size 4k;", ["4k", str(MOST)]),
}


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    return Nginx(tmp_path)


def we_take(options: t.Mapping[str, t.Any]) -> bool:
    try:
        NginxConfig.from_options(options)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_directive_is_taken_at_both_ends(nginx: Nginx, kind: str) -> None:
    table, http, stream = KINDS[kind]
    version = nginx.build().version
    wrong = []
    tried = 0
    for name, shape in table.items():
        taken, refused = next((ENDS[key] for key in ENDS if settings.SHAPES[key] is shape), ([], []))
        beside = ""
        if kind != "stream_server" and name in RELATED:
            beside, taken = RELATED[name]
        first = FIRST.get(kind, {}).get(name)
        for value in (*taken, *refused) if first is None or first <= version else ():
            try:
                (written,) = shape.write(name, shape.accept(value, name, None))
                words, ours = written.args, True
            except InputError:
                words, ours = (str(value),), False
            text = f"{name} {' '.join(map(quote, words))}; {beside}"
            accepted, said = nginx.test(nginx.main(http.format(text), stream.format(text)))
            if "unknown directive" in said:
                break  # left out of this build
            tried += 1
            if not ours == accepted == (value in taken):
                wrong.append((name, value, ours, said))
    assert tried > 50
    assert wrong == []


GOES = "server { listen 127.0.0.1:7999; location / { proxy_pass http://u; } }"
SERVERS = [{"address": "127.0.0.1", "port": 1}, {"address": "127.0.0.1", "port": 2}]


class Element(t.NamedTuple):
    """An option of a list, text of nginx with the value's place in it, what both take, and what both refuse."""

    options: t.Callable[[t.Any], dict[str, t.Any]]
    text: str
    taken: Values
    refused: Values


def of_server(option: str, text: str, taken: Values, refused: Values) -> Element:
    return Element(
        lambda value: {"upstreams": [{"name": "u", "servers": [{**SERVERS[0], option: value}, SERVERS[1]]}]},
        f"upstream u {{ server 127.0.0.1{text}; server 127.0.0.1:2; }} {GOES}",
        taken,
        refused,
    )


def of_upstream(option: str, text: str, taken: Values, refused: Values) -> Element:
    return Element(
        lambda value: {"upstreams": [{"name": "u", "servers": SERVERS, option: value}]},
        f"upstream u {{ server 127.0.0.1:1; server 127.0.0.1:2; {text}; }} {GOES}",
        taken,
        refused,
    )


def of_cache(option: str, taken: Values, refused: Values) -> Element:
    return Element(
        lambda value: {"cache_paths": [{"name": "c", "path": "/c", option: value}]},
        f'proxy_cache_path cache keys_zone=c:1m "{option}=%s";',
        taken,
        refused,
    )


# Of memory, there is no upper end but what a host has.
ZONE: tuple[Values, Values] = ["32k", "1m"], ["8191", "1g", "-1"]
TIME, SECONDS, OFFSET = (ENDS[shape] for shape in ("time", "seconds", "offset"))

ELEMENTS: dict[str, Element] = {
    "upstreams.servers.port": of_server("port", ":%s", [1, 65535], [0, 65536]),
    "upstreams.servers.weight": of_server("weight", ":1 weight=%s", [1, MOST], [0, MOST + 1]),
    "upstreams.servers.max_conns": of_server("max_conns", ":1 max_conns=%s", [0, MOST], [-1, MOST + 1]),
    "upstreams.servers.max_fails": of_server("max_fails", ":1 max_fails=%s", [0, MOST], [-1, MOST + 1]),
    "upstreams.servers.fail_timeout": of_server("fail_timeout", ':1 "fail_timeout=%s"', *SECONDS),
    "upstreams.zone_size": of_upstream("zone_size", "zone u %s", *ZONE),
    "upstreams.keepalive": of_upstream("keepalive", "keepalive %s", [1, 1_000_000], [-1, MOST]),
    "upstreams.keepalive_requests": of_upstream(
        "keepalive_requests", "keepalive 8; keepalive_requests %s", [0, MOST], [-1, MOST + 1]
    ),
    "upstreams.keepalive_time": of_upstream("keepalive_time", 'keepalive 8; keepalive_time "%s"', *TIME),
    "upstreams.keepalive_timeout": of_upstream("keepalive_timeout", 'keepalive 8; keepalive_timeout "%s"', *TIME),
    "limit_conn_zones.size": Element(
        lambda value: {"limit_conn_zones": [{"name": "z", "size": value}]}, "limit_conn_zone $uri zone=z:%s;", *ZONE
    ),
    "limit_req_zones.size": Element(
        lambda value: {"limit_req_zones": [{"name": "z", "size": value, "rate": "1r/s"}]},
        "limit_req_zone $uri zone=z:%s rate=1r/s;",
        *ZONE,
    ),
    "limit_req_zones.rate": Element(
        lambda value: {"limit_req_zones": [{"name": "z", "rate": value}]},
        "limit_req_zone $uri zone=z:1m rate=%s;",
        ["1r/s", f"{10**18 - 1}r/m"],
        ["0r/s", f"{MOST + 1}r/m", "1r/h"],
    ),
    "cache_paths.zone_size": Element(
        lambda value: {"cache_paths": [{"name": "c", "path": "/c", "zone_size": value}]},
        "proxy_cache_path cache keys_zone=c:%s;",
        *ZONE,
    ),
    **{f"cache_paths.{option}": of_cache(option, *OFFSET) for option in ("max_size", "min_free")},
    **{f"cache_paths.{option}": of_cache(option, *SECONDS) for option in ("inactive",)},
    **{
        f"cache_paths.{option}": of_cache(option, *TIME)
        for option in ("manager_sleep", "manager_threshold", "loader_sleep", "loader_threshold")
    },
    **{
        f"cache_paths.{option}": of_cache(option, [1, MOST], [-1, MOST + 1])
        for option in ("manager_files", "loader_files")
    },
    "split_clients.entries.percent": Element(
        lambda value: {"split_clients": [{"variable": "$v", "key": "k", "entries": [{"percent": value, "value": ""}]}]},
        'split_clients k $v { %s%% ""; }',
        [0.01, 100],
        [0, 100.01, 0.001],
    ),
    "servers.listen": Element(
        lambda value: {"servers": [{"name": "s", "listen": [str(value)]}]},
        "server { listen 127.0.0.1:%s; }",
        [1, 65535],
        [0, 65536],
    ),
}


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_every_option_is_taken_at_both_ends(nginx: Nginx, element: Element) -> None:
    for value in (*element.taken, *element.refused):
        accepted, said = nginx.test(nginx.main(element.text % value))
        assert accepted == (value in element.taken), (value, said)
        assert we_take(element.options(value)) == accepted, value
