# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves of whole clusters."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.waves import MOST, Wave, sizes, waves
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.rollout import progress, sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_builder import EVERYWHERE, InventoryBuilder


def fleet(count: int, **more: dict[str, t.Any]) -> Plan:
    """Return a plan of pairs, each with a backend of its own, and of one backend that all draw on."""
    groups: dict[str, dict[str, t.Any]] = {"master": {}, "backup": {}, "backend": {"all": {"ansible_host": "10.0.9.9"}}}
    for number in range(count):
        network = f"10.1.{number}"
        own = {
            "keepalived_cluster": f"c{number}",
            "keepalived_vips": [f"{network}.100/24"],
            "balancer_upstreams": [{"name": "own", "servers_from": f"web{number}", "port": 80}],
        }
        if number % 2:
            own["balancer_upstreams"] = [{"name": "own", "servers_from": "backend", "port": 80}]
        own["balancer_sites"] = [{**EVERYWHERE["balancer_sites"][0], "upstream": "own"}]
        groups["master"][f"a{number}"] = {"ansible_host": f"{network}.11", **own}
        groups["backup"][f"b{number}"] = {"ansible_host": f"{network}.12", **own}
        groups[f"web{number}"] = {f"w{number}": {"ansible_host": f"{network}.21"}}
    plan = InventoryBuilder({"keepalived_vips": None, "balancer_upstreams": None}, groups=groups, **more).examine().plan
    assert len(plan.fleet.clusters) == count
    return plan


def everybody(plan: Plan) -> list[str]:
    return [*plan.members, *plan.fleet.backends]


def test_first_one_then_a_tenth_then_the_rest() -> None:
    plan = fleet(25)
    found = waves(plan, everybody(plan))
    assert [len(wave.clusters) for wave in found] == [1, 3, 21]
    assert found[0] == Wave(("c0",), ("a0", "b0", "w0"))
    # The backend of many goes with the first that draws on it.
    assert "all" in found[1].hosts


@pytest.mark.parametrize(
    ("count", "said", "expected"),
    [
        (1, ["1", "10%"], [1]),
        (2, ["1", "10%"], [1, 1]),
        (3, ["1", "10%"], [1, 1, 1]),
        (6, ["2", "50%"], [2, 3, 1]),
        (6, [], [6]),
        (6, ["100%"], [6]),
        (6, ["4", "4"], [4, 2]),
    ],
)
def test_own_sizes(count: int, said: list[str], expected: list[int]) -> None:
    plan = fleet(count)
    assert [len(wave.clusters) for wave in waves(plan, everybody(plan), said)] == expected


PLAN = fleet(7)


@settings(max_examples=50)
@given(st.lists(st.one_of(st.integers(1, 9).map(str), st.integers(1, 100).map("{}%".format)), max_size=MOST - 1))
def test_every_host_is_in_one_wave_and_no_cluster_in_two(said: list[str]) -> None:
    found = waves(PLAN, everybody(PLAN), sizes(said))
    assert 1 <= len(found) <= MOST
    assert sorted(host for wave in found for host in wave.hosts) == sorted(everybody(PLAN))
    assert [name for wave in found for name in wave.clusters] == [cluster.name for cluster in PLAN.fleet.clusters]
    for wave in found:
        for cluster in PLAN.fleet.clusters:
            assert {member.name in wave.hosts for member in cluster.members} == {cluster.name in wave.clusters}


def test_a_limit_takes_whole_clusters() -> None:
    found = waves(PLAN, ["a3", "b3", "a5", "b5", "w5"])
    assert [wave.clusters for wave in found] == [("c3",), ("c5",)]
    with pytest.raises(HoldfastError, match="b3 of cluster `c3` is left out of this run"):
        waves(PLAN, ["a3", "a5", "b5"])
    # Backends alone part no cluster.
    assert waves(PLAN, ["w0"]) == [Wave((), ("w0",))]


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        (["0"], "holdfast_waves[0]", "`0` is no size"),
        (["1", "101%"], "holdfast_waves[1]", "`101%` is no size"),
        (["many"], "holdfast_waves[0]", "`many` is no size: write a number of clusters, or 10% of them"),
        (["1"] * MOST, "holdfast_waves", f"{MOST} waves are the most"),
        ("1", "holdfast_waves", "list"),
    ],
)
def test_wrong_sizes_are_refused(said: t.Any, path: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        sizes(said)
    assert raised.value.path == path
    assert words in raised.value.message


def test_how_far_a_rollout_has_come() -> None:
    clusters = [["shop"], ["blog"], ["data", "edge"]]
    assert [wave["state"] for wave in progress(clusters, 2)] == ["done", "begun", "not begun"]
    assert sentences(progress(clusters, 2)) == ["Wave 2 of 3: blog.", "Done: shop.", "Not begun: data, edge."]
    assert sentences(progress(clusters, 1)) == ["Wave 1 of 3: shop.", "Not begun: blog, data, edge."]
    assert sentences(progress(clusters, 4)) == ["Done: shop, blog, data, edge."]
    many = [[f"c{number}" for number in range(25)]]
    assert sentences(progress(many, 2))[0].endswith("c19 and 5 more.")
