# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user says becomes nginx's text, or one sentence that names the option."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import KINDS, NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.upstream import Upstream
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS, UPSTREAM_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

Options = t.Dict[str, t.Any]

OLD, DEBIAN_12, NEW = Version(1, 9, 0), Version(1, 22, 1), Version(1, 31, 0)
WEB = [{"address": "10.0.0.1", "port": 8080}, {"address": "10.0.0.2", "port": 8080}]
PROXY = """\
        proxy_connect_timeout 2s;
        proxy_http_version 1.1;
        proxy_next_upstream error timeout;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
"""


def text_of(option: str, element: Options, version: Version | None = DEBIAN_12) -> str:
    """Return the text of the only file of one element, without its first line."""
    (text,) = files(NginxConfig.from_options({option: [element]}, version=version)).values()
    first, _newline, rest = text.partition("\n")
    assert "holdfast.nginx_ha" in first
    return rest


TEXTS: list[tuple[str, Options, str]] = [
    (
        "upstreams",
        {"name": "blog", "servers": WEB},
        """\
upstream blog {
    zone blog 64k;
    server 10.0.0.1:8080;
    server 10.0.0.2:8080;
    keepalive 32;
}
""",
    ),
    (
        "upstreams",
        {
            "name": "blog",
            "method": "least_conn",
            "zone_name": "shared",
            "zone_size": "1m",
            "keepalive": 8,
            "keepalive_requests": 100,
            "keepalive_time": "1h",
            "keepalive_timeout": "30s",
            "servers": [
                {"address": "10.0.0.1:81", "weight": 5, "max_fails": 2, "fail_timeout": "5s", "max_conns": 9},
                {"address": "fd00::1", "port": 80, "down": True},
                {"address": "[fd00::2]:80"},
                {"address": "web_1.example.com"},
                {"address": "unix:/run/web.sock", "backup": True},
            ],
        },
        """\
upstream blog {
    zone shared 1m;
    least_conn;
    server 10.0.0.1:81 weight=5 max_conns=9 max_fails=2 fail_timeout=5s;
    server [fd00::1]:80 down;
    server [fd00::2]:80;
    server web_1.example.com;
    server unix:/run/web.sock backup;
    keepalive 8;
    keepalive_requests 100;
    keepalive_time 1h;
    keepalive_timeout 30s;
}
""",
    ),
    (
        "upstreams",
        {
            "name": "h",
            "method": "hash",
            "hash_key": "$a $b",
            "hash_consistent": True,
            "zone": False,
            "keepalive": 0,
            "servers": WEB[:1],
        },
        """\
upstream h {
    hash "$a $b" consistent;
    server 10.0.0.1:8080;
}
""",
    ),
    (
        "stream_upstreams",
        {"name": "db", "method": "random", "random_two": True, "random_method": "least_conn", "servers": WEB[:1]},
        """\
upstream db {
    zone stream_db 64k;
    random two least_conn;
    server 10.0.0.1:8080;
}
""",
    ),
    (
        "servers",
        {"server_name": ["blog.example.com"], "upstream": "blog"},
        f"""\
server {{
    listen 80;
    server_name blog.example.com;

    location / {{
        proxy_pass http://blog;
{PROXY}    }}
}}
""",
    ),
    (
        "servers",
        {
            "server_name": ["www.example.com", "*.example.net"],
            "listen": ["10.0.0.1:80 default_server", "[::]:80 ipv6only=on"],
            "access_log": "/var/log/nginx/www.log main",
            "error_log": "/var/log/nginx/www.err warn",
            "client_max_body_size": "10m",
            "access": ["allow 10.0.0.0/8", "deny all"],
            "error_page": ["404 /404.html", "500 502 /50x.html"],
            "directives": ["if ($bad) { return 444; }", "set $a 'b c'"],
            "locations": [
                {
                    "path": "/svn",
                    "proxy_pass": "http://10.0.0.9:81/svn",
                    "proxy_set_header": {"REMOTE-HOST": "$remote_addr"},
                    "proxy_redirect": False,
                    "proxy_buffers": "8 16k",
                },
                {
                    "path": "~*  \\.(gif|jpg)$",
                    "upstream": "static",
                    "upstream_scheme": "https",
                    "proxy_set_header": {"host": "static.example.com", "Connection": None},
                    "proxy_next_upstream": ["off"],
                    "proxy_connect_timeout": "500ms",
                    "proxy_cache": "pages",
                    "proxy_cache_valid": ["200 302 10m", "404 1m"],
                },
                {"path": "= /health", "return": '200 "ok\\n"', "access_log": "False", "default_type": "text/plain"},
                {"path": "^~ /files/", "alias": "/srv/my files/", "autoindex": True, "add_header": {"X-A": "b c"}},
                {"path": "@gone", "return": "410", "internal": True},
            ],
        },
        """\
server {
    listen 10.0.0.1:80 default_server;
    listen [::]:80 ipv6only=on;
    server_name www.example.com *.example.net;
    allow 10.0.0.0/8;
    deny all;
    access_log /var/log/nginx/www.log main;
    client_max_body_size 10m;
    error_log /var/log/nginx/www.err warn;
    error_page 404 /404.html;
    error_page 500 502 /50x.html;

    if ($bad) {
        return 444;
    }

    set $a "b c";

    location /svn {
        proxy_pass http://10.0.0.9:81/svn;
        proxy_buffers 8 16k;
        proxy_redirect off;
        proxy_set_header REMOTE-HOST $remote_addr;
    }

    location ~* \\.(gif|jpg)$ {
        proxy_pass https://static;
        add_header X-Cache-Status $upstream_cache_status always;
        proxy_cache pages;
        proxy_cache_background_update on;
        proxy_cache_lock on;
        proxy_cache_revalidate on;
        proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
        proxy_cache_valid 200 302 10m;
        proxy_cache_valid 404 1m;
        proxy_connect_timeout 500ms;
        proxy_http_version 1.1;
        proxy_next_upstream off;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header host static.example.com;
    }

    location = /health {
        access_log off;
        default_type text/plain;
        return 200 "ok\\n";
    }

    location ^~ /files/ {
        alias "/srv/my files/";
        add_header X-A "b c" always;
        autoindex on;
    }

    location @gone {
        internal;
        return 410;
    }
}
""",
    ),
    (
        "servers",
        {
            "name": "tls",
            "server_name": ["s.example.com"],
            "ssl_certificate": ["/etc/ssl/s.pem"],
            "ssl_certificate_key": ["/etc/ssl/s.key"],
            "ssl_protocols": ["TLSv1.2", "TLSv1.3"],
            "ssl_session_cache": "shared:tls:10m",
            "ssl_session_tickets": False,
            "http2": True,
            "return": "301 https://www.example.com$request_uri",
        },
        """\
server {
    listen 443 ssl http2;
    server_name s.example.com;
    ssl_certificate /etc/ssl/s.pem;
    ssl_certificate_key /etc/ssl/s.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    ssl_session_tickets off;
    return 301 https://www.example.com$request_uri;
}
""",
    ),
    (
        "stream_servers",
        {
            "name": "dns",
            "listen": ["53 udp", "[::]:53 udp"],
            "upstream": "dns",
            "proxy_responses": 1,
            "proxy_timeout": "5s",
        },
        """\
server {
    listen 53 udp reuseport;
    listen [::]:53 udp reuseport;
    proxy_connect_timeout 2s;
    proxy_responses 1;
    proxy_timeout 5s;
    proxy_pass dns;
}
""",
    ),
    (
        "log_formats",
        {"name": "main", "format": '$remote_addr "$request"', "escape": "json"},
        "log_format main escape=json '$remote_addr \"$request\"';\n",
    ),
    (
        "maps",
        {
            "variable": "$pool",
            "source": "$http_cookie",
            "default": "blog",
            "hostnames": True,
            "entries": [
                {"match": "~*beta=[0-9]{2}", "value": "beta"},
                {"match": "default", "value": "plain"},
                {"match": "", "value": ""},
                {"match": "#", "value": "sign"},
            ],
        },
        """\
map $http_cookie $pool {
    hostnames;
    default blog;
    "~*beta=[0-9]{2}" beta;
    \\default plain;
    "" "";
    "#" sign;
}
""",
    ),
    (
        "split_clients",
        {
            "variable": "$side",
            "key": "$remote_addr",
            "entries": [
                {"percent": 0.5, "value": "a"},
                {"percent": 33.33, "value": "b"},
                {"percent": 10, "value": "c"},
            ],
            "default": "d",
        },
        "split_clients $remote_addr $side {\n    0.5% a;\n    33.33% b;\n    10% c;\n    * d;\n}\n",
    ),
    (
        "limit_req_zones",
        {"name": "login", "key": "$binary_remote_addr", "size": "5m", "rate": "10r/s"},
        "limit_req_zone $binary_remote_addr zone=login:5m rate=10r/s;\n",
    ),
    ("limit_conn_zones", {"name": "addr"}, "limit_conn_zone $binary_remote_addr zone=addr:10m;\n"),
    (
        "cache_paths",
        {"name": "pages", "path": "/var/cache/pages", "max_size": "1g", "inactive": "10m", "loader_files": 5},
        "proxy_cache_path /var/cache/pages levels=1:2 keys_zone=pages:10m inactive=10m loader_files=5 max_size=1g "
        "use_temp_path=off;\n",
    ),
]


@pytest.mark.parametrize(("option", "element", "text"), TEXTS)
def test_text(option: str, element: Options, text: str) -> None:
    assert text_of(option, element) == text


@pytest.mark.parametrize("version", [DEBIAN_12, NEW, None])
@pytest.mark.parametrize(("option", "element", "text"), TEXTS)
def test_a_model_is_read_back_from_its_text(option: str, element: Options, text: str, version: Version | None) -> None:
    config = NginxConfig.from_options({option: [element]}, version=version)
    ((kind, _path, model),) = config.elements()
    (block,) = parse(render([config.block(model)]))
    more: Options = {}
    if kind.model is Upstream:
        more = {"context": kind.context, "version": version}
    elif kind.title == "server":
        more = {"name": model.name}
    assert kind.model.from_block(block, **more) == model


FORMS: list[tuple[str, Options, Version | None, str]] = [
    ("upstreams", {"name": "b", "servers": WEB, "keepalive": 0}, NEW, "    keepalive 0;\n"),
    ("upstreams", {"name": "b", "servers": WEB, "keepalive_local": True}, NEW, "    keepalive 32 local;\n"),
    (
        "upstreams",
        {"name": "b", "servers": WEB, "method": "least_time", "least_time": "header"},
        NEW,
        "least_time header;",
    ),
    (
        "upstreams",
        {"name": "b", "servers": WEB, "sticky": "cookie id expires=1h"},
        NEW,
        "    sticky cookie id expires=1h;\n",
    ),
    ("upstreams", {"name": "b", "servers": WEB * 40}, DEBIAN_12, "    zone b 256k;\n"),
    (
        "upstreams",
        {"name": "b", "servers": [{"address": "w.lan", "resolve": True, "service": "http"}], "resolver": ["10.0.0.3"]},
        NEW,
        "    resolver 10.0.0.3;\n    server w.lan service=http resolve;\n",
    ),
    (
        "upstreams",
        {"name": "b", "servers": [{"address": "w.lan", "port": 80}, *WEB], "resolver": ["10.0.0.3"]},
        NEW,
        "    resolver 10.0.0.3;\n    server w.lan:80 resolve;\n    server 10.0.0.1:8080;\n",
    ),
    (
        "servers",
        {"name": "s", "listen": ["443 ssl"], "http2": True, "ssl_reject_handshake": True},
        NEW,
        "    http2 on;\n",
    ),
    (
        "servers",
        {"name": "s", "listen": ["443 ssl"], "http2": False, "ssl_reject_handshake": True},
        NEW,
        "    http2 off;\n",
    ),
    (
        "servers",
        {"name": "s", "listen": ["443 ssl"], "http2": True, "ssl_reject_handshake": True},
        None,
        "ssl http2;\n",
    ),
    (
        "servers",
        {"name": "s", "listen": ["443 quic"], "http3": True, "ssl_reject_handshake": True},
        NEW,
        "    http3 on;\n",
    ),
]


@pytest.mark.parametrize(("option", "element", "version", "part"), FORMS)
def test_the_form_follows_the_version(option: str, element: Options, version: Version | None, part: str) -> None:
    assert part in text_of(option, element, version)


def upstream(**more: t.Any) -> Options:
    return {"upstreams": [dict({"name": "b", "servers": WEB}, **more)]}


def server_of_upstream(**more: t.Any) -> Options:
    return upstream(servers=[WEB[0], dict(WEB[1], **more)])


def server(**more: t.Any) -> Options:
    return {"servers": [dict({"name": "s"}, **more)]}


def location(**more: t.Any) -> Options:
    return server(locations=[dict({"path": "/"}, **more)])


def stream(**options: t.Any) -> Options:
    return {"stream_servers": [{"name": "db", "listen": ["5432"], "upstream": "db", **options}]}


ERRORS: list[tuple[Options, str, str]] = [
    (upstream(servers=[]), "upstreams[0].servers", 'upstream "b" has no servers'),
    (upstream(name="a b"), "upstreams[0].name", "cannot be a name"),
    (upstream(servers=[dict(WEB[0], backup=True)]), "upstreams[0].servers", "only backup servers"),
    (server_of_upstream(weight=0), "upstreams[0].servers[1].weight", "0 is not at least 1"),
    (server_of_upstream(max_fails=-1), "upstreams[0].servers[1].max_fails", "-1 is not at least 0"),
    (server_of_upstream(fail_timeout="5x"), "upstreams[0].servers[1].fail_timeout", '"5x" is not a time'),
    (server_of_upstream(port=65536), "upstreams[0].servers[1].port", "65536 is not between 1 and 65535"),
    (server_of_upstream(address="http://a"), "upstreams[0].servers[1].address", "no scheme and no path"),
    (server_of_upstream(address="10.0.0.2:80"), "upstreams[0].servers[1].port", "has a port already"),
    (server_of_upstream(address="10.0.0.256"), "upstreams[0].servers[1].address", "is not a host"),
    (server_of_upstream(address="fd00::g"), "upstreams[0].servers[1].address", "is not a host"),
    (server_of_upstream(resolve=True, service="a"), "upstreams[0].servers[1].service", "leave out the port"),
    (server_of_upstream(address="a;b"), "upstreams[0].servers[1].address", "is not a host"),
    (server_of_upstream(address="unix:run"), "upstreams[0].servers[1].address", "is not a socket"),
    (server_of_upstream(service="http"), "upstreams[0].servers[1].service", "set resolve as well"),
    (dict(upstream(), upstreams=[upstream()["upstreams"][0]] * 2), "upstreams[1].name", '"b" is there already'),
    (upstream(method="hash"), "upstreams[0].hash_key", "the method hash needs a key"),
    (upstream(hash_key="$a"), "upstreams[0].hash_key", "belongs to the method hash, not to round_robin"),
    (upstream(method="random", random_method="least_conn"), "upstreams[0].random_method", "set random_two"),
    (upstream(method="least_time"), "upstreams[0].least_time", "needs one of: header, last_byte"),
    (upstream(sticky="cookie"), "upstreams[0].sticky", "is 1 words, and at least 2 belong here"),
    (upstream(sticky="hash id"), "upstreams[0].sticky", "not a kind of sticky session"),
    (
        upstream(zone=False, servers=[{"address": "a", "resolve": True}]),
        "upstreams[0].servers[0].resolve",
        "shared zone",
    ),
    *(
        (upstream(method=method, hash_key=key, servers=[WEB[0], dict(WEB[1], backup=True)]), where, "knows no backup")
        for method, key, where in (
            ("ip_hash", None, "upstreams[0].servers[1].backup"),
            ("hash", "$a", "upstreams[0].servers[1].backup"),
            ("random", None, "upstreams[0].servers[1].backup"),
        )
    ),
    (
        {"stream_upstreams": [{"name": "b", "servers": [{"address": "a"}]}]},
        "stream_upstreams[0].servers[0].port",
        "no port",
    ),
    (
        {"stream_upstreams": [{"name": "b", "servers": WEB, "method": "ip_hash"}]},
        "stream_upstreams[0].method",
        "no ip_hash",
    ),
    ({"servers": [{}]}, "servers[0].name", "needs a name"),
    (server(listen=["80 fast"]), "servers[0].listen[0]", '"fast" is no parameter of listen'),
    (server(listen=["0"]), "servers[0].listen[0]", "0 is not between 1 and 65535"),
    (server(listen=["a b;c"]), "servers[0].listen[0]", "must be quoted"),
    (server(listen=["443 ssl"]), "servers[0].ssl_certificate", "needs ssl_certificate"),
    (server(ssl_certificate=["a"]), "servers[0].ssl_certificate_key", "as many keys as certificates"),
    (server(**{"return": "200 a b"}), "servers[0].return", "is 3 words, and 1 to 2 belong here"),
    (server(directives=["a {"]), "servers[0].directives[0]", "never closed"),
    (server(access=["permit all"]), "servers[0].access[0]", "is no rule of access"),
    (server(client_max_body_size="10 m"), "servers[0].client_max_body_size", "is not a size"),
    (server(index=["a", ""]), "servers[0].index[1]", "this is empty"),
    (server(root="x" * 5000), "servers[0].root", "longer than 4000 bytes"),
    (server(root="a\0b"), "servers[0].root", "NUL"),
    (location(path="svn"), "servers[0].locations[0].path", 'must begin with "/"'),
    (location(path='~ "x"'), "servers[0].locations[0].path", "without quotes"),
    (location(upstream="b", root="/srv"), "servers[0].locations[0]", "upstream and root cannot stand together"),
    (location(proxy_pass="b:80"), "servers[0].locations[0].proxy_pass", "write http://b:80"),
    (server(upstream="b", locations=[{"path": "/", "root": "/srv"}]), "servers[0].upstream", "says already"),
    (location(upstream="$a-b"), "servers[0].locations[0].upstream", "is not a variable"),
    (location(upstream_uri="/x"), "servers[0].locations[0].upstream_uri", "belongs to upstream"),
    (location(proxy_read_timeout="soon"), "servers[0].locations[0].proxy_read_timeout", "is not a time"),
    (location(proxy_cache_min_uses=-1), "servers[0].locations[0].proxy_cache_min_uses", "-1 is not at least 0"),
    (
        server(client_max_body_size="9g", client_body_buffer_size="9g"),
        "servers[0].client_body_buffer_size",
        "64k or 10m",
    ),
    (server(client_max_body_size="8589934592g"), "servers[0].client_max_body_size", "more than nginx can count"),
    (server(client_body_buffer_size="\u0663k"), "servers[0].client_body_buffer_size", "is not a size"),
    (server(client_body_buffer_size="9" * 5000), "servers[0].client_body_buffer_size", "is not a size"),
    (server(connection_pool_size="96"), "servers[0].connection_pool_size", "at least 112 bytes and a multiple of 16"),
    (server(request_pool_size="1000"), "servers[0].request_pool_size", "at least 112 bytes and a multiple of 16"),
    (server(ssl_session_timeout="500ms"), "servers[0].ssl_session_timeout", "write it as in 30s, 7d or 1h"),
    (server(send_timeout="1y"), "servers[0].send_timeout", "write it as in 30s, 500ms or 1h"),
    (server(send_timeout="9223372036854776s"), "servers[0].send_timeout", "more than nginx can count"),
    (server(send_timeout="\u0663s"), "servers[0].send_timeout", "is not a time"),
    (server(gzip_comp_level=10), "servers[0].gzip_comp_level", "10 is not between 1 and 9"),
    (server(limit_req_status=399), "servers[0].limit_req_status", "399 is not between 400 and 599"),
    (server(keepalive_requests=2**63), "servers[0].keepalive_requests", "is not between 0 and 9223372036854775807"),
    (server(proxy_headers_hash_max_size=0), "servers[0].proxy_headers_hash_max_size", "not between 1 and 1000000"),
    (server(proxy_headers_hash_bucket_size=0), "servers[0].proxy_headers_hash_bucket_size", "between 1 and 65408"),
    (server(listen=["\u0663"]), "servers[0].listen[0]", "no address to listen on"),
    (server_of_upstream(address="a:\u0663", port=None), "upstreams[0].servers[1].address", "is not a host"),
    (server_of_upstream(fail_timeout="500ms"), "upstreams[0].servers[1].fail_timeout", "30s, 7d or 1h"),
    (upstream(zone_size="8k"), "upstreams[0].zone_size", "not at least 32768 bytes"),
    (upstream(keepalive=1_000_001), "upstreams[0].keepalive", "not between 0 and 1000000"),
    ({"limit_conn_zones": [{"name": "a", "size": "1g"}]}, "limit_conn_zones[0].size", "is not a size"),
    ({"limit_req_zones": [{"name": "a", "rate": "9" * 19 + "r/s"}]}, "limit_req_zones[0].rate", "is no rate"),
    ({"cache_paths": [{"name": "a", "path": "/x", "inactive": "1ms"}]}, "cache_paths[0].inactive", "is not a time"),
    (
        {"cache_paths": [{"name": "a", "path": "/x", "loader_sleep": "1y"}]},
        "cache_paths[0].loader_sleep",
        "is not a time",
    ),
    (
        server(locations=[{"path": "/a"}, {"path": "/a"}]),
        "servers[0].locations[1].path",
        "a location of this server already",
    ),
    ({"stream_servers": [{"name": "s", "listen": ["1"]}]}, "stream_servers[0]", "exactly one of upstream, proxy_pass"),
    (
        {"stream_servers": [{"name": "s", "listen": [], "upstream": "b"}]},
        "stream_servers[0].listen",
        "at least one address",
    ),
    ({"maps": [{"variable": "x", "source": "$a", "default": ""}]}, "maps[0].variable", "write it as in $pool"),
    ({"maps": [{"variable": "$x", "source": "$a"}]}, "maps[0].entries", "this map is empty"),
    ({"log_formats": [{"name": "combined", "format": "x"}]}, "log_formats[0].name", "nginx's own format"),
    ({"log_formats": [{"name": "a", "format": "escape=x"}]}, "log_formats[0].format", "use the option escape"),
    ({"limit_req_zones": [{"name": "a", "rate": "10"}]}, "limit_req_zones[0].rate", "is no rate"),
    ({"cache_paths": [{"name": "a", "path": "x"}]}, "cache_paths[0].path", "must be absolute"),
    (
        {
            "split_clients": [
                {"variable": "$a", "key": "$b", "entries": [{"percent": p, "value": ""} for p in (60, 60)]}
            ]
        },
        "split_clients[0].entries[1].percent",
        "more than 100 percent",
    ),
    (stream(limit_conn=["clients"]), "stream_servers[0].limit_conn[0]", "write zone and number, as in clients 20"),
    (server(limit_conn=["clients many"]), "servers[0].limit_conn[0]", "is no limit"),
    (stream(set_real_ip_from=["10.0.0.0/33"]), "stream_servers[0].set_real_ip_from[0]", "is no address or network"),
    (server(set_real_ip_from=["10.0.0.1 10.0.0.2"]), "servers[0].set_real_ip_from[0]", "is more than one"),
    (stream(access=["allow 10.0.0"]), "stream_servers[0].access[0]", "is no address or network"),
    (server(access=["deny 10.0.0.0/255.0.0.0"]), "servers[0].access[0]", "is no address or network"),
    (stream(proxy_download_rate="fast"), "stream_servers[0].proxy_download_rate", "is not a size"),
    (server(limit_rate="1 m"), "servers[0].limit_rate", "is not a size"),
    (stream(upstream=None, proxy_pass="10.0.0.1"), "stream_servers[0].proxy_pass", "has no port"),
]


@pytest.mark.parametrize(("options", "path", "message"), ERRORS)
def test_an_error_names_the_option(options: Options, path: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        NginxConfig.from_options(options)
    assert caught.value.path == path
    assert message in caught.value.message


TOO_LONG: list[tuple[Options, str]] = [
    (upstream(name="n" * 4100), "upstreams[0]"),
    (server(directives=["#" + "c" * 4100]), "servers[0].directives[0]"),
    (server(directives=["set $a " + "b" * 4100]), "servers[0].directives[0]"),
    (server(directives=["if (" + "b" * 4094 + "{}"]), "servers[0].if"),
    (location(upstream="b" * 4100), "servers[0].locations[0].upstream"),
    (location(upstream="b", upstream_uri="/" + "c" * 4090), "servers[0].locations[0].upstream"),
    (location(path="/" + "c" * 4100), "servers[0].locations[0].path"),
    ({"limit_conn_zones": [{"name": "n" * 4090}]}, "limit_conn_zones[0]"),
    ({"log_formats": [{"name": "n", "format": "$" + "v" * 4100}]}, "log_formats[0]"),
    (
        {"stream_servers": [{"name": "s", "listen": ["1"], "upstream": "b", "server_name": ["n" * 4100]}]},
        "stream_servers[0].server_name",
    ),
]


@pytest.mark.parametrize(("options", "path"), TOO_LONG)
def test_what_nginx_could_not_hold_is_refused_by_its_path(options: Options, path: str) -> None:
    with pytest.raises(InputError) as caught:
        NginxConfig.from_options(options)
    assert caught.value.path == path
    assert "long" in caught.value.message
    assert len(caught.value.message) < 400


YOUNG: list[tuple[Options, str, str, Version, str]] = [
    (upstream(sticky="cookie id"), "upstreams[0].sticky", "sticky", DEBIAN_12, "1.29.6"),
    (upstream(resolver=["10.0.0.3"]), "upstreams[0].resolver", "resolver", DEBIAN_12, "1.27.3"),
    (upstream(method="least_time"), "upstreams[0].method", "method: least_time", DEBIAN_12, "1.31.0"),
    (upstream(method="random"), "upstreams[0].method", "method: random", OLD, "1.15.1"),
    (upstream(keepalive_time="1h"), "upstreams[0].keepalive_time", "keepalive_time", OLD, "1.19.10"),
    (server_of_upstream(resolve=True), "upstreams[0].servers[1].resolve", "resolve", DEBIAN_12, "1.27.3"),
    (server_of_upstream(drain=True), "upstreams[0].servers[1].drain", "drain", DEBIAN_12, "1.29.6"),
    (server_of_upstream(route="a"), "upstreams[0].servers[1].route", "route", DEBIAN_12, "1.29.6"),
    (server_of_upstream(max_conns=5), "upstreams[0].servers[1].max_conns", "max_conns", OLD, "1.11.5"),
    (server(http3=True), "servers[0].http3", "http3", DEBIAN_12, "1.25.0"),
    (server(listen=["443 quic"], ssl_reject_handshake=True), "servers[0].listen[0]", "quic", DEBIAN_12, "1.25.0"),
    (server(early_hints=["$a"]), "servers[0].early_hints", "early_hints", DEBIAN_12, "1.29.0"),
    (
        location(proxy_http_version="2"),
        "servers[0].locations[0].proxy_http_version",
        "proxy_http_version: 2",
        DEBIAN_12,
        "1.29.4",
    ),
    (
        location(proxy_cookie_flags=["a b"]),
        "servers[0].locations[0].proxy_cookie_flags",
        "proxy_cookie_flags",
        OLD,
        "1.19.3",
    ),
    (
        {"stream_servers": [{"name": "s", "listen": ["1"], "ssl_reject_handshake": True, "upstream": "b"}]},
        "stream_servers[0].ssl_reject_handshake",
        "ssl_reject_handshake",
        DEBIAN_12,
        "1.25.5",
    ),
]


@pytest.mark.parametrize(("options", "path", "what", "version", "first"), YOUNG)
def test_an_option_too_young_for_the_host_is_refused(
    options: Options, path: str, what: str, version: Version, first: str
) -> None:
    with pytest.raises(InputError) as caught:
        NginxConfig.from_options(options, version=version)
    assert str(caught.value).startswith(f'{path}: "{what}" needs nginx {first} or newer, and this host has {version}')
    if what != "method: least_time":
        NginxConfig.from_options(options, version=None)


def test_http2_before_its_own_directive_needs_a_listen_with_ssl() -> None:
    for version in (DEBIAN_12, None):
        with pytest.raises(InputError) as caught:
            NginxConfig.from_options(server(http2=True), version=version)
        assert caught.value.path == "servers[0].http2"
    # What the sentence advises, for a service of gRPC without TLS.
    grpc = {"name": "s", "listen": ["50051 http2"], "locations": [{"path": "/", "grpc_pass": "grpc://127.0.0.1:9"}]}
    assert "listen 50051 http2;\n" in text_of("servers", grpc, DEBIAN_12)
    assert text_of("servers", {"name": "s", "http2": True}, NEW) == "server {\n    listen 80;\n    http2 on;\n}\n"


def test_requests_can_go_to_an_upstream_that_a_variable_names() -> None:
    text = text_of("servers", {"name": "s", "upstream": "$pool"})
    assert f"        proxy_pass http://$pool;\n{PROXY}" in text
    stream = {"name": "s", "listen": ["1"], "upstream": "$pool"}
    assert "    proxy_pass $pool;\n" in text_of("stream_servers", stream)


def test_false_is_absent() -> None:
    plain = text_of("upstreams", {"name": "b", "servers": WEB})
    off = {"backup": False, "down": False, "resolve": False, "drain": False, "weight": None}
    said = {"hash_consistent": False, "random_two": False, "sticky": None, "keepalive_local": False}
    assert text_of("upstreams", dict(said, name="b", servers=[dict(each, **off) for each in WEB])) == plain


def test_one_upstream_is_the_same_as_in_the_whole() -> None:
    whole = NginxConfig.from_options(upstream(), version=DEBIAN_12)
    one = Upstream.from_options(upstream()["upstreams"][0], version=DEBIAN_12)
    assert files(NginxConfig.of("upstreams", one, version=DEBIAN_12)) == files(whole)
    with pytest.raises(InputError) as caught:
        Upstream.from_options({"name": "b", "context": "stream", "servers": [{"address": "a"}]})
    assert caught.value.path == "servers[0].port"


def test_files_come_in_the_order_in_which_nginx_needs_them() -> None:
    options: Options = {}
    for option, element, _text in TEXTS:
        options.setdefault(option, [element])
    names = list(files(NginxConfig.from_options(options, version=DEBIAN_12)))
    assert names == sorted(names)
    assert names[0] == "conf.d/holdfast-10-log_format-main.conf"
    assert "conf.d/holdfast-60-server-blog.example.com.conf" in names
    assert names[-1] == "holdfast-stream.d/holdfast-60-server-dns.conf"


TAKEN_OVER = """\
server {
    listen 443 ssl http2;
    listen 80;
    server_name a.example.com b.example.com;
    # told by hand
    ssl_certificate /c;
    ssl_certificate_key /k;
    error_page 404 /404.html;
    access_log off;
    proxy_set_header A b;
    if ($scheme = http) {
        return 301 https://$host$request_uri;
    }
    location ~ \\.php$ {
        fastcgi_pass php;
        allow all;
        add_header X y;
        location /inner { return 404; }
    }
}
"""


def test_a_site_written_by_hand_is_taken_over() -> None:
    kind = next(kind for kind in KINDS if kind.option == "servers")
    site = kind.model.from_block(*parse(TAKEN_OVER))
    assert (site.name, site.server_names, site.http2) == ("a.example.com", ("a.example.com", "b.example.com"), True)
    assert site.settings["access_log"] == "off"
    assert site.settings["error_page"] == ["404 /404.html"]
    assert site.settings["ssl_certificate"] == ["/c"]
    assert [block.name for block in site.directives] == ["if"]
    assert site.locations[0].path == "~ \\.php$"
    assert [block.name for block in site.locations[0].directives] == ["add_header"]
    assert (site.locations[0].passes, site.locations[0].target) == ("fastcgi_pass", "php")
    assert [inner.path for inner in site.locations[0].locations] != []
    assert kind.model.from_block(site.to_block(DEBIAN_12)) == site


def test_a_number_that_is_none_of_nginx_is_kept() -> None:
    kind = next(kind for kind in KINDS if kind.option == "servers")
    text = "server { keepalive_requests \u00b2; limit_req_status \u0663; ssl_verify_depth " + "9" * 5000 + "; }"
    (block,) = parse(text, judged=True)
    assert kind.model.from_block(block, name="s").to_block() == block


def test_http2_without_tls_stays_where_it_was() -> None:
    kind = next(kind for kind in KINDS if kind.option == "servers")
    for text in ("server { listen 80 http2; }", "server { listen 443 ssl http2; listen 8443 ssl; }"):
        site = kind.model.from_block(parse(text)[0], name="s")
        assert site.http2 is None
        assert site.to_block(DEBIAN_12) == parse(text)[0]


def test_a_long_log_format_is_many_words_and_no_variable_is_torn() -> None:
    text = text_of("log_formats", {"name": "a", "format": "x$request_uri${status}" * 200})
    words = parse(text)[0].args[1:]
    assert "".join(words) == "x$request_uri${status}" * 200
    assert max(map(len, words)) <= 500
    assert all(word.endswith(("x", "$request_uri", "${status}")) for word in words)


def test_what_an_upstream_keeps_by_default_depends_on_the_version() -> None:
    (block,) = parse("upstream b { server a; }")
    for version, text in ((DEBIAN_12, "server a;"), (NEW, "keepalive 32 local;")):
        upstream = Upstream.from_block(block, version=version)
        assert text in render([upstream.to_block(version)])
        assert Upstream.from_block(upstream.to_block(version), version=version) == upstream


UNKNOWN = [
    ("upstream b { server a; keepalive; }", '"keepalive" in an upstream is unknown'),
    ("upstream b { server a; ntlm; }", '"ntlm" in an upstream is unknown'),
    ("upstream b { server a slow_start=5s; }", 'no parameter "slow_start=5s"'),
    ("upstream b { server a weight=\u00b2; }", 'no parameter "weight=\u00b2"'),
    ("upstream b { server a; keepalive \u0663; }", '"keepalive" in an upstream is unknown'),
    ("upstream b { server a; zone a 1m; zone b 1m; }", '"zone" comes a second time'),
    ("upstream b;", 'reads "upstream NAME { ... }"'),
]


@pytest.mark.parametrize(("text", "message"), UNKNOWN)
def test_an_upstream_beyond_the_model_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Upstream.from_block(parse(text)[0])
    assert message in caught.value.message


def test_every_list_of_the_options_has_a_kind() -> None:
    lists = {name for name, option in NGINX_OPTIONS.items() if option["type"] == "list"}
    assert {kind.option for kind in KINDS} == lists


def flat(spec: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for name, option in spec.items():
        yield name, option
        yield from flat(option.get("options", {}))


def test_options_that_sound_secret_say_that_they_are_not() -> None:
    sounding = [
        (name, option)
        for name, option in (*flat(NGINX_OPTIONS), *flat(UPSTREAM_OPTIONS))
        if any(word in name for word in ("pass", "secret", "token")) or name.endswith("_key") or name == "key"
    ]
    assert len(sounding) > 20
    # The one that is a text and no path.
    assert [name for name, option in sounding if option.get("no_log") is not False] == ["certificate_key"]
