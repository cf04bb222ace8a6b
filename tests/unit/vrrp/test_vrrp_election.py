# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the address, failure by failure."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.election import (
    HOST,
    Node,
    effective_priority,
    elect,
    outcomes,
    stuck,
)
from hypothesis import given
from hypothesis import strategies as st

Failed = t.Set[t.Tuple[str, str]]


def pair(one: dict[str, t.Any] | None = None, other: dict[str, t.Any] | None = None) -> list[Node]:
    return [
        Node(**{"name": "a", "priority": 250, "address": "10.0.0.1", **(one or {})}),
        Node(**{"name": "b", "priority": 240, "address": "10.0.0.2", **(other or {})}),
    ]


FATAL = {"trackers": {"nginx": 0}}


@pytest.mark.parametrize(
    ("nodes", "failed", "holder", "expected"),
    [
        pytest.param(pair(), set(), None, "a", id="the preferred node when all is well"),
        pytest.param(pair(), {("a", HOST)}, "a", "b", id="the other when it is gone"),
        pytest.param(pair(), {("a", HOST), ("b", HOST)}, "a", None, id="nobody when both are gone"),
        pytest.param(pair(), set(), "b", "a", id="it takes the address back"),
        pytest.param(pair(one={"nopreempt": True}), set(), "b", "b", id="unless it must not"),
        pytest.param(pair(one={"nopreempt": True}), {("b", HOST)}, "b", "a", id="it still saves the address"),
        pytest.param(pair(FATAL, FATAL), {("a", "nginx")}, "a", "b", id="weight 0 takes it out"),
        pytest.param(pair(FATAL, FATAL), {("a", "nginx"), ("b", "nginx")}, "a", None, id="weight 0 on both"),
        pytest.param(pair({"trackers": {"x": -20}}), {("a", "x")}, "a", "b", id="a weight beyond the gap"),
        pytest.param(pair({"trackers": {"x": -5}}), {("a", "x")}, "a", "a", id="a weight within the gap"),
        pytest.param(pair({"trackers": {"x": -10}}), {("a", "x")}, "a", "a", id="a weight that makes a tie"),
        pytest.param(pair(other={"trackers": {"x": 20}}), set(), "a", "b", id="a bonus while it is well"),
        pytest.param(pair(other={"trackers": {"x": 20}}), {("b", "x")}, "a", "a", id="a bonus that is lost"),
        pytest.param(
            pair({"trackers": {"x": -20}}, {"nopreempt": True}), {("a", "x")}, "a", "a", id="nopreempt with a weight"
        ),
        pytest.param(pair(other={"priority": 250}), set(), None, "b", id="a tie goes to the higher address"),
        pytest.param(pair(other={"priority": 250}), set(), "a", "a", id="a tie takes nothing from a holder"),
        pytest.param(
            [Node("a", 250, "10.0.0.9"), Node("b", 250, "10.0.0.10")], set(), None, "b", id="addresses are numbers"
        ),
    ],
)
def test_election(nodes: list[Node], failed: Failed, holder: str | None, expected: str | None) -> None:
    assert elect(nodes, frozenset(failed), holder) == expected


@pytest.mark.parametrize(
    ("trackers", "failed", "expected"),
    [
        ({"x": -300}, {("a", "x")}, 1),
        ({"x": 100}, set(), 254),
        ({"x": -30, "y": -30}, {("a", "x"), ("a", "y")}, 190),
        ({"x": -30, "y": 0}, {("a", "x"), ("a", "y")}, None),
        ({"x": -30}, {("b", "x")}, 250),
    ],
)
def test_the_effective_priority_stays_in_range(trackers: dict[str, int], failed: Failed, expected: int | None) -> None:
    assert effective_priority(pair({"trackers": trackers})[0], frozenset(failed)) == expected


def test_outcomes_walks_through_every_combination_once() -> None:
    nodes = pair(FATAL, FATAL)
    found = list(outcomes(nodes))
    assert len(found) == len({failed for failed, _holders in found}) == 2**4
    assert found[0] == (frozenset(), "a")
    healthy = {failed: {"a", "b"} - {node for node, _fault in failed} for failed, _holders in found}
    assert all((holder in healthy[failed]) if healthy[failed] else holder is None for failed, holder in found)
    assert len(list(outcomes(nodes, at_once=1))) == 1 + 4


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param(pair({"trackers": {"x": -20}}), [], id="beyond the gap"),
        pytest.param(pair(FATAL, FATAL), [], id="weight 0"),
        pytest.param(
            pair({"priority": 150, "trackers": {"x": -5}}, {"priority": 100}), [("a", "x", 145, "b", 100)], id="-5"
        ),
        pytest.param(pair({"trackers": {"x": -10}}), [("a", "x", 240, "b", 240)], id="a tie does not move it"),
        pytest.param(pair({"trackers": {"x": -20}}, {"nopreempt": True}), [("a", "x", 230, "b", 240)], id="nopreempt"),
        pytest.param(pair({"nopreempt": True, "trackers": {"x": -20}}), [], id="nopreempt of the holder is no matter"),
        pytest.param(
            [
                Node("a", 250, "10.0.0.1", trackers={"x": -15}),
                Node("b", 240, "10.0.0.2", trackers={"x": -15}),
                Node("c", 230, "10.0.0.3", trackers={"x": -15}),
            ],
            [("a", "x", 235, "c", 230)],
            id="the gap of every pair counts, not of neighbours alone",
        ),
    ],
)
def test_weights_that_never_move_the_address(nodes: list[Node], expected: list[tuple[t.Any, ...]]) -> None:
    found = [(case.holder, case.tracker, case.remaining, case.successor, case.needed) for case in stuck(nodes)]
    assert found == expected


@given(
    st.lists(st.tuples(st.integers(1, 254), st.booleans(), st.integers(-20, 20)), min_size=1, max_size=4),
    st.data(),
)
def test_a_holder_is_able_and_nobody_takes_it_from_it(
    members: list[tuple[int, bool, int]], data: st.DataObject
) -> None:
    nodes = [
        Node(f"n{at}", priority, f"10.0.0.{at + 1}", nopreempt, {"x": weight})
        for at, (priority, nopreempt, weight) in enumerate(members)
    ]
    every = list(itertools.product([node.name for node in nodes], [HOST, "x"]))
    failed = frozenset(data.draw(st.sets(st.sampled_from(every))))
    holder = elect(nodes, failed, data.draw(st.sampled_from([None, *(node.name for node in nodes)])))
    able = {node.name for node in nodes if effective_priority(node, failed) is not None}
    assert (holder in able) if able else (holder is None)
    assert elect(nodes, failed, holder) == holder
