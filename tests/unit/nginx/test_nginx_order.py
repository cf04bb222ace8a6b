# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the order of statements decides, a server that was read is written in the order in which it stood."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.definitions import Map
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.location import Location
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.server import Server, StreamServer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from hypothesis import given, settings
from hypothesis import strategies as st

# What nginx goes through one after the other. An include can hold anything, so it has its place in each.
SEQUENCES: tuple[t.Sequence[str], ...] = (
    ("return", "if", "set", "rewrite", "break", "include"),
    ("allow", "deny", "include"),
    ("location", "include"),
    ("server_name", "include"),
    ("listen", "include"),
    *((name, "include") for name in ("add_header", "proxy_set_header", "error_page", "access_log", "sub_filter")),
    *((name, "include") for name in ("ssl_certificate", "set_real_ip_from", "proxy_cookie_path", "proxy_redirect")),
)

COMMON = [
    *("return 301 /a;", "return 404;", "if ($a) { return 403; }", "set $a b;", "rewrite ^ /b last;", "break;"),
    *("include a.conf;", "include b/*.conf;", "allow 10.0.0.1;", "deny all;", "location /a { }", "location ~ b { }"),
    *("add_header A b always;", "add_header C d;", "proxy_set_header E f;", "proxy_set_header E g;"),
    *("error_page 404 /c;", "error_page 500 /d;", "access_log off;", "access_log /e;", "sub_filter f g;"),
    *("set_real_ip_from 10.0.0.1;", "proxy_cookie_path / /h;", "proxy_redirect off;", "root /i;", "types { }"),
]
IN_SERVER = [*COMMON, "listen 80;", "listen 81;", "server_name j;", "server_name k l;", "ssl_certificate m;"]
IN_LOCATION = [*COMMON, "proxy_pass http://n;", "alias /o;", "internal;", "limit_except GET { deny all; }"]


def in_order(block: Block, sequence: t.Sequence[str]) -> list[tuple[str, t.Any]]:
    """Return the statements of a sequence that a block holds, the words of a server_name each for itself."""
    found: list[tuple[str, t.Any]] = []
    for child in block.find(*sequence):
        found += [(child.name, word) for word in child.args] if child.name == "server_name" else [(child.name, child)]
    return found


def check_order(text: str, read: t.Callable[[Block], t.Any]) -> None:
    (block,) = parse(text)
    written = read(block).to_block()
    for sequence in SEQUENCES:
        assert in_order(written, sequence) == in_order(block, sequence)
    names = [child.name for child in block.children or ()]
    if names.count("server_name") < 2:
        assert sorted(names) == sorted(child.name for child in written.children)
    assert read(written) == read(block)
    assert read(written).to_block() == written


@given(st.lists(st.sampled_from(IN_SERVER), max_size=8).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_a_server_keeps_its_order(body: str) -> None:
    check_order(f"server {{ {body} }}", lambda block: Server.from_block(block, "name"))


@given(st.lists(st.sampled_from(IN_LOCATION), max_size=8).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_a_location_keeps_its_order(body: str) -> None:
    check_order(f"location / {{ {body} }}", Location.from_block)


@given(st.lists(st.sampled_from(["listen 1;", "return a;", "set $a b;", "include c;", "deny all;", "allow d;"])))
@settings(max_examples=100, deadline=None)
def test_a_server_of_stream_keeps_its_order(body: list[str]) -> None:
    check_order(f"server {{ {' '.join(body)} }}", lambda block: StreamServer.from_block(block, "name"))


def test_what_the_order_allows_becomes_options() -> None:
    text = "server { deny all; set $a b; include c; allow d; location /e { } return 200; location /f { } }"
    site = Server.from_block(parse(text)[0], "name")
    assert site.access == (("deny", "all"),)
    assert [block.name for block in site.directives] == ["set", "include", "allow"]
    assert site.answer == ("200",)
    assert [location.path for location in site.locations] == ["/e", "/f"]


# What nginx refuses is not made right by the way, and what it ignores is not lost.
KEPT = [
    "server { listen; }",
    "server { server_name; }",
    "server { return; }",
    "server { return 1 2 3; }",
    "server { allow; }",
    "server { deny a b; }",
    "server { http2 maybe; }",
    "server { http2 ON; }",
    "server { http3 on off; }",
    "server { listen 80 { } }",
    "location / { proxy_pass a b; }",
    "location / { alias; }",
    "location / { return 1 2 3; }",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_no_option_can_say_stays(text: str) -> None:
    (block,) = parse(text)
    model = Location.from_block(block) if block.name == "location" else Server.from_block(block, "name")
    assert model.to_block() == block


LOCATIONS = [
    ("location =/a", ("=", "/a")),
    ("location = /a", ("=", "/a")),
    ("location ~^/b", ("~", "^/b")),
    ("location ~*b", ("~*", "b")),
    ("location ~ *b", ("~", "*b")),
    ("location ~*", ("~*",)),
    ("location ^~/c", ("^~", "/c")),
    ("location '= /d'", ("=", " /d")),
    ("location ' /d'", (" /d",)),
    ("location = ' /d\n'", ("=", " /d\n")),
    ("location '/e f'", ("/e f",)),
    ("location =", ("=",)),
    ("location @g", ("@g",)),
]


@pytest.mark.parametrize(("text", "words"), LOCATIONS)
def test_a_modifier_can_stick_to_its_path(text: str, words: tuple[str, ...]) -> None:
    location = Location.from_block(parse(text + " { }")[0])
    assert location.to_block() == Block("location", words, ())
    assert Location.from_block(location.to_block()) == location


@pytest.mark.parametrize("text", ["=/a", "=  /a", "= /a"])
def test_an_option_can_have_the_modifier_in_either_form(text: str) -> None:
    assert Location.from_options({"path": text}, "").path == "= /a"


OLD, NEW = Version(1, 22, 1), Version(1, 25, 1)
# A text, the old form where there is one, and the new one.
HTTP2 = [
    ("listen 80; http2 on;", "listen 80; http2 on;", "listen 80; http2 on;"),
    ("listen 80; http2 off;", "listen 80; http2 off;", "listen 80; http2 off;"),
    ("http2 on;", "http2 on;", "http2 on;"),
    ("listen 443 quic; http2 on;", "listen 443 quic; http2 on;", "listen 443 quic; http2 on;"),
    ("listen 443 ssl; http2 on;", "listen 443 ssl http2;", "listen 443 ssl; http2 on;"),
    ("listen 443 ssl http2;", "listen 443 ssl http2;", "listen 443 ssl; http2 on;"),
    # nginx then speaks HTTP/2 without TLS too, which the old form cannot say
    ("listen 80; listen 443 ssl; http2 on;", "listen 80; listen 443 ssl; http2 on;", None),
    ("listen 80; listen 443 ssl http2;", "listen 80; listen 443 ssl http2;", "listen 80; listen 443 ssl; http2 on;"),
    ("listen 80; listen 443 ssl http2; http2 off;", "listen 80; listen 443 ssl http2; http2 off;", None),
    ("listen 80 http2;", "listen 80 http2;", "listen 80 http2;"),
    ("listen 443 ssl http2; include a;", "listen 443 ssl http2; include a;", "listen 443 ssl http2; include a;"),
]


@pytest.mark.parametrize(("text", "old", "new"), HTTP2)
def test_http2_is_what_the_text_said(text: str, old: str, new: str | None) -> None:
    site = Server.from_block(parse(f"server {{ {text} }}")[0], "name")
    for version, expected in ((None, old), (OLD, old), (NEW, new or old)):
        assert site.to_block(version) == parse(f"server {{ {expected} }}")[0]


def test_no_http2_needs_no_directive_where_there_is_none() -> None:
    for version, names in ((None, ["listen"]), (OLD, ["listen"]), (NEW, ["listen", "http2"])):
        site = Server.from_options({"name": "s", "http2": False}, version=version)
        assert [child.name for child in site.to_block(version).children or ()] == names


LATE = [
    (Upstream, "upstream a { server b; keepalive 8; ip_hash; }", '"ip_hash" comes behind what depends on it'),
    (Upstream, "upstream a { server b; server c backup; hash $a; }", '"hash" comes behind what depends on it'),
    (Map, "map $a $b { *.c d; hostnames; }", '"hostnames" comes behind what depends on it'),
    (Map, "map $a $b { default c; default d; }", '"default" comes a second time'),
]


@pytest.mark.parametrize(("model", "text", "message"), LATE)
def test_what_comes_too_late_for_nginx_is_not_moved(model: t.Any, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model.from_block(parse(text)[0])
