# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every inventory that is shipped runs as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from documented import ROOT
from shipped_inventories import INVENTORIES
from test_fleet_action import play


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.name)
def test_it_can_be_planned(inventory: Path, tmp_path: Path) -> None:
    code, output, plans = play(tmp_path, inventory=inventory)
    assert code == 0, output
    balancers = [plan for plan in plans.values() if "cluster" in plan]
    assert balancers
    assert all(plan["vips"] and len(plan["members"]) > 1 for plan in balancers)


def test_the_fleet_has_three_pairs_and_a_trio(tmp_path: Path) -> None:
    _code, _output, plans = play(tmp_path, inventory=ROOT / "inventory" / "fleet")
    clusters = Counter(plan["cluster"] for plan in plans.values() if "cluster" in plan)
    assert clusters == {"shop": 2, "blog": 2, "data": 2, "edge": 3}
    preferred: dict[tuple[str, str], tuple[int, str]] = {}
    for host, plan in plans.items():
        for instance in plan.get("keepalived_instances", []):
            key = (plan["cluster"], instance["name"])
            preferred[key] = max(preferred.get(key, (0, "")), (instance["priority"], host))
    assert {key: host for key, (_priority, host) in preferred.items()} == {
        ("shop", "VI_1"): "shop-lb1",
        ("blog", "VI_1"): "blog-lb1",
        ("blog", "VI_1_v6"): "blog-lb1",
        ("blog", "VI_2"): "blog-lb2",
        ("blog", "VI_2_v6"): "blog-lb2",
        ("data", "VI_1"): "data-lb1",
        ("edge", "VI_1"): "edge-lb1",
        ("edge", "VI_2"): "edge-lb2",
        ("edge", "VI_3"): "edge-lb3",
    }
