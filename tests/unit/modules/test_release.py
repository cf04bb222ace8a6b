# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system that is not supported is named, with those that are."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import (
    DEBIAN,
    RED_HAT,
    SUPPORTED,
    need_supported,
    of_this_host,
)

KNOWN = (
    "and this collection supports Debian 11, 12, 13 and Ubuntu 22.04, 24.04 and Red Hat Enterprise Linux, "
    "CentOS Stream, Rocky Linux, AlmaLinux, Oracle Linux 8, 9, 10: use one of these. Nothing was changed."
)


@pytest.mark.parametrize(
    "text",
    [
        'ID=debian\nVERSION_ID="12"\n',
        "NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID='24.04'\n",
        'ID="rocky"\nVERSION_ID="9.4"\n',
        'ID="centos"\nVERSION_ID="10"\n',
    ],
)
def test_a_supported_system_is_taken(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "os-release").write_text(text)
    need_supported([str(tmp_path / "absent"), str(tmp_path / "os-release")])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('ID="rocky"\nVERSION_ID="11.4"\nPRETTY_NAME="Rocky Linux 11.4"\n', "Rocky Linux 11.4"),
        ('ID="rocky"\nVERSION_ID="80"\n', "rocky 80"),
        ('ID="centos"\nVERSION_ID="7"\n', "centos 7"),
        ('ID=fedora\nVERSION_ID="9"\n', "fedora 9"),
        ('ID=debian\nVERSION_ID="10"\n', "debian 10"),
        ('ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n', "Debian GNU/Linux forky/sid"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22.04"\n', "linuxmint 22.04"),
        ("", "a system without /etc/os-release"),
    ],
)
def test_another_one_is_refused_in_one_sentence(tmp_path: pathlib.Path, text: str, told: str) -> None:
    if text:
        (tmp_path / "os-release").write_text(text)
    with pytest.raises(HoldfastError) as caught:
        need_supported([str(tmp_path / "os-release")])
    assert str(caught.value) == f"this host runs {told}, {KNOWN}"


def test_the_collection_says_the_same_systems_to_a_reader() -> None:
    guide = (pathlib.Path(__file__).resolve().parents[3] / "docs" / "using" / "systems.md").read_text()
    for one in SUPPORTED.values():
        rows = [one.name] if one.family == RED_HAT else [f"| {one.name} {release} |" for release in one.releases]
        assert not [row for row in rows if row not in guide]


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ('ID="rocky"\nVERSION_ID="9.4"\n', ("rocky", "", RED_HAT, "9")),
        ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', ("debian", "bookworm", DEBIAN, "12")),
    ],
)
def test_a_system_is_known_with_its_family(tmp_path: pathlib.Path, text: str, system: tuple[str, ...]) -> None:
    (tmp_path / "os-release").write_text(text)
    assert of_this_host([str(tmp_path / "os-release")]) == system
