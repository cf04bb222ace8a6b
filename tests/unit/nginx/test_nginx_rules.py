# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx's own test lets pass is found, named and placed; what is right is left alone."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.modules import missing_modules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.names import defined_in, named_in
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import RULES, check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build
from nginx_rule_cases import CASES, Case, whole


def test_every_rule_has_a_case_and_says_what_it_is_about() -> None:
    assert {case.rule for case in CASES} == set(RULES)
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.severity in ("error", "warning")
        assert rule.summary.endswith(".")


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_a_rule_finds_what_breaks_it_and_nothing_else(case: Case) -> None:
    findings = check(parse(whole(*case.inside(case.bad)), "nginx.conf"))
    assert [(each.rule, each.where) for each in findings] == [(case.rule, f"nginx.conf:{case.where}")]
    assert findings[0].severity == RULES[case.rule].severity
    assert check(parse(whole(*case.inside(case.good)))) == []


def test_a_server_without_listen_listens_at_port_80() -> None:
    (finding,) = check(parse("http { server { }\nserver { listen 80; } }", "f"))
    assert (finding.rule, finding.where) == ("conflicting-server-name", "f:2")


def test_from_1_29_7_on_connections_are_kept_by_default() -> None:
    for case in CASES:
        if case.rule in ("keepalive-without-effect", "method-after-keepalive"):
            assert check(parse(whole(case.bad)), version=Version(1, 29, 7)) == []
            assert check(parse(whole(case.bad)), version=Version(1, 29, 6)) != []


def test_a_finding_in_what_we_own_names_the_option() -> None:
    web = {"address": "10.0.0.1", "port": 80}
    config = NginxConfig.from_options(
        {
            "upstreams": [
                {"name": "a", "servers": [web, dict(web, address="10.0.0.2")]},
                {"name": "b", "servers": [dict(web, max_fails=2)]},
            ],
            "servers": [
                {"server_name": ["a.lan"], "upstream": "a"},
                {
                    "server_name": ["b.lan"],
                    "locations": [{"path": "/", "upstream": "b"}, {"path": "/c", "upstream": "c"}],
                },
            ],
        }
    )
    findings = check(config.to_blocks())
    assert [(each.where, each.rule) for each in findings] == [
        ("servers[1].locations[1].upstream", "undefined-upstream"),
        ("upstreams[1].servers[0]", "single-server-never-fails"),
    ]
    assert str(findings[1]) == (
        'upstreams[1].servers[0]: nginx ignores max_fails=2 in upstream "b": its only server never counts as failed '
        "[single-server-never-fails]"
    )


BUILD = """\
nginx version: nginx/1.22.1 (Ubuntu)
built with OpenSSL 3.0.9 30 May 2023
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fPIC' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--modules-path=/usr/lib/nginx/modules --pid-path=/run/nginx.pid --with-compat --with-http_ssl_module \
--with-http_realip_module --without-http_gzip_module --with-stream=dynamic --with-stream_ssl_module \
--with-http_geoip_module=dynamic --add-module=/src/x
"""


def test_a_build_is_read() -> None:
    build = parse_build(BUILD)
    assert (build.program, build.version) == ("nginx", Version(1, 22, 1))
    assert build.paths["conf-path"] == "/etc/nginx/nginx.conf"
    assert build.paths["modules-path"] == "/usr/lib/nginx/modules"
    assert build.dynamic == {"stream", "http_geoip"}
    wanted = {
        "http_ssl": True,
        "stream": True,
        "stream_ssl": True,
        "http_proxy": True,
        "http_v2": False,
        "http_gzip": False,
    }
    assert {module: build.has(module) for module in wanted} == wanted


def test_versions_compare() -> None:
    texts = ["1.9.15", "1.22.1", "nginx/1.25.0", "1.27.3"]
    versions = [Version.parse(text) for text in texts]
    assert versions == sorted(versions)
    assert str(versions[2]) == "1.25.0"


@pytest.mark.parametrize("text", ["", "nginx: command not found", "nginx version: unknown"])
def test_anything_else_is_not_a_build(text: str) -> None:
    with pytest.raises(Exception, match=r'not the output of "nginx -V"'):
        parse_build(text)


def test_a_directive_without_its_module_is_found() -> None:
    config = NginxConfig.from_options(
        {
            "servers": [
                {
                    "name": "s",
                    "listen": ["443 ssl http2"],
                    "ssl_reject_handshake": True,
                    "set_real_ip_from": ["10.0.0.0/8"],
                    "locations": [{"path": "/status", "stub_status": True}],
                }
            ],
            "stream_servers": [{"name": "t", "listen": ["1"], "proxy_pass": "10.0.0.1:1", "ssl_preread": True}],
        }
    )
    assert missing_modules(config.to_blocks(), parse_build(BUILD)) == [
        Finding(
            "missing-module",
            "error",
            where,
            f'"{what}" needs the module {module}, which nginx 1.22.1 here was built without',
        )
        for where, what, module in [
            ("servers[0].listen", "listen ... http2", "http_v2"),
            ("servers[0].locations[0].stub_status", "stub_status", "http_stub_status"),
            ("stream_servers[0].ssl_preread", "ssl_preread", "stream_ssl_preread"),
        ]
    ]
    without = parse_build(BUILD.replace("--with-stream=dynamic", ""))
    assert "stream" in {each.message.split()[4].strip(",") for each in missing_modules(config.to_blocks(), without)}


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ('zero size shared memory zone "slow"', "servers[0].locations[0].limit_req"),
        ('"proxy_cache" zone "pages" is unknown in /etc/nginx/nginx.conf:61', "servers[0].locations[0].proxy_cache"),
        ('unknown "pool" variable', "servers[0].add_header.X-Pool"),
        ("bind() to 0.0.0.0:8080 failed (98: Address already in use)", "servers[0].listen"),
        ('open() "/nowhere/a.log" failed (2: No such file or directory)', "servers[0].access_log"),
        ('unknown "pool2" variable', ""),
        ("something else", ""),
    ],
)
def test_what_nginx_says_without_a_place_is_what_an_option_says(words: str, place: str) -> None:
    location = {"path": "/", "return": "204", "limit_req": ["zone=slow burst=5"], "proxy_cache": "pages"}
    site = {"name": "a", "listen": ["8080"], "add_header": {"X-Pool": "a-$pool"}, "access_log": "/nowhere/a.log"}
    config = NginxConfig.from_options({"servers": [{**site, "locations": [location]}]})
    block = named_in(words, config.to_blocks())
    assert (block.position.file if block else "") == place


def test_what_a_text_defines_is_found_without_reading_it_all() -> None:
    text = (
        "http {\n  log_format main '$a';\n limit_req_zone $uri zone=slow:1m rate=1r/s;\n"
        "proxy_cache_path /var/cache levels=1:2 keys_zone=pages:10m; limit_conn_zone $a zone=conn:1m; }"
    )
    assert defined_in(text) == {
        ("log format", "main"),
        ("request zone", "slow"),
        ("cache", "pages"),
        ("connection zone", "conn"),
    }
