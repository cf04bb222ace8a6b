# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of a host print, and what is read from it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.observed import (
    blocking_rules,
    interfaces,
    neighbours,
    units,
    watched_inodes,
)


def printing(**outputs: str) -> t.Callable[..., Completed]:
    """Return a runner that prints this for a program of that name, and finds no other."""

    def runner(*args: str) -> Completed:
        text = outputs.get(args[0].replace("-", "_"))
        return Completed(args, 127 if text is None else 0, text or "", "")

    return runner


IPTABLES_DROP = "-A INPUT -p vrrp -j DROP"
IPTABLES_ACCEPT = "-A INPUT -s 10.0.0.12/32 -p vrrp -j ACCEPT"
NFT_DROP = "\t\tip protocol vrrp drop"


@pytest.mark.parametrize(
    ("outputs", "rules"),
    [
        ({}, []),
        ({"iptables_save": "*filter\n-A INPUT -p tcp -j DROP\nCOMMIT"}, []),
        ({"iptables_save": IPTABLES_DROP}, ["-A INPUT -p vrrp -j DROP (iptables-save)"]),
        ({"iptables_save": "-A INPUT -p 112 -j REJECT"}, ["-A INPUT -p 112 -j REJECT (iptables-save)"]),
        ({"iptables_save": f"{IPTABLES_ACCEPT}\n{IPTABLES_DROP}"}, []),
        ({"iptables_save": f"{IPTABLES_DROP}\n{IPTABLES_ACCEPT}"}, ["-A INPUT -p vrrp -j DROP (iptables-save)"]),
        ({"nft": f"chain input {{\n{NFT_DROP}\n}}"}, ["ip protocol vrrp drop (nft)"]),
        ({"iptables_save": IPTABLES_DROP, "nft": NFT_DROP}, ["-A INPUT -p vrrp -j DROP (iptables-save)"]),
    ],
)
def test_rules_that_drop_adverts(outputs: dict[str, str], rules: list[str]) -> None:
    assert blocking_rules(printing(**outputs)) == rules


RUNS = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=0\n"
BEGAN = "ActiveEnterTimestampMonotonic=100000000"
WELL = {"present": True, "active": True, "enabled": True, "restarts": 0, "runs": 900.0, "looping": False}


@pytest.mark.parametrize(
    ("text", "differs"),
    [
        (RUNS + BEGAN, {}),
        (
            "LoadState=not-found\nActiveState=inactive",
            {"present": False, "active": False, "enabled": False, "runs": 0.0},
        ),
        ("", {"present": False, "active": False, "enabled": False, "runs": 0.0}),
        (RUNS.replace("enabled", "disabled") + BEGAN, {"enabled": False}),
        (RUNS.replace("NRestarts=0", "NRestarts=9") + BEGAN, {"restarts": 9}),
        (
            RUNS.replace("NRestarts=0", "NRestarts=9") + BEGAN.replace("100", "990"),
            {"restarts": 9, "runs": 10.0, "looping": True},
        ),
        (
            RUNS.replace("active", "activating").replace("running", "auto-restart"),
            {"active": False, "runs": 0.0, "looping": True},
        ),
    ],
)
def test_units(text: str, differs: dict[str, t.Any]) -> None:
    assert units(["nginx"], printing(systemctl=text), uptime=1000.0) == {"nginx": {**WELL, **differs}}


def test_interfaces_and_neighbours() -> None:
    shown = (
        '[{"ifname": "eth0", "address": "02:00:00:00:00:0b", "flags": ["UP"], "addr_info": [{"local": "10.0.0.11"}]},'
        ' {"ifname": "vrrp.51", "link": "eth0", "flags": ["UP"], "linkinfo": {"info_kind": "macvlan"}},'
        ' {"ifname": "eth1", "link": "veth1", "flags": ["UP", "NO-CARRIER"], "linkinfo": {"info_kind": "veth"}}, {}]'
    )
    assert interfaces(printing(ip=shown)) == {
        "eth0": {"mac": "02:00:00:00:00:0b", "up": True, "below": "", "addresses": ["10.0.0.11"]},
        "vrrp.51": {"mac": "", "up": True, "below": "eth0", "addresses": []},
        "eth1": {"mac": "", "up": False, "below": "", "addresses": []},
    }
    known = '[{"dst": "10.0.0.100", "lladdr": "m"}, {"dst": "10.0.0.1", "lladdr": "n"}, {"dst": "10.0.0.101"}]'
    assert neighbours({"10.0.0.100", "10.0.0.101"}, printing(ip=known)) == {"10.0.0.100": "m"}


def test_inodes_that_keepalived_watches(tmp_path: Path) -> None:
    for pid, name in (("1", "keepalived_vrrp"), ("2", "other")):
        (tmp_path / pid / "fdinfo").mkdir(parents=True)
        (tmp_path / pid / "comm").write_text(f"{name}\n")
        (tmp_path / pid / "fdinfo" / "12").write_text(f"pos:\t0\ninotify wd:1 ino:a{pid} sdev:255 mask:2c8\n")
    (tmp_path / "self").mkdir()
    assert watched_inodes("keepalived", str(tmp_path)) == {0xA1}
