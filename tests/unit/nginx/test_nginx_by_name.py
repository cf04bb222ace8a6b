# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of stream at one address are told apart by the name of TLS, in the form of each nginx."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check

Options = t.Dict[str, t.Any]

DEBIAN_12, NEWER = Version(1, 22, 1), Version(1, 25, 5)
SHOP: Options = {"name": "shop", "listen": ["443"], "server_name": ["shop.example.com"], "upstream": "shop"}
BLOG: Options = {"name": "blog", "listen": ["*:443"], "server_name": ["*.example.org"], "upstream": "blog"}
OTHER: Options = {"name": "db", "listen": ["5432"], "proxy_pass": "10.0.0.9:5432"}


def config(*servers: Options, version: Version | None) -> NginxConfig:
    names = {server["upstream"] for server in servers if server.get("upstream")}
    members = [{"address": "10.0.0.21", "port": 443}]
    upstreams = [{"name": name, "servers": members} for name in sorted(names)]
    return NginxConfig.from_options({"stream_upstreams": upstreams, "stream_servers": list(servers)}, version=version)


def texts(*servers: Options, version: Version | None) -> dict[str, str]:
    """Return the lines of the files by their names, without the folder, the beginning and the comment."""
    found = files(config(*servers, version=version)).items()
    return {
        name.rpartition("-")[2]: " ".join(text.split("\n", 1)[1].split())
        for name, text in found
        if "-upstream-" not in name
    }


def test_an_nginx_that_knows_server_name_is_told_it_with_the_first_as_default() -> None:
    assert texts(BLOG, SHOP, version=NEWER) == {
        "blog.conf": (
            "server { listen *:443 default_server; server_name *.example.org; proxy_connect_timeout 2s; "
            "ssl_preread on; proxy_pass blog; }"
        ),
        "shop.conf": (
            "server { listen 443; server_name shop.example.com; proxy_connect_timeout 2s; ssl_preread on; "
            "proxy_pass shop; }"
        ),
    }


def test_an_older_nginx_gets_one_server_and_a_map() -> None:
    default = {**BLOG, "listen": ["443 default_server"]}
    assert texts(SHOP, default, OTHER, version=DEBIAN_12) == {
        "holdfast_shop.conf": (
            "map $ssl_preread_server_name $holdfast_shop { hostnames; default blog; shop.example.com shop; "
            "*.example.org blog; }"
        ),
        "shop.conf": ("server { listen 443; proxy_connect_timeout 2s; ssl_preread on; proxy_pass $holdfast_shop; }"),
        "db.conf": "server { listen 5432; proxy_pass 10.0.0.9:5432; }",
    }


def test_what_comes_behind_keeps_its_path() -> None:
    made = config(SHOP, BLOG, {**OTHER, "listen": ["53 udp"], "proxy_protocol": True}, version=DEBIAN_12)
    assert [(one.rule, one.where) for one in check(made.to_blocks(), version=DEBIAN_12)] == [
        ("proxy-protocol-over-datagrams", "stream_servers[2].proxy_protocol")
    ]


def test_a_finding_about_a_target_names_the_option_that_says_it() -> None:
    members = [{"address": f"10.0.0.2{number}", "port": 53} for number in (1, 2)]
    servers = [{"name": "dns", "listen": ["53 udp"], "upstream": "dns"}]
    made = NginxConfig.from_options(
        {"stream_upstreams": [{"name": "dns", "servers": members}], "stream_servers": servers}
    )
    assert [(one.rule, one.where) for one in check(made.to_blocks())] == [
        ("datagrams-never-fail", "stream_servers[0].upstream")
    ]


def test_a_single_server_with_a_name_takes_everything_there_as_in_nginx() -> None:
    assert texts(SHOP, version=DEBIAN_12) == {
        "shop.conf": "server { listen 443; proxy_connect_timeout 2s; ssl_preread on; proxy_pass shop; }"
    }


@pytest.mark.parametrize(
    ("more", "path", "message"),
    [
        ({"proxy_timeout": "1h"}, "stream_servers[1].proxy_timeout", 'say the same as "shop", or upgrade'),
        ({"access": ["deny all"]}, "stream_servers[1].access", 'not its access: say the same as "shop"'),
        ({"upstream": None, "return": "x"}, "stream_servers[1]", "give it an upstream or a proxy_pass"),
    ],
)
def test_what_an_older_nginx_cannot_tell_apart_is_refused(more: Options, path: str, message: str) -> None:
    for version in (None, NEWER):
        config(SHOP, {**BLOG, **more}, version=version)
    with pytest.raises(InputError) as caught:
        config(SHOP, {**BLOG, **more}, version=DEBIAN_12)
    assert caught.value.path == path
    assert message in caught.value.message
    assert "nginx before 1.25.5, as on this host" in caught.value.message


@pytest.mark.parametrize(
    ("servers", "found"),
    [
        ([SHOP, {**BLOG, "server_name": None}], "stream_servers[1].listen: stream_servers[0] listens at"),
        (
            [SHOP, {**BLOG, "server_name": ["Shop.example.com"]}],
            'stream_servers[1].server_name: stream_servers[0] is "shop.example.com"',
        ),
        ([{**SHOP, "ssl_preread": False}], "stream_servers[0].server_name: a client says this name by TLS"),
    ],
)
def test_names_that_tell_nothing_apart_are_found(servers: list[Options], found: str) -> None:
    findings = [f"{one.where}: {one.message}" for one in check(config(*servers, version=None).to_blocks())]
    assert len(findings) == 1
    assert findings[0].startswith(found)


@pytest.mark.parametrize("word", ["ssl", "proxy_protocol", "backlog=5", "so_keepalive=on"])
def test_what_udp_does_not_have_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="is for connections, and udp has none") as caught:
        config({**OTHER, "listen": ["53 udp", f"54 udp {word}"]}, version=None)
    assert caught.value.path == "stream_servers[0].listen[1]"
