# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever names no site gets the first listed one, the one that says so, or nobody; never what the alphabet chooses."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.default_servers import with_default_servers

TLS = {"ssl_certificate": "/c", "ssl_certificate_key": "/k"}
Options = t.Dict[str, t.Any]


def listens(sites: list[Options], strangers: str = "first") -> list[t.Any]:
    return [site.get("listen") for site in with_default_servers(sites, strangers)]


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([{}], [["80 default_server"]]),
        ([{}, {}], [["80 default_server"], None]),
        ([{"listen": ["8000"]}, {}], [["8000 default_server"], ["80 default_server"]]),
        ([{"listen": "8000,80"}, {}], [["8000 default_server", "80 default_server"], None]),
        ([TLS, {}], [["443 ssl default_server"], ["80 default_server"]]),
        ([{}, {"listen": ["80 default_server"]}], [None, ["80 default_server"]]),
        (
            [{}, {"listen": ["*:80 default_server", "443 ssl"]}],
            [None, ["*:80 default_server", "443 ssl default_server"]],
        ),
        ([{"listen": ["0.0.0.0:80", "[::]:80"]}, {}], [["0.0.0.0:80 default_server", "[::]:80 default_server"], None]),
        ([{"listen": [80]}, {"listen": ["10.0.0.1"]}], [["80 default_server"], ["10.0.0.1 default_server"]]),
        ([{"listen": ["10.0.0.1"]}, {"listen": ["10.0.0.1:80"]}], [["10.0.0.1 default_server"], ["10.0.0.1:80"]]),
        (
            [{"listen": ["443 ssl", "443 quic reuseport"]}],
            [["443 ssl default_server", "443 quic reuseport default_server"]],
        ),
        ([{"listen": ["unix:/run/a"]}], [["unix:/run/a default_server"]]),
        ([{"listen": ["[fd00::1]"]}, {"listen": ["[fd00::1]:80"]}], [["[fd00::1] default_server"], ["[fd00::1]:80"]]),
    ],
)
def test_the_first_listed_site_of_an_address_is_its_default_unless_one_says_so(
    sites: list[Options], expected: list[t.Any]
) -> None:
    assert listens(sites) == [one if one is not None else sites[at].get("listen") for at, one in enumerate(expected)]


def test_nobody_answers_a_stranger() -> None:
    sites = [{"listen": ["80", "443 ssl"]}, {"listen": ["8080 proxy_protocol"]}, {"listen": ["81 default_server"]}]
    *same, catching = with_default_servers(sites, "close")
    assert same == sites
    assert catching == {
        "name": "holdfast-default",
        "listen": ["80 default_server", "443 ssl default_server", "8080 proxy_protocol default_server"],
        "access_log": "off",
        "return": "444",
        "ssl_reject_handshake": True,
    }
    assert "ssl_reject_handshake" not in with_default_servers([{}], "close")[-1]
    assert with_default_servers([{"listen": ["81 default_server"]}], "close") == [{"listen": ["81 default_server"]}]


def test_where_nobody_answers_a_stranger_each_address_keeps_the_versions_of_its_sites() -> None:
    modern = {"listen": ["444 ssl"], "tls": {"profile": "modern", "session_ticket_keys": ["k"]}}
    own = {"listen": ["445 ssl", "80"], "tls": {}, "ssl_protocols": ["TLSv1.2"]}
    sites = [
        {"listen": ["443 ssl"], "tls": {}},
        {"listen": ["446 ssl"], "tls": {"profile": "intermediate"}},
        modern,
        own,
    ]
    caught = with_default_servers(sites, "close")[len(sites) :]
    assert [(one["name"], one["listen"], one["tls"], one.get("ssl_protocols")) for one in caught] == [
        (
            "holdfast-default",
            ["443 ssl default_server", "446 ssl default_server", "80 default_server"],
            {"profile": "intermediate"},
            None,
        ),
        ("holdfast-default-2", ["444 ssl default_server"], modern["tls"], None),
        ("holdfast-default-3", ["445 ssl default_server"], {"profile": "intermediate"}, ["TLSv1.2"]),
    ]


def test_nothing_is_said_where_a_file_of_somebody_else_says_it() -> None:
    assert with_default_servers([{}, {}], "none") == [{}, {}]
