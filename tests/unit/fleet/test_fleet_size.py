# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand pairs: right, and in good time."""

from __future__ import annotations

import collections
import ipaddress
import time
import typing as t

import big_fleet
import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import Examined, examine
from inventory_builder import EVERYWHERE, SPECS, Variables

PAIRS = 1000
SECONDS = 10  # on a machine that reads ADDRESSES addresses in a second
ADDRESSES = 160_000


class Counting(t.Dict[str, t.Any]):
    """Variables of a host that count how often each is templated."""

    read: t.ClassVar[collections.Counter[tuple[int, str]]] = collections.Counter()

    def __getitem__(self, key: str) -> t.Any:
        self.read[id(self), key] += 1
        return super().__getitem__(key)


def fleet(pairs: int) -> tuple[dict[str, Variables], dict[str, list[str]]]:
    """Pairs of which four each share a segment, and a backend for each."""
    groups: dict[str, list[str]] = {"master": [], "backup": [], "backend": []}
    hostvars: dict[str, Variables] = {}
    for number in range(pairs):
        segment, place = divmod(number, 4)
        network = f"10.{segment // 200}.{segment % 200}"
        common = {**EVERYWHERE, "keepalived_cluster": f"c{number}", "keepalived_vips": [f"{network}.{100 + place}/24"]}
        for group, host, last in (("master", "a", 11), ("backup", "b", 51), ("backend", "w", 201)):
            own = {"ansible_host": f"{network}.{last + place}", **{f"site_{at}": at for at in range(30)}}
            groups[group].append(f"{host}{number}")
            hostvars[f"{host}{number}"] = Counting({**(common if group != "backend" else {}), **own})
    return hostvars, groups


def planned(pairs: int) -> tuple[Examined, float]:
    hostvars, groups = fleet(pairs)
    start = time.process_time()
    examined = examine(hostvars, groups, SPECS)
    assert examined.faults.findings() == []
    return examined, time.process_time() - start


def seconds_of_this_machine() -> float:
    """Return how long this machine takes now for what takes a second elsewhere: other tests run beside this one."""
    start = time.process_time()
    for _address in range(ADDRESSES):
        ipaddress.ip_interface("192.0.2.1/24")
    return time.process_time() - start


@pytest.mark.no_cover  # which would be most of the time
def test_a_thousand_pairs_are_planned_and_verified_in_good_time() -> None:
    before = seconds_of_this_machine()
    examined, seconds = planned(PAIRS)
    assert seconds < SECONDS * max(1, (before + seconds_of_this_machine()) / 2)
    ids = collections.Counter(
        (str(instance.anchor.network), instance.router_id)
        for instance in examined.plan.all_instances()
        if instance.host.startswith("a")
    )
    assert len(ids) == PAIRS
    assert set(ids.values()) == {1}
    slice_ = examined.plan.slices(["b7"])["b7"]
    assert slice_["members"] == ["a7", "b7"]
    assert len(slice_["balancer_upstreams"][0]["servers"]) == PAIRS


def test_no_variable_is_templated_twice_and_none_that_is_not_needed() -> None:
    Counting.read.clear()
    planned(20)
    assert set(Counting.read.values()) == {1}
    assert not [key for _host, key in Counting.read if key.startswith("site_")]


def test_the_time_grows_with_the_fleet_and_not_with_its_square() -> None:
    planned(50)
    small = min(planned(100)[1] for _round in range(3))
    assert planned(800)[1] < small * 8 * 4


class Asked(t.Dict[str, Variables]):
    """The hosts, which count how often each is asked for: Ansible merges all of its variables every time."""

    count: t.ClassVar[collections.Counter[str]] = collections.Counter()

    def __getitem__(self, host: str) -> Variables:
        self.count[host] += 1
        return super().__getitem__(host)


def test_the_variables_of_a_host_are_asked_for_once() -> None:
    hostvars, groups = fleet(20)
    examine(Asked(hostvars), groups, SPECS)
    assert set(Asked.count.values()) == {1}
    assert len(Asked.count) == len(hostvars)


@pytest.mark.no_cover
@pytest.mark.parametrize(("shape", "pairs"), [("shared", 200), ("own", 80)])
def test_four_times_the_fleet_takes_four_times_as_long(shape: str, pairs: int) -> None:
    examined_in(shape, 10, 0)  # what is made once
    few, many = (
        min(examined_in(shape, count, 10 + (place * 3 + at) * 4 * pairs) for at in range(3))
        for place, count in enumerate((pairs, 4 * pairs))
    )
    assert many < few * 5.5  # it was 7.4 when something was done for each balancer and each backend


def test_backends_of_which_the_same_is_asked_share_it() -> None:
    examined = examine(*big_fleet.inventory("shared", 50), SPECS)
    assert len({id(demand) for demand in examined.plan.demands.values()}) == 1
    assert examined.plan.backend("w7")["balancer_names"][:4] == ["a0", "b0", "a1", "b1"]


def examined_in(shape: str, pairs: int, first: int) -> float:
    """Return the seconds of the processor for that many pairs, every one of them sound."""
    hostvars, groups = big_fleet.inventory(shape, pairs, first)
    start = time.process_time()
    examined = examine(hostvars, groups, SPECS)
    seconds = time.process_time() - start
    assert examined.findings() == []
    return seconds
