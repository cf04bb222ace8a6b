# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a planned move takes an address, what it leaves on each node, and when it must not be made."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.move import (
    MOVED,
    TAKING,
    Decision,
    Instance,
    Request,
    Seen,
    concerned,
    decide,
    marked,
)

ONE = Instance("VI_1", ("10.0.0.100", "10.0.0.101"), {"lb1": 250, "lb2": 240, "lb3": 230}, 0.1)
TWO = Instance("VI_2", ("10.0.0.102",), {"lb1": 240, "lb2": 250, "lb3": 230}, 1.0)


def fleet(one: str = "lb1", two: str = "lb2", **changes: t.Any) -> dict[str, Seen]:
    """Return three nodes that are well, who holds which instance, and for a node named here what is different."""
    found = {}
    for name in ("lb1", "lb2", "lb3"):
        held = [
            address for instance, holder in ((ONE, one), (TWO, two)) if holder == name for address in instance.addresses
        ]
        states = {"VI_1": "MASTER" if one == name else "BACKUP", "VI_2": "MASTER" if two == name else "BACKUP"}
        seen = Seen(states=states, held=frozenset(held), trackers={"nginx_crash": "0"})
        found[name] = dataclasses.replace(seen, **changes.get(name, {}))
    return found


def moves(decision: Decision) -> list[str]:
    return [f"{move.instance} {move.source} {move.target}" for move in decision.moves]


def after(decision: Decision) -> dict[str, dict[str, int]]:
    return {name: steps.after for name, steps in decision.steps.items()}


def asked(units: t.Sequence[t.Sequence[Instance]], seen: dict[str, Seen], **request: t.Any) -> Decision:
    return decide(Request(**request), units, seen)


def test_an_address_moves_to_the_node_that_was_named() -> None:
    decision = asked([[ONE]], fleet(), to="lb2")
    assert moves(decision) == ["VI_1 lb1 lb2"]
    steps = decision.steps["lb2"]
    assert (steps.before, steps.taking, steps.after) == ({}, {"VI_1": TAKING}, {"VI_1": MOVED})
    assert list(decision.steps) == ["lb2"]


def test_the_preferred_node_gets_it_back_and_nothing_is_remembered() -> None:
    moved = fleet(one="lb2", lb2={"marks": {"VI_1": MOVED}})
    for request in ({"back": True}, {"to": "lb1"}, {"away": "lb2"}):
        decision = asked([[ONE]], moved, **request)
        assert moves(decision) == ["VI_1 lb2 lb1"]
        assert after(decision) == {"lb1": {}, "lb2": {}}
        assert decision.steps["lb1"].taking == {"VI_1": TAKING}
        assert decision.steps["lb2"].taking == {"VI_1": MOVED}
        assert decision.steps["lb2"].between == {}


def test_a_second_move_beats_the_first_and_no_two_nodes_ever_stand_equal() -> None:
    decision = asked([[ONE]], fleet(one="lb2", lb2={"marks": {"VI_1": MOVED}}), to="lb3")
    assert moves(decision) == ["VI_1 lb2 lb3"]
    for step in ("before", "taking", "between", "after"):
        standing = [getattr(steps, step).get("VI_1") for steps in decision.steps.values()]
        assert len({one for one in standing if one}) == len([one for one in standing if one])
    assert after(decision) == {"lb2": {}, "lb3": {"VI_1": MOVED}}


def test_every_address_leaves_a_node_for_the_best_fit_other() -> None:
    assert moves(asked([[ONE], [TWO]], fleet(two="lb1"), away="lb1")) == ["VI_1 lb1 lb2", "VI_2 lb1 lb2"]
    frozen = fleet(lb2={"states": {"VI_1": "FAULT", "VI_2": "FAULT"}})
    assert moves(asked([[ONE]], frozen, away="lb1")) == ["VI_1 lb1 lb3"]


def test_an_address_that_is_elsewhere_already_is_kept_there() -> None:
    decision = asked([[ONE], [TWO]], fleet(one="lb3"), away="lb1")
    assert moves(decision) == []
    assert after(decision) == {"lb3": {"VI_1": MOVED}}


def test_what_moves_together_moves_together() -> None:
    decision = asked([[ONE, TWO]], fleet(two="lb1"), to="lb3")
    assert moves(decision) == ["VI_1 lb1 lb3", "VI_2 lb1 lb3"]
    assert decision.steps["lb3"].taking == {"VI_1": TAKING, "VI_2": TAKING}


def test_an_address_that_is_there_already_stays() -> None:
    decision = asked([[ONE]], fleet(), to="lb1")
    assert (decision.moves, decision.steps) == ((), {})
    again = asked([[ONE]], fleet(one="lb2", lb2={"marks": {"VI_1": MOVED}}), to="lb2")
    assert (again.moves, again.steps) == ((), {})


def test_the_target_has_the_time_that_the_protocol_needs() -> None:
    slow = dataclasses.replace(ONE, advert_int=3.0)
    assert asked([[slow]], fleet(), to="lb2").moves[0].seconds > 3 * 3.0 + 3.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reachable": False}, "lb2 cannot be reached"),
        ({"running": False}, "keepalived does not run on lb2"),
        ({"mute": "blog.example.com: refused"}, "nginx on lb2 does not answer through the node's own address"),
        ({"trackers": {"nginx_probe": "1"}}, "the tracker nginx_probe on lb2 says 1"),
        ({"states": {"VI_1": "FAULT"}}, "VI_1 is in state FAULT on lb2"),
        ({"states": {}}, "keepalived on lb2 has no vrrp_instance VI_1"),
        ({"drift": "/etc/keepalived/x"}, "the configuration of lb2 is not what the inventory says (/etc/keepalived/x)"),
        ({"held": frozenset(ONE.addresses)}, "held by lb1 and lb2 at once"),
    ],
)
def test_a_target_that_is_not_fit_is_refused_in_a_sentence(change: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HoldfastError) as caught:
        asked([[ONE]], fleet(lb2=change), to="lb2")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_move_away_is_refused_where_no_other_node_is_fit() -> None:
    broken = {"running": False}
    with pytest.raises(HoldfastError, match="no other node can take .* on lb2.* on lb3"):
        asked([[ONE]], fleet(lb2=broken, lb3=broken), away="lb1")


def test_the_state_of_a_node_that_takes_nothing_does_not_matter() -> None:
    gone = {"reachable": False, "running": False}
    assert moves(asked([[ONE]], fleet(lb3=gone), to="lb2")) == ["VI_1 lb1 lb2"]


def test_an_address_that_nobody_holds_is_not_moved() -> None:
    with pytest.raises(HoldfastError, match="held by nobody"):
        asked([[ONE]], fleet(one="nobody"), to="lb2")


def test_priorities_of_the_inventory_that_a_move_cannot_beat_are_refused() -> None:
    high = dataclasses.replace(ONE, priorities={"lb1": 253, "lb2": 240})
    with pytest.raises(HoldfastError, match="VI_1 has priority 253 in the inventory"):
        asked([[high]], fleet(), to="lb2")


@pytest.mark.parametrize("request_", [{}, {"to": "lb1", "away": "lb2"}, {"to": "lb1", "back": True}])
def test_one_thing_is_asked_for(request_: dict[str, t.Any]) -> None:
    with pytest.raises(HoldfastError, match="say one of"):
        Request(**request_)


def test_a_request_is_about_the_cluster_of_its_node_and_the_instances_of_its_addresses() -> None:
    other = Instance("VI_1", ("10.9.0.100",), {"lb8": 250, "lb9": 240}, 0.1)
    clusters = {"one": [ONE, TWO], "other": [other]}
    assert concerned(Request(to="lb2"), clusters) == {"one": [[ONE], [TWO]]}
    assert concerned(Request(to="lb2", addresses=("10.0.0.101",)), clusters) == {"one": [[ONE]]}
    assert concerned(Request(back=True), clusters) == {"one": [[ONE], [TWO]], "other": [[other]]}
    with pytest.raises(HoldfastError, match="lb7 is no balancer of this inventory"):
        concerned(Request(to="lb7"), clusters)
    with pytest.raises(HoldfastError, match="10.9.0.100 is no shared address of the cluster of lb2"):
        concerned(Request(to="lb2", addresses=("10.9.0.100",)), clusters)
    with pytest.raises(HoldfastError, match="addresses: .*nonsense"):
        Request(to="lb2", addresses=("nonsense",))


def test_instances_of_a_sync_group_are_asked_for_together() -> None:
    both = [dataclasses.replace(one, group="VG_1") for one in (ONE, TWO)]
    assert concerned(Request(to="lb2", addresses=("10.0.0.102",)), {"one": both}) == {"one": [both]}


def test_a_mark_is_a_priority_and_the_one_of_a_node_that_takes_over_ends_every_delay() -> None:
    instances = [
        {"name": "VI_1", "priority": 240, "preempt_delay": 60},
        {"name": "VI_2", "priority": 250, "nopreempt": True},
    ]
    assert marked(instances, {}) == instances
    assert marked(instances, {"VI_1": MOVED}) == [{"name": "VI_1", "priority": 252, "preempt_delay": 60}, instances[1]]
    assert marked(instances, {"VI_1": TAKING, "VI_2": TAKING, "VI_9": MOVED}) == [
        {"name": "VI_1", "priority": 254},
        {"name": "VI_2", "priority": 254},
    ]
