# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site says is what a client gets and a backend sees, shown by requests to the real nginx."""

from __future__ import annotations

import base64
import socket
import ssl
import typing as t
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import with_default_servers
from applications import fastcgi, uwsgi
from real_nginx import make_certificate
from served_sites import Backend, Options, Sites, backend


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(folder: Path, *names: str, **site: t.Any) -> t.Iterator[tuple[Sites, list[Backend]]]:
    """Serve one site at the socket ``site``, with an upstream ``web`` of backends of these names."""
    with ExitStack() as stack:
        backends = [stack.enter_context(backend(name)) for name in names or ("one",)]
        upstream = {"name": "web", "servers": [one.server for one in backends]}
        server: Options = {"server_name": ["a.example"], "listen": [f"unix:{folder}/site"], **site}
        sites = Sites(folder, {"upstreams": [upstream], "servers": [server]})
        stack.enter_context(sites.running())
        yield sites, backends


def test_the_backend_sees_the_client_and_the_headers_of_every_level(tmp_path: Path) -> None:
    locations = [
        {"path": "/", "upstream": "web"},
        {"path": "/own/", "upstream": "web", "proxy_set_header": {"X-Own": "o", "X-Real-IP": "192.0.2.1"}},
    ]
    with served(tmp_path, proxy_set_header={"X-Site": "s"}, locations=locations) as (sites, _backends):
        seen = sites.ask("site", "/x").told["headers"]
        assert (seen["host"], seen["x-forwarded-proto"], seen["x-site"]) == (["a.example"], ["http"], ["s"])
        seen = sites.ask("site", "/own/x").told["headers"]
        assert (seen["x-site"], seen["x-own"], seen["x-real-ip"]) == (["s"], ["o"], ["192.0.2.1"])
        assert "connection" not in seen


@pytest.mark.parametrize("site", [{"upstream": "web"}, {"locations": [{"path": "/", "upstream": "web"}]}])
def test_proxy_options_of_a_site_have_an_effect(tmp_path: Path, site: Options) -> None:
    """A backend that answers 503 is left for the next one, which no default of ours says."""
    with backend("bad", 503) as bad, backend("good") as good:
        upstream = {"name": "web", "servers": [bad.server, good.server]}
        server = {"server_name": ["a.example"], "listen": [f"unix:{tmp_path}/site"], **site}
        for said, expected in (({}, {200, 503}), ({"proxy_next_upstream": ["http_503"]}, {200})):
            sites = Sites(tmp_path, {"upstreams": [upstream], "servers": [{**server, **said}]})
            with sites.running():
                assert {sites.ask("site").status for _again in range(6)} == expected


def test_headers_of_a_site_reach_clients_of_every_location(tmp_path: Path) -> None:
    locations = [
        {"path": "/", "upstream": "web"},
        {"path": "/own", "return": "200 own", "add_header": {"X-Own": "o"}},
        {"path": "/raw", "return": "404", "directives": ["add_header X-Raw r always"]},
    ]
    with served(tmp_path, add_header={"X-Site": "s"}, locations=locations) as (sites, _backends):
        for uri in ("/", "/own", "/raw"):
            assert sites.ask("site", uri).headers["x-site"] == ["s"]


@pytest.mark.parametrize("at_site", [True, False])
def test_a_websocket_gets_through_and_other_requests_keep_their_connection(tmp_path: Path, *, at_site: bool) -> None:
    location = {"path": "/", "upstream": "web", **({} if at_site else {"websocket": True})}
    more = {"websocket": True} if at_site else {}
    with served(tmp_path, locations=[location], **more) as (sites, [web]):
        with sites.connect("site") as connection:
            connection.sendall(
                b"GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello\n"
            )
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert answer.endswith(b"\r\n\r\nhello\n")
        before = web.connections
        for _again in range(5):
            assert sites.ask("site").status == 200
        assert web.connections == before + 1


def test_a_location_inside_another_has_what_that_one_says(tmp_path: Path) -> None:
    inner = {"path": "~ [.]jpg$", "return": '200 "picture"', "add_header": {"X-Inner": "i"}}
    locations = [{"path": "/", "upstream": "web", "add_header": {"X-Outer": "o"}, "locations": [inner]}]
    with served(tmp_path, locations=locations) as (sites, _backends):
        answer = sites.ask("site", "/a.jpg")
        assert (answer.body, answer.headers["x-inner"], answer.headers["x-outer"]) == ("picture", ["i"], ["o"])
        assert sites.ask("site", "/a.png").told["backend"] == "one"


def test_paths_are_replaced_as_the_warning_says(tmp_path: Path) -> None:
    locations = [
        {"path": "/api/", "upstream": "web", "upstream_uri": "/"},
        {"path": "/api2", "upstream": "web", "upstream_uri": "/"},
    ]
    with served(tmp_path, locations=locations) as (sites, _backends):
        assert sites.ask("site", "/api/users").told["uri"] == "/users"
        assert sites.ask("site", "/api2/users").told["uri"] == "//users"


@pytest.mark.parametrize(
    ("strangers", "expected"), [("first", (200, "zzz")), ("close", (0, "")), ("none", (200, "aaa"))]
)
def test_who_names_no_site_gets_the_first_listed_one_or_nobody(
    tmp_path: Path, strangers: str, expected: tuple[int, str]
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    sites = [{"server_name": [name], "listen": [listen], "return": f"200 {name}"} for name in ("zzz", "aaa")]
    made = Sites(tmp_path, {"servers": with_default_servers(sites, strangers)})
    with made.running():
        for name in ("zzz", "aaa"):
            assert made.ask(listen, host=name).body == name
        answer = made.ask(listen, host="unknown.example")
        assert (answer.status, answer.body) == expected


def test_a_stranger_sees_no_certificate(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    listen = f"127.0.0.1:{free_port()}"
    tls = {"ssl_certificate": [certificate], "ssl_certificate_key": [certificate]}
    site = {"server_name": ["a.example"], "listen": [f"{listen} ssl"], "return": "200 a", **tls}
    made = Sites(tmp_path, {"servers": with_default_servers([site], "close")})
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    with made.running():
        with made.connect(listen) as plain, context.wrap_socket(plain, server_hostname="a.example") as connection:
            assert connection.getpeercert()
        with made.connect(listen) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="b.example")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_users_come_in_by_their_passwords_and_nobody_else(tmp_path: Path) -> None:
    locations = [
        {"path": "/", "return": "200 open"},
        {
            "path": "/members/",
            "upstream": "web",
            "auth_basic": "Members only",
            "auth_basic_users": {"alice": "wonder land", "bob": "{SHA}C+7Hteo/D9vJXQ3UfzxbwnXaijM="},
        },
    ]
    with served(tmp_path, locations=locations) as (sites, _backends):
        assert sites.ask("site").body == "open"
        refused = sites.ask("site", "/members/")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, ['Basic realm="Members only"'])
        for user, password, status in (
            ("alice", "wonder land", 200),
            ("alice", "wonder", 401),
            ("bob", "foo", 200),
            ("eve", "foo", 401),
        ):
            assert sites.ask("site", "/members/", **basic(user, password)).status == status


def test_a_site_goes_into_maintenance_by_one_word(tmp_path: Path) -> None:
    locations = [
        {"path": "/", "upstream": "web"},
        {"path": "/other", "return": "200 other"},
        {"path": "/.well-known/acme-challenge/", "return": "200 challenge"},
    ]
    page = "<h1>Back at noon</h1>\n" * 1000
    site = {"locations": locations, "maintenance_page": page}
    with served(tmp_path, **site) as (sites, _backends):
        assert sites.ask("site", "/other").body == "other"
    with served(tmp_path, **site, maintenance=True) as (sites, [web]):
        for uri in ("/", "/other", "/holdfast-pages/503.html"):
            answer = sites.ask("site", uri)
            assert (answer.status, answer.body) == (503, page) if "pages" not in uri else (404, answer.body)
            assert answer.headers["retry-after"] == ["300"]
        assert sites.ask("site").headers["content-type"] == ["text/html"]
        assert sites.ask("site", "/.well-known/acme-challenge/x").body == "challenge"
        assert web.asked == 0
    with served(tmp_path, upstream="web", maintenance=True) as (sites, _backends):
        assert "This site will be back soon" in sites.ask("site").body


def test_pages_of_the_site_stand_for_errors(tmp_path: Path) -> None:
    pages = {"404": "<p>Not here</p>", "502 504": "<p>Soon</p>"}
    locations = [
        {"path": "/", "root": str(tmp_path)},
        {"path": "/down", "proxy_pass": f"http://127.0.0.1:{free_port()}"},
        {"path": "/own", "root": str(tmp_path), "error_page": ["404 =410 /gone"], "add_header": {"X-Own": "o"}},
        {"path": "= /gone", "return": "410 gone"},
    ]
    with served(tmp_path, locations=locations, error_pages=pages) as (sites, _backends):
        for uri, status, body in (("/a", 404, "<p>Not here</p>"), ("/down", 502, "<p>Soon</p>"), ("/own", 410, "gone")):
            answer = sites.ask("site", uri)
            assert (answer.status, answer.body) == (status, body)


def test_headers_of_a_profile_are_in_every_answer_and_the_own_ones_count(tmp_path: Path) -> None:
    locations = [{"path": "/", "return": "200 a"}, {"path": "/b", "return": "404", "add_header": {"X-B": "b"}}]
    own = {"x-frame-options": "DENY", "Referrer-Policy": None}
    with served(tmp_path, locations=locations, security_headers="basic", add_header=own) as (sites, _backends):
        for uri in ("/", "/b"):
            headers = sites.ask("site", uri).headers
            assert (headers["x-content-type-options"], headers["x-frame-options"]) == (["nosniff"], ["DENY"])
            assert "referrer-policy" not in headers
            assert "strict-transport-security" not in headers
    with served(tmp_path, locations=locations, security_headers="strict") as (sites, _backends):
        assert "default-src 'self'" in sites.ask("site").headers["content-security-policy"][0]


def test_a_path_is_rewritten_redirected_or_refused(tmp_path: Path) -> None:
    locations = [
        {"path": "/", "upstream": "web"},
        {"path": "/closed/", "return": "200 closed", "access": ["deny all"], "directives": []},
        {"path": "/v1/", "upstream": "web", "rewrite": ["^/v1/(.*)$ /v2/$1 break"]},
    ]
    rewrite = ["^/old/(.*)$ /new/$1 permanent"]
    with served(tmp_path, locations=locations, rewrite=rewrite) as (sites, _backends):
        answer = sites.ask("site", "/old/x")
        assert (answer.status, answer.headers["location"][0].endswith("/new/x")) == (301, True)
        assert sites.ask("site", "/v1/x").told["uri"] == "/v2/x"


@pytest.mark.parametrize("by_upstream", [True, False])
def test_applications_are_asked_by_one_target(tmp_path: Path, *, by_upstream: bool) -> None:
    with fastcgi() as php, uwsgi() as python:
        ports = {"fastcgi": php, "uwsgi": python}
        upstreams = [
            {"name": name, "servers": [{"address": "127.0.0.1", "port": port}]} for name, port in ports.items()
        ]
        locations = [
            {
                "path": f"/{name}/",
                "root": "/srv/app" if name == "fastcgi" else None,
                f"{name}_param": {"APP_ENV": "test"},
                **(
                    {"upstream": name, "upstream_scheme": name}
                    if by_upstream
                    else {f"{name}_pass": f"127.0.0.1:{port}"}
                ),
            }
            for name, port in ports.items()
        ]
        server = {"server_name": ["a.example"], "listen": [f"unix:{tmp_path}/site"], "locations": locations}
        sites = Sites(tmp_path, {"upstreams": upstreams, "servers": [server]})
        with sites.running():
            for name in ports:
                told = sites.ask("site", f"/{name}/x.php?a=b", X_Own="o", Proxy="http://evil.example").told
                assert (told["QUERY_STRING"], told["REQUEST_METHOD"], told["APP_ENV"]) == ("a=b", "GET", "test")
                assert (told["HTTP_X_OWN"], told["HTTP_HOST"], told.get("HTTPS")) == ("o", "a.example", None)
                assert told.get("HTTP_PROXY", "") == ""
            told = sites.ask("site", "/fastcgi/x.php").told
            assert told["SCRIPT_FILENAME"] == "/srv/app/fastcgi/x.php"
