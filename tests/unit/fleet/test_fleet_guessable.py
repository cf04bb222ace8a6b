# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A password that is guessed first is refused, a short one warned of, and a random one taken."""

from __future__ import annotations

import random

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_passwords import Words, guessable
from inventory_builder import InventoryBuilder, Variables

VERSION_2: Variables = {"keepalived_timing": {"version": 2}}
VIP = "10.0.0.100/24"
GUESSED = [
    *(
        "1111",
        "0000",
        "12345678",
        "1234",
        "87654321",
        "123123",
        "abcdefgh",
        "aaaaaaaa",
        "abababab",
        "11223344",
        "qwertyui",
    ),
    *(
        "changeme",
        "ChangeMe",
        "changeme1",
        "password",
        "PASSWORD",
        "passw0rd",
        "P@ssw0rd",
        "password",
        "pass",
        "pass1234",
    ),
    *(
        "secret",
        "s3cret",
        "secret12",
        "keepalived",
        "k33pal1v",
        "keepaliv",
        "keepalive",
        "K33paliv",
        "nginx",
        "vrrp123",
    ),
    *(
        "admin",
        "root",
        "test",
        "test1234",
        "letmein",
        "d0cker",
        "mypass",
        "MyPass12",
        "secretpw",
        "1qaz2wsx",
        "20261129",
    ),
    *("lb1", "lb2", "web1", "blog", "blog2026", "VI_1", "vi1", "backend1", "master", "all", "example!", "!backup!"),
]


def judged(**said: object) -> list[tuple[str, str, str]]:
    return [(one.rule, one.severity, one.message) for one in InventoryBuilder({**VERSION_2, **said}).findings()]


@pytest.mark.parametrize("password", GUESSED)
def test_a_password_that_is_guessed_first_is_refused_without_being_told(password: str) -> None:
    [(rule, severity, message)] = judged(keepalived_auth_pass=password[:8])
    assert (rule, severity) == ("password", "error")
    assert message.startswith("is one that is guessed first")
    assert password[:8] not in message


def test_names_of_the_cluster_are_guessed_first() -> None:
    [(rule, _severity, _message)] = judged(keepalived_auth_pass="edge-01", keepalived_cluster="edge")
    assert rule == "password"


@pytest.mark.parametrize(
    "said",
    [
        {"keepalived_auth_pass": 1111},
        {"keepalived_auth_pass": 12345678},
        {"keepalived_instance_options": {"authentication": {"auth_type": "PASS", "auth_pass": "1111"}}},
        {"keepalived_instances": [{"vips": [VIP], "authentication": {"auth_type": "PASS", "auth_pass": "1111"}}]},
        {"keepalived_instances": [{"vips": [VIP], "authentication": {"auth_type": "AH", "auth_pass": "1111"}}]},
        {
            "keepalived_timing": "fast",
            "keepalived_instance_options": {
                "auth_hmac": {"active_key": 1, "keys": [{"id": 1, "value": "ChangeMe!"}]},
            },
        },
    ],
    ids=str,
)
def test_it_is_refused_whatever_door_it_comes_through(said: Variables) -> None:
    assert {rule for rule, _severity, _message in judged(**said)} == {"password"}


@pytest.mark.parametrize("password", ["x7Kq", "b7c-Q", "gR4.tu"])
def test_a_short_one_is_warned_of(password: str) -> None:
    [(rule, severity, message)] = judged(keepalived_auth_pass=password)
    assert (rule, severity) == ("password-short", "warning")
    assert f"has {len(password)} characters" in message


@pytest.mark.parametrize("password", ["123456789", "kR7-tq2wX", "\u00e4\u00f6\u00fc\u00e4\u00f6"])
def test_what_keepalived_would_cut_is_told(password: str) -> None:
    [(rule, severity, message)] = judged(keepalived_auth_pass=password)
    assert (rule, severity) == ("password", "error")
    assert "keepalived would cut the rest without a word" in message


def test_random_ones_are_taken() -> None:
    source = random.Random(9)  # as of `openssl rand -hex 4`, and of a keeper of passwords
    hexadecimal = [f"{source.getrandbits(32):08x}" for _ in range(2000)]
    letters = [
        "".join(source.choices("abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789", k=8)) for _ in range(2000)
    ]
    names = Words(("lb1", "lb2", "web1", "blog.example.com", "master", "backup", "backend"))
    refused = [one for one in hexadecimal + letters if guessable(one, names)]
    assert len(refused) <= 2, refused
