# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_info tells what keepalived sees of its files, and no password."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.info import gather, settle, wanting

TEXT = """
$PRIORITY=120
vrrp_instance VI_1 {
    priority $PRIORITY
    authentication {
        auth_type PASS
        auth_pass unseen
    }
}
"""


def test_the_configuration_is_resolved_and_its_passwords_are_hidden(tmp_path: Path) -> None:
    (tmp_path / "keepalived.conf").write_text(TEXT)
    [instance] = gather(str(tmp_path), configuration=True)[0]["configuration"]
    priority, authentication = instance["block"]
    assert (instance["directive"], instance["args"], instance["line"]) == ("vrrp_instance", ["VI_1"], 3)
    assert priority["args"] == ["120"]
    assert "unseen" not in str(authentication)


def test_it_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    assert "configuration" not in gather(str(tmp_path), configuration=False)[0]


ASKED: dict[str, t.Any] = {"settled": False, "holds": [], "lacks": [], "patience": 0.0, "configuration": False}
WELL: dict[str, t.Any] = {
    "running": True,
    "instances": [{"name": "VI_1", "state": "BACKUP"}],
    "held": ["10.0.0.100"],
    "trackers": {"nginx_probe": "0"},
}
FAULT = [{"name": "VI_1", "state": "MASTER"}, {"name": "VI_2", "state": "FAULT"}]


@pytest.mark.parametrize(
    ("found", "asked", "wrong"),
    [
        ({}, {}, ""),
        ({}, {"settled": True, "holds": ["10.0.0.100"]}, ""),
        ({"running": False, "instances": []}, {"settled": True}, "keepalived does not run here"),
        ({"instances": []}, {"settled": True}, "keepalived runs here without any instance"),
        ({"instances": FAULT}, {"settled": True}, "VI_2 is in FAULT here"),
        (
            {"instances": FAULT, "trackers": {"nginx_probe": "-1", "check_disk": ""}},
            {"settled": True},
            "VI_2 is in FAULT here (nginx_probe says -1)",
        ),
        ({"instances": FAULT}, {}, ""),
        ({"held": []}, {"holds": ["10.0.0.100"]}, "10.0.0.100 did not come to this host"),
        ({}, {"lacks": ["10.0.0.100", "10.0.0.101"]}, "10.0.0.100 did not leave this host"),
    ],
)
def test_what_is_waited_for(found: dict[str, t.Any], asked: dict[str, t.Any], wrong: str) -> None:
    assert wanting({**WELL, **found}, {**ASKED, **asked}) == wrong


def test_waiting_ends_in_a_sentence(tmp_path: Path) -> None:
    asked = {**ASKED, "root": str(tmp_path), "holds": ["10.0.0.100"], "patience": 0.1}
    with pytest.raises(HoldfastError, match=r"^10\.0\.0\.100 did not come to this host, after 0\.1 s: journalctl"):
        settle(asked)
