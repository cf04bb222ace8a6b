# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resident services read is the same to the byte, however the inventory writes its numbers."""

from __future__ import annotations

import json
import typing as t

from estate import Estate

NUMBERS: dict[str, t.Any] = {
    "keepalived_probe_port": 8080,
    "keepalived_probe_interval": 0.1,
    "keepalived_probe_timeout": 0.5,
    "keepalived_probe_fall": 3,
    "keepalived_probe_rise": 1,
    "keepalived_detector_interval": 2.0,
}
CHECK: dict[str, t.Any] = {"name": "dns", "port": 53, "interval": 2.0, "timeout": 1.0, "fall": 5}


def documents(variables: dict[str, t.Any], check: dict[str, t.Any]) -> list[str]:
    listen = {"balancer_health_listen": ["8080"]}
    plan = Estate({**listen, **variables, "keepalived_checks": [check]}).slices("lb1")["lb1"]
    return [json.dumps(plan[name]) for name in ("watcher", "detector")]


def test_numbers_are_numbers_whoever_wrote_them() -> None:
    as_text = [{name: str(value) for name, value in said.items()} for said in (NUMBERS, CHECK)]
    assert documents(NUMBERS, CHECK) == documents(*as_text)


def test_the_watcher_is_told_all_of_it() -> None:
    watcher = json.loads(documents(NUMBERS, CHECK)[0])
    probe = watcher["probe"]
    assert [probe[name] for name in ("port", "interval", "timeout", "fall", "rise")] == [8080, 0.1, 0.5, 3, 1]
    assert probe["peers"] == ["10.0.0.12"]
    assert [check["name"] for check in watcher["checks"]] == ["dns"]
