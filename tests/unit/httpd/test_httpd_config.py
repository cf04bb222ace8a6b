# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site becomes a virtual host of Apache httpd, or is refused with its path."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.config import HttpdConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.layout import (
    DEBIAN_LAYOUT,
    NAME,
    RED_HAT_LAYOUT,
    TLS_PACKAGE,
    Layout,
    filled,
    layout_of_this_host,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.listen import Listener, listeners_of_others
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.text import word

Site = t.Dict[str, t.Any]
PORTS = """
Listen 80
# Listen 81
<IfModule ssl_module>
    Listen 443
</IfModule>
<IfModule !mod_gnutls.c>
    Listen [::1]:8443 https
</IfModule>
"""


def written(*sites: Site) -> list[str]:
    """Return the texts of the virtual hosts."""
    config = HttpdConfig.from_options({"servers": [{"name": "a", "listen": ["8080"], **site} for site in sites]})
    return [text for name, text in config.files().items() if name.startswith("sites-enabled/")]


@pytest.mark.parametrize(
    ("site", "lines"),
    [
        ({"listen": ["80", "10.0.0.1:81"]}, ["<VirtualHost *:80 10.0.0.1:81>"]),
        ({"server_name": ["_"]}, ["<VirtualHost *:8080>"]),
        (
            {"server_name": ["*.b.org", "a.org", ".c.org"]},
            ["ServerName a.org", "ServerAlias *.b.org", "ServerAlias c.org"],
        ),
        ({"root": "/srv/a b"}, ['DocumentRoot "/srv/a b"', '<Directory "/srv/a b">', "Require all granted"]),
        ({"error_page": ["404 410 /gone.html"]}, ["ErrorDocument 404 /gone.html", "ErrorDocument 410 /gone.html"]),
        ({"add_header": {"X-A": "100% b"}}, ['Header always set X-A "100%% b"']),
        ({"return": "301 https://b.org/"}, ["RedirectMatch 301 ^ https://b.org/"]),
        ({"return": "410"}, ["RedirectMatch 410 ^"]),
        ({"access_log": "off"}, ["CustomLog /dev/null combined"]),
        ({"client_max_body_size": "2m"}, ["LimitRequestBody 2097152"]),
        ({"autoindex": True}, ["Options +Indexes"]),
        ({"access": ["allow 10.0.0.0/8", "allow ::1", "deny all"]}, ["Require ip 10.0.0.0/8 ::1"]),
        ({"access": ["deny 10.0.0.9"]}, ["Require all granted", "Require not ip 10.0.0.9"]),
        ({"set_real_ip_from": ["10.0.0.1"], "real_ip_header": "X-Forwarded-For"}, ["RemoteIPInternalProxy 10.0.0.1"]),
        ({"httpd_directives": ["ProxyPreserveHost On"]}, ["ProxyPreserveHost On"]),
        (
            {"listen": ["443 ssl"], "ssl_certificate": ["/a.pem"], "ssl_certificate_key": ["/a.key"]},
            ["SSLEngine on", "SSLCertificateFile /a.pem", "SSLCertificateKeyFile /a.key"],
        ),
        (
            {"locations": [{"path": "= /up", "return": "204", "access_log": "off"}]},
            ['SetEnvIf Request_URI "^/up$" holdfast_quiet', 'RedirectMatch 204 "^/up$"', "env=!holdfast_quiet"],
        ),
        (
            {"locations": [{"path": "/", "proxy_pass": "http://127.0.0.1:3000"}, {"path": "= /up", "return": "204"}]},
            ['ProxyPassMatch "^/up$" !', "ProxyPass / http://127.0.0.1:3000/"],
        ),
        (
            {"locations": [{"path": "/a", "return": "404"}, {"path": "/a/b", "root": None}]},
            ["RedirectMatch 404 ^/a(?!/b)"],
        ),
    ],
)
def test_an_option_says_the_same_to_httpd(site: Site, lines: list[str]) -> None:
    [text] = written(site)
    for line in lines:
        assert line in text, text


@pytest.mark.parametrize(
    ("site", "path"),
    [
        ({"proxy_cache_key": "x"}, "servers[0].proxy_cache_key"),
        ({"server_name": ["~^www"]}, "servers[0].server_name"),
        ({"listen": ["unix:/run/a"]}, "servers[0].listen"),
        ({"listen": ["80", "443 ssl"], "ssl_certificate": ["/a"], "ssl_certificate_key": ["/a"]}, "servers[0].listen"),
        ({"return": "301 https://$host/"}, "servers[0].return"),
        ({"return": "200 hello"}, "servers[0].return"),
        ({"add_header": {"X-A": "$host"}}, "servers[0].add_header.X-A"),
        ({"root": "/srv/${A}"}, "servers[0].root"),
        ({"access": ["deny 10.0.0.9", "allow 10.0.0.0/8", "deny all"]}, "servers[0].deny"),
        ({"locations": [{"path": "/a", "expires": "1h"}]}, "servers[0].locations[0].expires"),
        ({"locations": [{"path": "/a", "proxy_pass": "http://$a"}]}, "servers[0].locations[0].proxy_pass"),
        ({"directives": ["etag off"]}, "servers[0].etag"),
        ({"httpd_directives": ["A\nB"]}, "servers[0].httpd_directives[0]"),
        ({"no_such": 1}, "servers[0].no_such"),
    ],
)
def test_what_httpd_has_no_equal_for_is_refused(site: Site, path: str) -> None:
    with pytest.raises(InputError) as refused:
        written(site)
    assert refused.value.path == path


def test_users_and_pages_of_a_site_lie_beside_it() -> None:
    site = {"name": "a", "listen": ["80"], "auth_basic_users": {"ann": "word"}, "error_pages": {"404": "Not here."}}
    config = HttpdConfig.from_options({"servers": [site]})
    text = config.files()["sites-enabled/00-holdfast-000-a.conf"]
    for line in (
        "AuthUserFile holdfast-users.d/a",
        "ErrorDocument 404 /holdfast-pages/404.html",
        "Alias /holdfast-pages/ /etc/apache2/holdfast-pages.d/a/",
    ):
        assert line in text, text
    assert {name: file.is_secret for name, file in config.beside.items()} == {
        "holdfast-users.d/a": True,
        "holdfast-pages.d/a/404.html": False,
    }


def test_a_site_in_maintenance_has_its_page() -> None:
    [text] = written({"maintenance": True, "root": "/srv/a"})
    assert 'RedirectMatch 503 "^/(?!' in text
    assert "ErrorDocument 503 /holdfast-pages/503.html" in text


def test_the_default_of_a_port_is_read_first() -> None:
    texts = written({"name": "b"}, {"name": "c", "listen": ["8080 default_server"], "root": "/c"})
    assert "/c" in texts[0]


def test_what_is_exact_counts_before_what_begins_so() -> None:
    [text] = written({"locations": [{"path": "/a", "return": "403"}, {"path": "= /a/b", "return": "204"}]})
    assert text.index("RedirectMatch 204") < text.index("RedirectMatch 403")


def test_where_others_listen_is_read_with_their_conditions(tmp_path: Path) -> None:
    (tmp_path / "ports.conf").write_text(PORTS)
    (tmp_path / "mods-enabled").mkdir()
    (tmp_path / "conf-enabled").mkdir()
    mine = tmp_path / "conf-enabled" / "holdfast.conf"
    mine.write_text("Listen 9999\n")
    found = [(one.host, one.port) for one in listeners_of_others(str(tmp_path), {str(mine)}, DEBIAN_LAYOUT)]
    assert found == [("", 80), ("[::1]", 8443)]
    (tmp_path / "mods-enabled" / "ssl.load").write_text("LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n")
    (tmp_path / "mods-enabled" / "gnutls.load").write_text("LoadModule gnutls_module mod_gnutls.so\n")
    found = [(one.host, one.port) for one in listeners_of_others(str(tmp_path), {str(mine)}, DEBIAN_LAYOUT)]
    assert found == [("", 80), ("", 443)]


def test_on_a_system_of_red_hat_the_same_site_lies_where_that_has_it(tmp_path: Path) -> None:
    site = {"name": "a", "listen": ["80"], "locations": [{"path": "/", "autoindex": True}]}
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf" / "httpd.conf").write_text("Listen 80\nInclude conf.modules.d/*.conf\n")
    (tmp_path / "conf.d" / "ssl.conf").write_text("Listen 443 https\n")
    others = listeners_of_others(str(tmp_path), (), RED_HAT_LAYOUT)
    assert [(one.port, one.where) for one in others] == [
        (80, f"{tmp_path}/conf/httpd.conf:1"),
        (443, f"{tmp_path}/conf.d/ssl.conf:1"),
    ]
    texts = HttpdConfig.from_options({"servers": [site]}, RED_HAT_LAYOUT).files(others)
    assert list(texts) == ["conf.modules.d/holdfast.conf", "conf.d/00-holdfast-000-a.conf"]
    assert "Listen" not in texts["conf.modules.d/holdfast.conf"]
    assert "    LoadModule autoindex_module modules/mod_autoindex.so\n" in texts["conf.modules.d/holdfast.conf"]
    assert "CustomLog /var/log/httpd/access_log combined" in texts["conf.d/00-holdfast-000-a.conf"]


@pytest.mark.parametrize(
    ("listen", "others", "lines"),
    [
        (["80"], [Listener("", 80)], []),
        (["8080"], [Listener("", 80)], ["Listen 8080"]),
        (["10.0.0.1:80"], [Listener("", 80)], []),
        (["80", "10.0.0.1:80"], [], ["Listen 80"]),
        (["[::]:80"], [], ["Listen 80"]),
        (["10.0.0.1:80"], [Listener("10.0.0.2", 80)], ["Listen 10.0.0.1:80"]),
    ],
)
def test_nothing_is_listened_to_twice(listen: list[str], others: list[Listener], lines: list[str]) -> None:
    config = HttpdConfig.from_options({"servers": [{"name": "a", "listen": listen}]})
    text = config.files(others)["conf-enabled/holdfast.conf"]
    assert [line for line in text.split("\n") if line.startswith("Listen")] == lines


def test_a_port_that_cannot_be_had_beside_another_is_told_with_its_place() -> None:
    config = HttpdConfig.from_options({"servers": [{"name": "a", "listen": ["80"]}]})
    with pytest.raises(HoldfastError, match=r"/etc/apache2/ports.conf:5 lets Apache httpd listen on 127.0.0.1:80"):
        config.files([Listener("127.0.0.1", 80, "/etc/apache2/ports.conf:5")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain/x.y", "plain/x.y"), ("a b", '"a b"'), ('a"b', '"a\\"b"'), ("\\.php$", '"\\\\.php$"'), ("", '""')],
)
def test_a_word_is_quoted_where_it_needs_it(text: str, expected: str) -> None:
    assert word(text) == expected


@pytest.mark.parametrize(("layout", "name"), [(DEBIAN_LAYOUT, "apache2"), (RED_HAT_LAYOUT, "httpd")])
def test_the_host_fills_in_what_httpd_is_called_there(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, name: str
) -> None:
    monkeypatch.setattr(f"{layout_of_this_host.__module__}.layout_of_this_host", lambda: layout)
    assert filled(f"systemctl reload {NAME}.service") == f"systemctl reload {name}.service"
    assert filled(TLS_PACKAGE) == layout.tls_package
    assert filled("web1") == "web1"
