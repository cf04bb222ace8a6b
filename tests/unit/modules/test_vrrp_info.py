# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_info tells what keepalived sees of its files, and no password."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.modules.vrrp_info import gather

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
