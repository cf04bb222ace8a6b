# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan and the facts of a healthy pair, to be broken by tests."""

from __future__ import annotations

import typing as t

VIP = "10.0.0.100"
OWN = {"lb1": "10.0.0.11", "lb2": "10.0.0.12"}
MAC = {"lb1": "02:00:00:00:00:0b", "lb2": "02:00:00:00:00:0c"}
UNITS = ("keepalived", "nginx", "holdfast-watcher", "holdfast-detector")
TRACKERS = ("nginx_crash", "nginx_probe", "nginx_stop")

Facts = t.Dict[str, t.Any]


def plan(host: str) -> dict[str, t.Any]:
    return {
        "vips": [VIP],
        "keepalived_instances": [{"name": "VI_1", "track_file": list(TRACKERS)}],
        "detected": [
            {
                "name": "VI_1",
                "interface": "",
                "router_id": 51,
                "address": OWN[host],
                "peers": [own for other, own in OWN.items() if other != host],
                "vips": [VIP],
            }
        ],
    }


def facts(host: str, *, holds: bool) -> Facts:
    """What is seen of a healthy member."""
    unit = {"present": True, "active": True, "enabled": True, "restarts": 0, "runs": 900.0, "looping": False}
    return {
        "installed": True,
        "running": True,
        "units": {name: dict(unit) for name in UNITS},
        "nginx_runs": True,
        "split_brain": [],
        "detector_tells": True,
        "foreign_routers": [],
        "blocking_rules": [],
        "platform": "",
        "drifted": [],
        "amiss": [],
        "complaints": [],
        "refused": "",
        "tracked": {
            "VI_1": [
                {"name": one, "path": f"/run/holdfast/track/{one}", "present": True, "content": "0", "watched": True}
                for one in TRACKERS
            ]
        },
        "instances": [
            {
                "name": "VI_1",
                "state": "MASTER" if holds else "BACKUP",
                "interface": "eth0",
                "virtual_router_id": 51,
                "addresses": [VIP],
                "excluded_addresses": [],
            }
        ],
        "interfaces": {"eth0": {"mac": MAC[host], "up": True, "below": "", "addresses": [OWN[host], *[VIP] * holds]}},
        "neighbours": {},
    }
