# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived's own test lets pass stops a change, or is shown with it."""

from __future__ import annotations

import typing as t

import pytest
from real_hosts import ADDRESS, PEER, VIP, Host

IDLE = "keepalived does not run here, so what was written is not in force: start it."
WEIGHED = {"track_files": [{"name": "f", "file": "/run/f", "weight": 2}]}


def instance(name: str = "VI_1", number: int = 51, vip: str = VIP, **more: t.Any) -> dict[str, t.Any]:
    options = {"name": name, "virtual_router_id": number, "virtual_ipaddress": [f"{vip}/24"]}
    return {**options, "unicast_src_ip": ADDRESS, "unicast_peer": [PEER], **more}


@pytest.mark.parametrize(
    ("options", "where", "rule"),
    [
        ({"instances": [instance(unicast_peer=[ADDRESS])]}, "instances[0].unicast_peer[0]", "peer-is-self"),
        (
            {"instances": [instance(), instance("VI_2", 52)]},
            "instances[1].virtual_ipaddress[0]",
            "vip-twice",
        ),
        (
            {**WEIGHED, "instances": [instance(nopreempt=True, track_file=["f"])]},
            "instances[0].track_file[0]",
            "nopreempt-with-weight",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_nothing_changed(
    host: Host, options: dict[str, t.Any], where: str, rule: str
) -> None:
    before = host.listing("/etc", "/var")
    for check in (True, False):
        words = host.refused("keepalived_config", options, check=check)
        assert words.startswith(f"{where}: ")
        assert words.endswith(f" [{rule}]. Nothing was changed.")
    assert host.listing("/etc", "/var") == before


def test_preflight_refuses_it_too(host: Host) -> None:
    words = host.refused("preflight", {"instances": [instance(unicast_peer=[ADDRESS])]})
    assert "instances[0].unicast_peer[0]: " in words
    assert "[peer-is-self]" in words


def test_a_single_instance_is_judged_beside_the_others(host: Host) -> None:
    host.ok("vrrp_instance", instance())
    words = host.refused("vrrp_instance", instance("VI_2", 52))
    assert words.startswith("virtual_ipaddress[0]: ")
    assert words.endswith(" [vip-twice]. Nothing was changed.")
    host.ok("vrrp_instance", instance("VI_2", 52, "10.89.77.101"))
    assert not host.ok("vrrp_instance", instance())["changed"]


def test_what_was_hardly_meant_is_done_and_shown(host: Host) -> None:
    options: dict[str, t.Any] = {
        "global_defs": {"enable_script_security": True, "script_user": ["root"]},
        "vrrp_scripts": [{"name": "slow", "script": "/bin/true", "interval": 1, "timeout": 2}],
        "instances": [instance(track_script=["slow"])],
    }
    (shown,) = host.ok("keepalived_config", options, check=True)["warnings"]
    done = host.ok("keepalived_config", options)
    assert done["changed"]
    assert done["warnings"] == [shown, IDLE]
    assert shown.startswith("vrrp_scripts[0].timeout: ")
    assert shown.endswith(" [script-timeout]")
    options["vrrp_scripts"][0]["timeout"] = 1
    assert host.ok("keepalived_config", options)["warnings"] == [IDLE]
