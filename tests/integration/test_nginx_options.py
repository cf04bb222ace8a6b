# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real nginx agrees with our tables: it knows the options its version has, and lets pass what our rules find."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import settings
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import assemble, parse_dump
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import MODELS, MainFile
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.modules import missing_modules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import FIRST
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._schema.kinds import Kind
from nginx_rule_cases import CASES, REFUSED_BY_NGINX, Case
from real_nginx import Nginx, make_certificate

KINDS: dict[str, tuple[t.Mapping[str, Kind], str, str]] = {
    "server": (settings.HTTP_SERVER, "server {{ {} }}", ""),
    "location": (settings.LOCATION, "server {{ location /x {{ {} }} }}", ""),
    "stream_server": (settings.STREAM_SERVER, "", "server {{ listen 9999; proxy_pass 127.0.0.1:1; {} }}"),
    "http": (settings.HTTP, "{}", ""),
    "stream": (settings.STREAM, "", "{}"),
}

# A value of each shape; nginx may refuse it for a directive, but not the directive.
SAMPLES: dict[str, t.Any] = {
    "flag": True,
    "mark": True,
    "number": 5,
    "count": 5,
    "priority": 5,
    "processes": "auto",
    "level": 5,
    "status": 429,
    "hash_size": 512,
    "bucket_size": 64,
    "size": "8k",
    "offset": "8k",
    "pool": "8k",
    "time": "5s",
    "seconds": "5s",
    "word": "x",
    "arguments": "off",
    "phrase": "x y",
    "words": ["x"],
    "lines": ["x y"],
    "limits": ["x 5"],
    "trusted": ["10.0.0.0/8"],
    "rate": "8k",
    "pairs": {"a": "b"},
    "parameters": {"a": "b"},
    "headers": {"a": "b"},
}


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    return Nginx(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_nginx_knows_the_directives_that_its_version_has(nginx: Nginx, kind: str) -> None:
    table, http, stream = KINDS[kind]
    version = nginx.build().version
    wrong = []
    for name, shape in table.items():
        sample = next(SAMPLES[key] for key, each in settings.SHAPES.items() if each is shape)
        text = render(settings.to_blocks({name: shape}, {name: sample}))
        _code, words = nginx.test(nginx.main(http.format(text), stream.format(text)))
        known = "unknown directive" not in words and "is not allowed here" not in words
        first = FIRST.get({"stream": "stream_server"}.get(kind, kind), {}).get(name)
        if known != (first is None or first <= version):
            wrong.append((name, first, words))
    assert len(table) > 50
    assert wrong == []


@pytest.mark.parametrize("context", ["main", "events"])
def test_nginx_knows_the_directives_outside_of_http_and_stream(nginx: Nginx, context: str) -> None:
    table = MODELS[context].plain
    for name, shape in table.items():
        if name in ("pid", "ssl_object_cache_inheritable"):  # in the text around it, and of a newer nginx
            continue
        sample = next(SAMPLES[key] for key, each in settings.SHAPES.items() if each is shape)
        text = render(settings.to_blocks({name: shape}, {name: sample}))
        main = nginx.main()
        whole = f"{text}{main}" if context == "main" else main.replace("events {\n}", f"events {{\n{text}}}")
        assert text in whole
        _code, words = nginx.test(whole)
        assert "unknown directive" not in words, name
        assert "is not allowed here" not in words, name


def test_the_defaults_are_taken_without_a_word(nginx: Nginx) -> None:
    file = MainFile.from_options({}, version=nginx.build().version)
    ok, words = nginx.test(nginx.main(render(file.http.to_blocks()), render(file.stream.to_blocks())))
    assert (ok, words) == (True, "")


@pytest.mark.parametrize("count", [1, 100, 1000, 5000])
def test_names_fit_into_hashes_of_the_derived_sizes(nginx: Nginx, count: int) -> None:
    names = [f"{'n' * (number % 60)}{number}.example.com" for number in range(count)]
    entries = [{"match": f"/{name}/index.html", "value": "1"} for name in names]
    config = NginxConfig.from_options(
        {
            "nginx_conf": "managed",
            "maps": [{"source": "$uri", "variable": "$known", "entries": entries}],
            "servers": [{"name": "many", "listen": ["127.0.0.1:8000"], "server_name": names, "return": "204"}],
        }
    )
    (http,) = (block for block in config.to_blocks() if block.name == "http")
    assert nginx.test(nginx.main(render(http.children or ()))) == (True, "")


def test_what_nginx_prints_of_itself_is_read(nginx: Nginx) -> None:
    sites = [f"server {{ listen 127.0.0.1:800{i}; server_name '{{{i}';\n}}\n# end" for i in range(3)]
    for i, site in enumerate(sites):
        nginx.write(f"site{i}.conf", site)
    dumped = parse_dump(nginx.dump(nginx.main("include site*.conf;")))
    assert list(dumped) == [
        str(nginx.folder / name) for name in ("nginx.conf", "site0.conf", "site1.conf", "site2.conf")
    ]
    (http,) = (block for block in assemble(dumped) if block.name == "http")
    assert http.find("server") == tuple(parse(site)[0] for site in sites)


def test_nginx_takes_all_that_the_options_can_say(nginx: Nginx) -> None:
    folder = nginx.folder
    certificate = make_certificate(folder)
    web = [{"address": "127.0.0.1", "port": 81, "weight": 2}, {"address": "fd00::1", "port": 82, "max_conns": 5}]
    many = [{"address": f"127.0.0.{i}", "port": 80} for i in range(1, 201)]
    spare = {"address": "unix:/run/spare", "backup": True}
    keys = ["~a{2}", "default", "#", "", "\\\\x", "a b"]
    shares = [{"percent": 0.01, "value": "a"}]
    options: dict[str, t.Any] = {
        "log_formats": [{"name": "long", "format": "$uri \\ \"'" * 2000, "escape": "json"}],
        "maps": [
            {
                "variable": "$pool",
                "source": "$http_cookie",
                "default": "web",
                "entries": [{"match": text, "value": "web"} for text in keys],
            }
        ],
        "split_clients": [{"variable": "$v", "key": "$uri", "entries": shares, "default": ""}],
        "limit_req_zones": [{"name": "req", "rate": "5r/m"}],
        "limit_conn_zones": [{"name": "conn"}],
        "cache_paths": [{"name": "cache", "path": str(folder / "cache"), "inactive": "1h30m", "loader_files": 5}],
        "upstreams": [
            {"name": "web", "servers": [*web, spare], "method": "least_conn", "keepalive_time": "1h"},
            *({"name": method, "servers": web, "method": method} for method in ("ip_hash", "random")),
            {"name": "hash", "servers": many, "method": "hash", "hash_key": "$uri$v", "hash_consistent": True},
        ],
        "servers": [
            {"server_name": ["a.lan", "~^b\\d{1,3}\\."], "upstream": "$pool", "access_log": f"{folder}/log long"},
            {
                "name": "tls",
                "listen": ["127.0.0.1:8443 ssl default_server", "[::]:8443 ssl ipv6only=on"],
                "http2": True,
                "ssl_certificate": [certificate],
                "ssl_certificate_key": [certificate],
                "ssl_session_cache": "shared:tls:1m",
                "error_page": ["404 = @gone"],
                "locations": [
                    {"path": "/", "upstream": "web", "proxy_redirect": "default", "proxy_cache": "cache"},
                    {"path": "= /a b", "upstream": "hash", "upstream_uri": "/", "limit_req": ["zone=req burst=5"]},
                    {"path": "~ \\.(a|b){2}$", "return": '200 "{ok};\\n"', "limit_conn": ["conn 5"]},
                    {"path": "@gone", "root": str(folder), "add_header": {"X-A": 'a "b" \\'}},
                    {"path": "^~ /s/", "stub_status": True, "access": ["allow 127.0.0.1", "deny all"]},
                ],
            },
        ],
        "stream_maps": [{"variable": "$to", "source": "$remote_addr", "default": "db"}],
        "stream_upstreams": [{"name": "db", "servers": web}, {"name": "web", "servers": web}],
        "stream_servers": [
            {"name": "db", "listen": ["127.0.0.1:3306"], "upstream": "$to", "access": ["deny 10.0.0.0/8"]},
            {"name": "dns", "listen": ["127.0.0.1:5353 udp"], "upstream": "web", "proxy_responses": 1},
        ],
    }
    config = NginxConfig.from_options(options, version=nginx.build().version)
    for name, text in files(config).items():
        (folder / name).parent.mkdir(exist_ok=True)
        nginx.write(name, text)
    accepted, words = nginx.test(nginx.main("include conf.d/*.conf;", "include holdfast-stream.d/*.conf;"))
    assert accepted, words
    assert not words
    assert check(config.to_blocks(), version=nginx.build().version) == []
    assert missing_modules(config.to_blocks(), nginx.build()) == []


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_nginx_lets_pass_what_our_rules_find(nginx: Nginx, case: Case) -> None:
    certificate = make_certificate(nginx.folder) if "CERTIFICATE" in case.bad else ""
    for text, expected in ((case.bad, case.rule not in REFUSED_BY_NGINX), (case.good, True)):
        # An upstream is checked only where something goes to it.
        used = "server { listen 127.0.0.1:7999; location / { proxy_pass http://u; } }" if "upstream u" in text else ""
        used = used if case.context == "http" else ""
        http, stream = case.inside(text)
        accepted, words = nginx.test(nginx.main(http.replace("CERTIFICATE", certificate) + used, stream))
        # Whether a name resolves is the machine's affair.
        assert accepted == expected or "host not found" in words, words
