# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key is known by its fingerprint, in either form, and every key of a file has to be known."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import nginx_org
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.apt_source import AptSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.dnf_source import DnfSource
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.nginx_org import source
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.openpgp import (
    armored,
    fingerprints,
    packets_of,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import DEBIAN, RED_HAT, System

# Made with gpg 2.2: a key of RSA with a subkey, and one of Ed25519; and what it says of them.
TWO_KEYS = (pathlib.Path(__file__).resolve().parents[2] / "support" / "keys" / "two_keys.asc").read_text()
KNOWN = [
    "626950290DB6619523089C78C7EC133E502D71DB",
    "95BCA9AEED1936E9A15A2E2AF398B0ABB72DF6D9",
]
BINARY = packets_of(TWO_KEYS.encode())
SPACED = [f"{one[:4]} {one[4:]}".lower() for one in KNOWN]
URL = "https://mirror.example.com/packages/"


def test_the_fingerprint_is_that_of_each_primary_key() -> None:
    assert fingerprints(BINARY) == KNOWN


def test_an_armored_key_is_the_same_one_and_several_are_all_looked_at() -> None:
    assert armored(BINARY).splitlines()[1:] == TWO_KEYS.splitlines()[1:]
    assert packets_of(BINARY) == BINARY
    assert packets_of(f"Some words\n{TWO_KEYS}more\n{TWO_KEYS}".encode()) == BINARY * 2
    commented = TWO_KEYS.replace("\n\n", "\nVersion: 1\nComment: x\n\n", 1)
    assert packets_of(commented.replace("\n", "\r\n").encode()) == BINARY


@pytest.mark.parametrize("key", [b"", b"<html>not found</html>", b"\x99\x01\x0d\x04", b"\x98\x00", BINARY[:-1]])
def test_what_is_no_key_is_told_so(key: bytes) -> None:
    with pytest.raises(HoldfastError, match="no public key of OpenPGP"):
        fingerprints(packets_of(key))


def test_known_keys_make_a_source() -> None:
    debian = System("debian", "bookworm", DEBIAN, "12")
    made = source({"url": URL, "key": TWO_KEYS, "fingerprints": SPACED}, debian)
    assert made.url == "https://mirror.example.com/packages/debian"
    assert 'Pin: origin "mirror.example.com"' in made.preferences()
    assert f"Suites: bookworm\nComponents: nginx\nSigned-By: {made.KEY}\n" in made.files()[AptSource.SOURCES]
    assert made.files()[made.KEY] == armored(BINARY)


def test_on_a_system_of_red_hat_it_is_a_repository_whose_packages_are_checked() -> None:
    made = source({"url": URL, "key": TWO_KEYS, "fingerprints": SPACED}, System("rocky", "", RED_HAT, "9"))
    text = made.files()[DnfSource.REPOSITORY]
    assert "\nbaseurl=https://mirror.example.com/packages/centos/9/$basearch/\n" in text
    assert "\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-holdfast-nginx\n" in text
    assert "\nmodule_hotfixes=1\n" in text
    assert made.files()[made.KEY] == armored(BINARY)


@pytest.mark.parametrize(("own", "known"), [([], nginx_org.FINGERPRINTS), (KNOWN[1:], KNOWN[1:])])
def test_an_unknown_key_is_refused_with_its_fingerprint_and_those_that_are_known(
    own: list[str], known: list[str]
) -> None:
    with pytest.raises(HoldfastError) as caught:
        source({"url": URL, "key": TWO_KEYS, "fingerprints": own})
    assert str(caught.value) == (
        f"nginx_source: the key of nginx_source_key has the fingerprint {KNOWN[0]}, which is none of "
        f"{', '.join(known)}: find out whose it is, and only then name it in nginx_source_fingerprints"
    )
