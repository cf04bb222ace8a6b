# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx.conf: settings laid over the file of before, sizes by need, and the modules that a configuration needs."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import dynamic, main_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import (
    MODELS,
    MainFile,
    file_limit,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build

ROOT = Path(__file__).parents[3]
RED_HAT = """
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
include /usr/share/nginx/modules/*.conf;
events { worker_connections 1024; }
http {
    log_format main '$remote_addr "$request"';
    access_log /var/log/nginx/access.log main;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/mime.types;
    include /etc/nginx/conf.d/*.conf;
    server { listen 80; listen [::]:80; server_name _; root /usr/share/nginx/html; include default.d/*.conf; }
    server { listen 81; server_name own.example.com; }
}
mail { server { listen 25; } }
"""
BUILD = parse_build("nginx version: nginx/1.22.1\nconfigure arguments: --with-stream=dynamic --with-http_perl_module")


def laid(before: str, *, has_streams: bool = False, **options: t.Any) -> str:
    settings = MainFile.from_options(options)
    return main_file.text(settings, parse(before), "/etc/nginx", has_streams=has_streams)


def test_what_the_settings_do_not_say_lives_on() -> None:
    text = laid(RED_HAT)
    for line in (
        *("user nginx;", "pid /run/nginx.pid;", "include /usr/share/nginx/modules/*.conf;", "listen 25;"),
        *("include /etc/nginx/conf.d/*.conf;", "access_log /var/log/nginx/access.log main;", "listen 81;"),
    ):
        assert text.count(line) == 1, line
    # What both say, is said once, and the welcome page goes.
    for name in ("worker_processes", "worker_connections", "sendfile", "keepalive_timeout"):
        assert text.count(f" {name} ") + text.count(f"\n{name} ") == 1, name
    assert "keepalive_timeout 65s;" in text
    assert "listen 80;" not in text
    assert parse(text)


def test_a_log_comes_behind_the_format_that_it_names() -> None:
    text = laid(RED_HAT, http={"access_log": "/var/log/nginx/all.log main"})
    assert text.index("log_format main") < text.index("access_log /var/log/nginx/all.log main;")
    assert "access.log" not in text


def test_modules_and_text_of_the_user_are_added_not_replaced() -> None:
    text = laid(
        "load_module modules/a.so;\ninclude x;\nevents {}\nhttp { include y; }",
        main={"load_module": ["modules/b.so"], "directives": ["include z"]},
        http={"directives": ["include w"]},
    )
    for line in ("load_module modules/a.so;", "load_module modules/b.so;", "include x;", "include y;", "include w;"):
        assert line in text
    assert text.index("load_module modules/b.so;") < text.index("events {")


@pytest.mark.parametrize(
    ("before", "has_streams", "streams"),
    [
        ("events {} http {}", False, 0),
        ("events {} http {}", True, 1),
        ("events {} http {} stream { include /etc/nginx/holdfast-stream.d/*.conf; }", False, 0),
        ("events {} http {} stream {}", False, 0),
        ("events {} http {} stream {\n# layer 4\n}", False, 0),
        ("events {} http {} stream { server { listen 7000; return x; } }", False, 1),
        ("events {} http {} stream { server { listen 7000; return x; } }", True, 1),
    ],
)
def test_there_is_a_stream_where_something_is_in_it(before: str, has_streams: bool, streams: int) -> None:
    text = laid(before, has_streams=has_streams)
    assert len(re.findall(r"^stream \{", text, re.MULTILINE)) == streams
    assert ("holdfast-stream.d" in text) == has_streams


@pytest.mark.parametrize(
    "before",
    ["events {} http {}", "events {} http {} mail { server { listen 25; } }", "http {} stream { tcp_nodelay on; }"],
)
def test_streams_come_into_our_file_and_leave_it_as_they_found_it(before: str) -> None:
    without, having = laid(before), laid(before, has_streams=True)
    for there in (without, having):
        assert main_file.with_streams(there, "/etc/nginx", has_streams=True) == having
        assert main_file.with_streams(there, "/etc/nginx", has_streams=False) == without


def test_a_default_gives_way_and_what_is_said_does_not() -> None:
    yields = {"http": {"gzip", "client_max_body_size"}}
    settings = MainFile.from_options({"http": {"client_max_body_size": "5m"}}, yields=yields)
    assert "gzip" not in settings.http.settings
    assert settings.http.settings["client_max_body_size"] == "5m"


@pytest.mark.parametrize(
    ("options", "limit"),
    [({}, 16384), ({"events": {"worker_connections": 100}}, 200), ({"main": {"worker_rlimit_nofile": 7}}, 7)],
)
def test_a_worker_may_open_two_files_a_connection(options: dict[str, t.Any], limit: int) -> None:
    assert file_limit(options) == limit
    assert f"worker_rlimit_nofile {limit};" in laid("events {}", **options)


def test_hashes_are_as_large_as_the_names_need() -> None:
    long_name = f"{'a' * 60}.{'b' * 60}.example.com"
    names = [long_name, *(f"site{number}.example.com" for number in range(600))]
    options = {
        "nginx_conf": "managed",
        "servers": [{"server_name": names, "listen": ["80"], "return": "204"}],
        "maps": [{"source": "$uri", "variable": "$x", "entries": [{"match": "/" + "m" * 200, "value": "1"}]}],
    }
    config = NginxConfig.from_options(options)
    assert config.main_file
    said = config.main_file.http.settings
    assert said["server_names_hash_bucket_size"] >= len(long_name) + 20
    assert said["server_names_hash_max_size"] >= 2 * 600
    assert said["map_hash_bucket_size"] == 256
    assert "map_hash_max_size" not in said
    small = NginxConfig.from_options({"nginx_conf": "managed", "servers": [{"server_name": ["a.example"]}]})
    assert small.main_file
    assert not [name for name in small.main_file.http.settings if name.startswith(("server_names_hash", "map_hash"))]


@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        ({"main": {"worker_processes": "0"}}, "main.worker_processes", "is no number of processes"),
        ({"main": {"directives": ["user x"]}}, "main.directives", "user is an option of its own"),
        ({"main": {"frobnicate": 1}}, "main.frobnicate", "no such option"),
        ({"events": {"worker_connections": "many"}}, "events.worker_connections", "is not a whole number"),
        ({"http": {"directives": ["map {"]}}, "http.directives[0]", "cannot read this"),
        ({"stream": {"proxy_timeout": "x"}}, "stream.proxy_timeout", "is not a time"),
        ({"http": []}, "", ""),
        ({"http": "gzip"}, "http", "is not a mapping"),
    ],
)
def test_what_cannot_be_right_is_told_with_its_path(options: dict[str, t.Any], path: str, words: str) -> None:
    if not path:
        MainFile.from_options(options)
        return
    with pytest.raises(InputError) as caught:
        MainFile.from_options(options)
    assert caught.value.path == path
    assert words in caught.value.message


def test_an_option_is_refused_where_nginx_is_too_old() -> None:
    with pytest.raises(InputError, match=r"needs nginx 1\.27\.4"):
        MainFile.from_options({"http": {"keepalive_min_timeout": "5s"}}, version=Version(1, 22, 1))
    assert "keepalive_min_timeout" not in MainFile.from_options({}, version=Version(1, 14, 0)).http.settings
    assert MainFile.from_options({}, version=Version(1, 27, 4)).http.settings["keepalive_min_timeout"] == "5s"


def test_the_guide_names_every_default() -> None:
    guide = (ROOT / "docs/using/nginx-conf.md").read_text()
    for context, model in MODELS.items():
        for block in model.from_options(model.DEFAULTS, context).to_blocks():
            words = render([block]).strip()[len(block.name) + 1 : -1]
            assert f"| `{block.name}` | `{words}` |" in guide


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("stream { server { listen 1; } }", ["stream"]),
        ("http { server { location / { image_filter resize 100 100; } } }", ["http_image_filter"]),
        ("http { geoip2 /x.mmdb { $country country iso_code; } }", ["http_geoip2"]),
        ("http { brotli on; brotli_static on; }", ["http_brotli_filter", "http_brotli_static"]),
        ("http { js_import x.js; } stream { js_import x.js; }", ["http_js", "stream", "stream_js"]),
        ("http { map $a $b { echo 1; brotli 2; } types { perl pl; } }", []),
        ("mail {}", ["mail"]),
        ("http { gzip on; server { listen 80; } }", []),
    ],
)
def test_the_modules_that_directives_need_are_known(text: str, modules: list[str]) -> None:
    assert sorted(dynamic.needed(parse(text))) == modules


def test_a_module_that_is_built_in_or_loaded_is_not_lacking() -> None:
    assert dynamic.lacking(["stream", "http_perl"], BUILD, ()) == ["stream"]
    tree = parse("load_module /usr/lib/nginx/modules/ngx_stream_module.so;")
    assert dynamic.lacking(["stream"], BUILD, tree) == []


@pytest.mark.parametrize(
    ("family", "packages"),
    [
        ("debian", ["libnginx-mod-stream", "libnginx-mod-http-image-filter", "libnginx-mod-http-js"]),
        ("redhat", ["nginx-mod-stream", "nginx-mod-http-image-filter"]),
        ("nginx.org", ["nginx-module-image-filter", "nginx-module-njs"]),
    ],
)
def test_the_packages_of_modules_are_those_of_the_family(family: str, packages: list[str]) -> None:
    assert dynamic.packages_of(["stream", "http_image_filter", "http_js"], family) == packages


def test_an_unknown_directive_is_told_with_the_package_that_has_it() -> None:
    words = 'nginx refuses the configuration: unknown directive "image_filter" in /etc/nginx/x.conf:3'
    assert dynamic.explained(words, "debian").endswith("install libnginx-mod-http-image-filter")
    assert "no package of it" in dynamic.explained('unknown directive "otel_exporter"', "debian")
    assert dynamic.explained("something else", "debian") == "something else"


def test_an_upstream_takes_text_of_nginx_and_keeps_connections_for_all_its_servers() -> None:
    servers = [{"address": f"10.0.0.{number}"} for number in range(1, 101)]
    options = {"name": "b", "servers": servers, "directives": ["fair", "# none"]}
    upstream = Upstream.from_options(options)
    assert upstream.keepalive == 200
    assert "fair;" in render([upstream.to_block()])
    assert sorted(dynamic.needed(NginxConfig.of("upstreams", upstream).to_blocks())) == ["http_upstream_fair"]
    with pytest.raises(InputError, match="keepalive is an option of its own"):
        Upstream.from_options({"name": "b", "servers": servers, "directives": ["keepalive 5"]})


CACHED = (
    "proxy_cache_lock on;",
    "proxy_cache_background_update on;",
    "add_header X-Cache-Status $upstream_cache_status",
)


@pytest.mark.parametrize(
    ("site", "location", "is_cached"),
    [
        ({}, {"proxy_cache": "pages"}, True),
        ({"proxy_cache": "pages"}, {}, True),
        ({"proxy_cache": "pages"}, {"proxy_cache": "off"}, False),
        ({}, {}, False),
    ],
)
def test_a_location_that_keeps_answers_spares_its_backend(
    site: dict[str, t.Any], location: dict[str, t.Any], is_cached: bool
) -> None:
    locations = [{"path": "/", "upstream": "b", **location}]
    config = NginxConfig.from_options({"servers": [{"server_name": ["a"], "locations": locations, **site}]})
    text = render(config.to_blocks())
    assert [line in text for line in CACHED] == [is_cached] * len(CACHED)


def test_what_is_said_of_a_cache_goes_before_and_headers_add_up() -> None:
    location = {"path": "/", "upstream": "b", "proxy_cache": "pages", "proxy_cache_lock": False}
    site = {"server_name": ["a"], "add_header": {"X-Own": "1"}, "locations": [location]}
    text = render(NginxConfig.from_options({"servers": [site]}).to_blocks())
    assert "proxy_cache_lock off;" in text
    (inner,) = re.findall(r"location / \{(.*?)\}", text, re.DOTALL)
    assert "X-Own" in inner
    assert "X-Cache-Status" in inner
