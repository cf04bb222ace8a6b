# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in an inventory, the planner has a plan or a fault for it, and never an error of Python."""

from __future__ import annotations

import copy
import json
import os
import random
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents.documents import documents
from documented import role_defaults
from examples import variables
from inventory_builder import SPECS, InventoryBuilder

CASES = 12
"""Of every variable."""

SEED = int(os.environ.get("HOLDFAST_SEED", random.SystemRandom().getrandbits(32)))
"""Another one in every run; pytest prints that of a case that fails."""

JUNK: tuple[t.Any, ...] = (
    *(None, True, False, 0, 1, -1, 255, 65536, 10**30, -(10**30), 16**900, 0.0, -0.5, 0.3, 1e308),
    *(float("nan"), float("inf"), "", " ", "x", "-1", "7", "1e3", "nan", "yes", "{{ nowhere }}", "\n", "a\nb", "\0"),
    *(
        "/",
        "/bin/x '",
        "${x}",
        "a;b",
        "é\u2028",
        "[::1]:80",
        "10.0.0.100",
        "10.0.0.12/32",
        "fd00::1/64",
        "~(",
        "x" * 9999,
    ),
    *("lb1", "backend", "VI_1", "http://[", "http://u:p@h/", "a@b", "disk weight", "disk weight x reverse", "unix:/x"),
    *([], [None], [[]], [{}], ["x"], [1], ["x", "x"], [["x"]], {}, {"x": 1}, {"name": "x"}, {"name": None}, {1: 2}),
    *([{"name": "x"}], [{"name": ["x"]}], {"address": 1}, {"address": "10.0.0.101/24", "weight": {}}, {"weight": []}),
)

MORE: dict[str, t.Any] = {
    "keepalived_instance_options": {
        "authentication": {"auth_type": "PASS", "auth_pass": "kR7-tq2w"},
        "track_script": ["web weight -20", {"name": "disk", "weight": 2}],
        "unicast_peer": ["10.0.0.12", {"address": "10.0.0.11", "min_ttl": 255}],
        "virtual_routes": ["10.9.0.0/16 via 10.0.0.1"],
        "notify_master": {"command": "/bin/true now", "user": "root"},
        "version": 2,
        "advert_int": 1,
        "priority": 120,
        "nopreempt": True,
    },
    "keepalived_instances": [
        {"name": "a", "virtual_ipaddress": ["10.0.0.100/24 dev eth0 label eth0:1"], "auth_hmac": {"keys": [{"id": 1}]}},
        {"vips": [{"address": "10.0.0.101/24", "dev": "eth0"}], "preferred": "lb2", "timing": {"advert_int": 2}},
    ],
    "keepalived_sync_groups": [{"name": "all", "group": ["VI_1", "VI_2"], "sync_group_tracking_weight": True}],
    "keepalived_track_interfaces": ["eth1", {"name": "eth2", "weight": {"weight": 9, "reverse": True}}],
    "keepalived_witnesses": ["10.0.0.1", "fd00::1"],
    "balancer_maps": [{"source": "$host", "variable": "$pool", "entries": [{"key": "a", "value": "b"}]}],
    "balancer_upstreams": [{"name": "own", "servers": ["10.0.0.9:80", {"address": "10.0.0.8", "port": 80}]}],
}
"""What no document shows in all its forms."""

EXAMPLES = list(variables())


def samples(name: str) -> list[t.Any]:
    """Return good values of a variable, to be spoilt."""
    found = [one.everywhere[name] for one in EXAMPLES if name in one.everywhere]
    found += [MORE[name]] if name in MORE else []
    return found or [role_defaults(name.partition("_")[0]).get(name)]


def spoilt(value: t.Any, chance: random.Random) -> t.Any:
    """Return a copy in which something is another thing, is missing or has come."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        rest = {name: one for name, one in value.items() if name != key}
        return chance.choice([rest, {**value, "x": junk(chance)}, *[{**value, key: spoilt(value[key], chance)}] * 4])
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        changed = [*value[:at], spoilt(value[at], chance), *value[at + 1 :]]
        return chance.choice([value + [value[at]], value[:at] + value[at + 1 :], changed, changed, changed])
    return junk(chance)


def junk(chance: random.Random) -> t.Any:
    return copy.deepcopy(chance.choice(JUNK))


def planned_or_refused(inventory: InventoryBuilder, **arguments: t.Any) -> None:
    """Examine, and take what a play would take; whatever is wrong is a sentence on one line."""
    examined = inventory.examine(**arguments)
    findings = examined.findings()
    assert all(one.message and "\n" not in str(one) for one in findings)
    if not any(one.severity == "error" for one in findings):
        json.dumps(examined.plan.slices(inventory.hostvars), allow_nan=False)
        json.dumps(documents(examined.plan, inventory.hostvars), allow_nan=False)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_whatever_a_variable_is_there_is_a_plan_or_a_fault(name: str) -> None:
    chance = random.Random(f"{SEED} {name}")
    for number in range(CASES):
        around = chance.choice(EXAMPLES)
        value = junk(chance) if number < CASES // 3 else spoilt(chance.choice(samples(name)), chance)
        print(f"HOLDFAST_SEED={SEED}, case {number}, beside {around.place}, {name}: {value!r:.900}")
        everywhere, hosts = around.everywhere, around.hosts
        if chance.random() < 0.3:  # one of two that share an address
            hosts = {**hosts, "lb1": {**hosts.get("lb1", {}), name: value}}
        else:
            everywhere = {**everywhere, name: value}
        planned_or_refused(InventoryBuilder(everywhere, groups=around.groups, **hosts))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keepalived_instances", "VI_1"),
        ("keepalived_instances", 1),
        ("keepalived_instances", {"vips": []}),
        ("keepalived_instances", ["VI_1"]),
        ("keepalived_instances", []),
        ("keepalived_instances", [{"vips": ["10.0.0.100/24"], "policy": []}]),
        ("keepalived_instances", [{"vips": ["10.0.0.100/24"], "unicast_peer": [""]}]),
        ("keepalived_policy", []),
        ("keepalived_vrrp_scripts", [{"name": "a", "script": "/bin/a", "fall": float("inf")}]),
        ("keepalived_probe_interval", 10**400),
        ("balancer_health_listen", ""),
        ("balancer_health_listen", [""]),
        ("balancer_health_listen", ["\n"]),
        ("balancer_upstreams", [{"name": "blog", "servers": [{"address": "10.0.0.9", "port": [{"x": 1}]}] * 2}]),
    ],
    ids=str,
)
def test_what_a_fuzz_has_found_is_a_fault(name: str, value: t.Any) -> None:
    inventory = InventoryBuilder({name: value})
    planned_or_refused(inventory)
    assert [one.severity for one in inventory.findings()].count("error") > 0


@pytest.mark.parametrize("argument", ["roles", "foreign"])
def test_whatever_a_variable_of_the_fleet_is_there_is_a_plan_or_a_fault(argument: str) -> None:
    for value in JUNK:
        planned_or_refused(InventoryBuilder(), **{argument: value})
