# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a site holds in its locations, and what this collection adds by itself yields to it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check

Options = t.Dict[str, t.Any]

WEB = {"name": "web", "servers": [{"address": "10.0.0.1", "port": 80}, {"address": "10.0.0.2", "port": 80}]}
DERIVED = {
    "Connection": "",
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
}
HSTS = {"Strict-Transport-Security": "max-age=63072000"}


def config(**site: t.Any) -> NginxConfig:
    return NginxConfig.from_options(
        {"upstreams": [WEB], "servers": [{"server_name": ["a.example"], **site}]}, version=Version(1, 22, 1)
    )


def locations(**site: t.Any) -> list[Block]:
    """Return the locations of a site, those inside others behind them."""
    return [block for block in walk(config(**site).to_blocks()) if block.name == "location"]


def said(location: Block, name: str) -> list[str]:
    return [" ".join(block.args) for block in location.find(name)]


def pairs(location: Block, name: str) -> dict[str, str]:
    return {block.args[0]: block.args[1] for block in location.find(name)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proxy_connect_timeout", "30s"),
        ("proxy_http_version", "1.0"),
        ("proxy_next_upstream", ["off"]),
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_a_default_yields_to_what_the_site_says(name: str, value: t.Any, *, raw: bool) -> None:
    words = value if isinstance(value, str) else " ".join(value)
    option: Options = {"directives": [f"{name} {words}"]} if raw else {name: value}
    for site in ({"upstream": "web"}, {"locations": [{"path": "/", "upstream": "web"}]}):
        [location] = locations(**site)
        assert len(said(location, name)) == 1
        [location] = locations(**site, **option)
        assert said(location, name) == []
    # And it stays out where the location says it in nginx's own words.
    [location] = locations(locations=[{"path": "/", "upstream": "web", **option}])
    assert said(location, name) == [words]


def test_headers_for_the_backend_are_those_of_all_levels_and_the_inner_one_counts() -> None:
    site = {"X-Site": "a", "host": "site.example", "X-Both": "site"}
    [outer, inner, other] = locations(
        proxy_set_header=site,
        locations=[
            {
                "path": "/",
                "upstream": "web",
                "proxy_set_header": {"X-Both": "location", "x-site": None},
                "locations": [{"path": "/inner/", "upstream": "web", "proxy_set_header": {"X-Inner": "i"}}],
            },
            {"path": "/plain/", "proxy_pass": "http://10.0.0.9/plain/", "proxy_set_header": {"X-Own": "o"}},
        ],
    )
    derived = {name: value for name, value in DERIVED.items() if name != "Host"}
    assert pairs(outer, "proxy_set_header") == {**derived, "host": "site.example", "X-Both": "location"}
    assert pairs(inner, "proxy_set_header") == {**pairs(outer, "proxy_set_header"), "X-Inner": "i"}
    assert pairs(other, "proxy_set_header") == {**site, "X-Own": "o"}


def test_a_header_that_directives_say_is_known_and_not_sent_twice() -> None:
    [location] = locations(
        directives=["proxy_set_header X-Site a"],
        locations=[{"path": "/", "upstream": "web", "directives": ["proxy_set_header Host b"]}],
    )
    assert said(location, "proxy_set_header").count("Host b") == 1
    assert pairs(location, "proxy_set_header") == {**DERIVED, "Host": "b", "X-Site": "a"}


def test_headers_of_the_site_are_not_lost_in_a_location_that_has_its_own() -> None:
    [plain, own, raw, without] = locations(
        add_header=HSTS,
        locations=[
            {"path": "/", "upstream": "web"},
            {"path": "/own", "root": "/srv", "add_header": {"X-Own": "o"}},
            {"path": "/raw", "root": "/srv", "directives": ["add_header X-Raw r"]},
            {"path": "/without", "root": "/srv", "add_header": {"strict-transport-security": None, "X-Own": "o"}},
        ],
    )
    # nginx hands them on where the location says none.
    assert said(plain, "add_header") == []
    assert pairs(own, "add_header") == {**HSTS, "X-Own": "o"}
    assert pairs(raw, "add_header") == {**HSTS, "X-Raw": "r"}
    assert pairs(without, "add_header") == {"X-Own": "o"}


def test_where_nginx_is_told_to_hand_headers_on_they_are_not_sent_twice() -> None:
    options = {"add_header": HSTS, "directives": ["add_header_inherit merge"]}
    [location] = locations(**options, locations=[{"path": "/", "root": "/srv", "add_header": {"X-Own": "o"}}])
    assert pairs(location, "add_header") == {"X-Own": "o"}


def test_error_pages_of_a_location_come_before_those_of_the_site() -> None:
    [location] = locations(
        error_page=["404 /404.html", "500 502 /50x.html"],
        locations=[{"path": "/", "root": "/srv", "error_page": ["404 /own.html"]}],
    )
    assert said(location, "error_page") == ["404 /own.html", "404 /404.html", "500 502 /50x.html"]


@pytest.mark.parametrize("at_site", [True, False])
def test_a_websocket_needs_one_word_and_is_warned_of_by_nobody(*, at_site: bool) -> None:
    site: Options = {"upstream": "web", "websocket": True}
    if not at_site:
        site = {"locations": [{"path": "/ws", "upstream": "web", "websocket": True}, {"path": "/", "upstream": "web"}]}
    made = config(**site)
    found = [block for block in walk(made.to_blocks()) if block.name == "location"]
    headers = pairs(found[0], "proxy_set_header")
    assert headers == {**DERIVED, "Upgrade": "$http_upgrade", "Connection": "$holdfast_connection"}
    assert said(found[0], "proxy_http_version") == ["1.1"]
    assert said(found[0], "proxy_read_timeout") == ["1h"]
    if not at_site:
        assert pairs(found[1], "proxy_set_header") == DERIVED
    assert check(made.to_blocks(), version=Version(1, 22, 1)) == []


def test_a_websocket_takes_the_timeouts_and_headers_that_are_said() -> None:
    [location] = locations(upstream="web", websocket=True, proxy_read_timeout="5m", proxy_set_header={"X-A": "a"})
    assert said(location, "proxy_read_timeout") == []
    assert pairs(location, "proxy_set_header")["X-A"] == "a"
    [outer, inner] = locations(
        websocket=True,
        locations=[{"path": "/", "upstream": "web"}, {"path": "/plain", "upstream": "web", "websocket": False}],
    )
    assert "Upgrade" in pairs(outer, "proxy_set_header")
    assert "Upgrade" not in pairs(inner, "proxy_set_header")


@pytest.mark.parametrize(
    ("location", "path", "message"),
    [
        (
            {"path": "/", "root": "/srv", "websocket": True},
            "servers[0].locations[0].websocket",
            "belongs to an upstream",
        ),
        (
            {"path": "~ ^/a", "upstream": "web", "upstream_uri": "/b"},
            "servers[0].locations[0].upstream_uri",
            "hands the path on as it is",
        ),
        (
            {"path": "/", "upstream": "web", "locations": [{"path": "/a", "proxy_read_timeout": "soon"}]},
            "servers[0].locations[0].locations[0].proxy_read_timeout",
            "is not a time",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_its_path(location: Options, path: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        config(locations=[location])
    assert caught.value.path == path
    assert message in caught.value.message


def test_a_place_in_the_input_is_the_option_that_was_said() -> None:
    made = config(upstream="nowhere", locations=[{"path": "/a", "upstream": "web", "upstream_uri": "/b/"}])
    found = {finding.rule: finding.where for finding in check(made.to_blocks())}
    assert found == {
        "undefined-upstream": "servers[0].upstream",
        "path-joined-wrongly": "servers[0].locations[0].upstream",
    }


@pytest.mark.parametrize("realm", ["Members only", '"Members only"', "'Members only'"])
def test_a_realm_needs_no_quotes(realm: str) -> None:
    [location] = locations(locations=[{"path": "/", "root": "/srv", "auth_basic": realm}])
    assert location.find("auth_basic")[0].args == ("Members only",)


@pytest.mark.parametrize(
    ("location", "passes", "said"),
    [
        ({"upstream": "web", "upstream_scheme": "fastcgi"}, "fastcgi_pass web", "fastcgi_param SCRIPT_FILENAME"),
        (
            {"fastcgi_pass": "unix:/run/php.sock", "root": "/srv"},
            "fastcgi_pass unix:/run/php.sock",
            "fastcgi_param HTTPS",
        ),
        ({"upstream": "web", "upstream_scheme": "uwsgi"}, "uwsgi_pass uwsgi://web", "uwsgi_param PATH_INFO"),
        ({"uwsgi_pass": "127.0.0.1:3031"}, "uwsgi_pass 127.0.0.1:3031", "uwsgi_param QUERY_STRING"),
        ({"upstream": "web", "upstream_scheme": "grpc"}, "grpc_pass grpc://web", "grpc_set_header Host"),
    ],
)
def test_an_application_is_told_what_it_needs_in_its_own_protocol(location: Options, passes: str, said: str) -> None:
    own = {"path": "/", "fastcgi_param": {"APP": "x"}, "uwsgi_param": {"APP": "x"}, "grpc_set_header": {"App": "x"}}
    [found] = locations(listen=["80 http2"], locations=[{**own, **location}])
    lines = [" ".join((block.name, *block.args)) for block in found.children or ()]
    assert passes in lines
    assert any(line.startswith(said) for line in lines)
    assert not any(line.startswith("proxy_") for line in lines)
    assert sum("APP x" in line or "App x" in line for line in lines) == 3


def test_what_is_asked_by_another_protocol_is_not_mixed_up() -> None:
    for wrong, where in (
        ({"upstream": "web", "upstream_scheme": "uwsgi", "upstream_uri": "/a"}, "upstream_uri"),
        ({"fastcgi_pass": "php.example"}, "fastcgi_pass"),
        ({"fastcgi_pass": "unix:/run/a", "websocket": True}, "websocket"),
    ):
        with pytest.raises(InputError) as caught:
            config(locations=[{"path": "/", **wrong}])
        assert caught.value.path == f"servers[0].locations[0].{where}"


def test_grpc_needs_a_server_that_speaks_http_2() -> None:
    location = {"path": "/", "upstream": "web", "upstream_scheme": "grpc"}
    with pytest.raises(InputError) as caught:
        config(locations=[location])
    assert caught.value.path == "servers[0].http2"


@pytest.mark.parametrize("more", [{}, {"directives": ["fastcgi_temp_file_write_size 256k"]}])
def test_what_is_said_of_all_sites_holds_for_one_too(more: Options) -> None:
    http = {"proxy_connect_timeout": "9s", "add_header": {"X-All": "a"}, "proxy_set_header": {"X-All": "a"}, **more}
    options: Options = {"nginx_conf": "managed", "http": http, "upstreams": [WEB]}
    site = {"server_name": ["a.example"], "upstream": "web", "add_header": {"X-Site": "s"}}
    made = NginxConfig.from_options({**options, "servers": [site]}, version=Version(1, 22, 1))
    [server] = [one for block in made.to_blocks() for one in block.find("server")]
    assert pairs(server, "add_header") == {"X-All": "a", "X-Site": "s"}
    [location] = server.find("location")
    assert said(location, "proxy_connect_timeout") == []
    assert pairs(location, "proxy_set_header") == {**DERIVED, "X-All": "a"}


def test_a_site_with_websockets_still_needs_its_certificate() -> None:
    with pytest.raises(InputError) as caught:
        config(listen=["443 ssl"], upstream="web", websocket=True)
    assert caught.value.path == "servers[0].ssl_certificate"
