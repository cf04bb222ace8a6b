# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One screen of who holds what."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet_status import cluster_status, node_status, table

PLANNED = {"vips": ["10.0.0.100"]}
NGINX = {"running": True, "version": "1.22.1", "drifted": []}
CHANGED: list[dict[str, t.Any]] = [{"stat": {"exists": True, "mtime": 1700000000.5}}, {"stat": {"exists": False}}]


def vrrp(state: str, **more: t.Any) -> dict[str, t.Any]:
    instance = {
        "name": "VI_1",
        "state": state,
        "last_transition": 1700000100.0,
        "addresses": ["10.0.0.100"],
        "excluded_addresses": [],
    }
    return {
        "running": True,
        "version": "2.2.7",
        "instances": [instance],
        "held": ["10.0.0.100"] if state == "MASTER" else [],
        "trackers": {"nginx_stop": "0", "nginx_probe": "0"},
        "drifted": [],
        "amiss": [],
        **more,
    }


def node(state: str, **more: t.Any) -> dict[str, t.Any]:
    return node_status(PLANNED, vrrp(state, **more), NGINX, CHANGED)


def test_a_pair_that_is_well() -> None:
    cluster = cluster_status(["10.0.0.100"], {"lb1": node("MASTER"), "lb2": node("BACKUP")})
    assert cluster["wrong"] == []
    assert cluster["addresses"] == {"10.0.0.100": ["lb1"]}
    assert table({"all": cluster}) == [
        "CLUSTER  NODE  HOLDS       STATE   SINCE                 FIT  KEEPALIVED  NGINX   LAST CHANGE",
        "all      lb1   10.0.0.100  MASTER  2023-11-14T22:15:00Z  yes  2.2.7       1.22.1  2023-11-14T22:13:20Z",
        "all      lb2   -           BACKUP  2023-11-14T22:15:00Z  yes  2.2.7       1.22.1  2023-11-14T22:13:20Z",
    ]


def test_what_is_not_as_it_should_be_is_told() -> None:
    members = {
        "lb1": node("MASTER", drifted=["/etc/keepalived/holdfast.d/00-global_defs.conf"]),
        "lb2": node("MASTER", amiss=["VI_1 is MASTER, and 10.0.0.101 is not on eth0"]),
        "lb3": node("FAULT", trackers={"nginx_stop": "1"}),
        "lb4": node_status(PLANNED, {"unreachable": True, "msg": "Connection refused"}, {}, ()),
        "lb5": node_status(PLANNED, {"failed": True, "msg": "keepalived does not answer"}, {}, ()),
        "lb6": node_status(PLANNED, {}, {}, ()),
        "lb7": node_status(PLANNED, vrrp("BACKUP", running=False, instances=[]), {"running": False}, ()),
    }
    cluster = cluster_status(["10.0.0.100", "10.0.0.101"], members)
    assert cluster["wrong"] == [
        "lb4 cannot be reached: Connection refused",
        "lb5 tells nothing: keepalived does not answer",
        "lb6 was not looked at",
        "10.0.0.100 is held by lb1 and lb2",
        "10.0.0.101 is held by nobody that was seen",
        "/etc/keepalived/holdfast.d/00-global_defs.conf on lb1 was edited by hand",
        "on lb2, VI_1 is MASTER, and 10.0.0.101 is not on eth0",
        "lb3 is unfit: nginx_stop, VI_1 in FAULT",
        "lb7 is unfit: keepalived does not run, nginx does not run",
    ]
    lines = table({"all": cluster})
    assert lines[4].split() == ["all", "lb4", "?", "?", "?"]
    assert lines[8] == ""
    assert lines[-1] == "all: lb7 is unfit: keepalived does not run, nginx does not run"
