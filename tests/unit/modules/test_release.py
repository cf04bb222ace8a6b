# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system that is not supported is named, with those that are."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import SUPPORTED, need_supported

KNOWN = "and this collection supports Debian 11, 12, 13 and Ubuntu 22.04, 24.04: use one of these. Nothing was changed."


@pytest.mark.parametrize("text", ['ID=debian\nVERSION_ID="12"\n', "NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID='24.04'\n"])
def test_a_supported_system_is_taken(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "os-release").write_text(text)
    need_supported([str(tmp_path / "absent"), str(tmp_path / "os-release")])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n', "Rocky Linux 9.4 (Blue Onyx)"),
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
    for name, versions in SUPPORTED.values():
        for version in versions:
            assert f"| {name} {version} |" in guide
