# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of a site become a file that crypt(3) reads, and no diff shows what is in it."""

from __future__ import annotations

import subprocess
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import site_files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.passwords import user_line
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.secrets import redact


@pytest.mark.parametrize("password", ["secret", "x", "a" * 70, "pässwörd with blanks", "b" * 130])
def test_a_password_becomes_the_hash_that_openssl_makes(password: str) -> None:
    line = user_line("alice", password)
    assert line == user_line("alice", password)
    name, _colon, hashed = line.rstrip("\n").partition(":")
    salt = hashed.split("$")[2]
    command = ["openssl", "passwd", "-6", "-salt", salt, password]
    assert (name, hashed) == (
        "alice",
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(),
    )
    assert user_line("bob", password).partition(":")[2] != f"{hashed}\n"


@pytest.mark.parametrize("hashed", ["$apr1$a$b", "$6$salt$hash", "$y$j9T$a$b", "{SSHA}abc="])
def test_a_hash_stays_as_it_is(hashed: str) -> None:
    assert user_line("alice", hashed) == f"alice:{hashed}\n"


def test_each_place_has_a_file_of_its_own_and_no_diff_shows_it() -> None:
    users = {"alice": "wonderland", "bob": "{SHA}C+7Hteo/D9vJXQ3UfzxbwnXaijM="}
    inner = {"path": "/a/b/", "root": "/srv", "auth_basic_users": {"carol": "c"}}
    locations = [{"path": "/a/", "root": "/srv", "auth_basic_users": users, "locations": [inner]}]
    site = {"server_name": ["a.example"], "auth_basic_users": {"dave": "d"}, "locations": locations}
    config = NginxConfig.from_options({"servers": [site]})
    found = site_files(config)
    folder = "holdfast-users.d/a.example"
    assert [(name, file.is_secret) for name, file in found.items()] == [
        (folder, True),
        (f"{folder}.0", True),
        (f"{folder}.0.0", True),
    ]
    assert redact(found[f"{folder}.0"].text) == "alice:********\nbob:********\n"
    text = str(config.to_blocks())
    assert "wonderland" not in text


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ({"a:b": "x"}, "cannot be the name of a user"),
        ({"a": ""}, "must be a text on one line, and not empty"),
        ({"a": "x\ny"}, "must be a text on one line, and not empty"),
        ({"a": None}, "must be a text on one line, and not empty"),
    ],
)
def test_what_cannot_be_a_user_is_refused_without_the_password(users: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        NginxConfig.from_options({"servers": [{"name": "a", "return": "204", "auth_basic_users": users}]})
    assert caught.value.path == "servers[0].auth_basic_users"
    assert words in caught.value.message
