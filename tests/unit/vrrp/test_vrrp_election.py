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
    Stray,
    effective_priority,
    elect,
    possible,
    stray,
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
        ({"x": -253}, {("a", "x")}, 1),
        ({"x": -254}, {("a", "x")}, None),
        ({"x": -254}, set(), 250),
        ({"x": 100}, set(), 254),
        ({"x": -30, "y": -30}, {("a", "x"), ("a", "y")}, 190),
        ({"x": -30, "y": 0}, {("a", "x"), ("a", "y")}, None),
        ({"x": -30}, {("b", "x")}, 250),
    ],
)
def test_the_effective_priority_stays_in_range(trackers: dict[str, int], failed: Failed, expected: int | None) -> None:
    assert effective_priority(pair({"trackers": trackers})[0], frozenset(failed)) == expected


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


def trio(**more: t.Any) -> list[Node]:
    return [Node(f"n{at}", 250 - 10 * at, f"10.0.0.{at + 1}", **more) for at in range(3)]


@pytest.mark.parametrize(
    ("nodes", "history"),
    [
        pytest.param(pair(FATAL, FATAL), None, id="a pair with weight 0"),
        pytest.param(pair({**FATAL, "nopreempt": True}, FATAL), None, id="nopreempt with weight 0"),
        pytest.param(trio(trackers={"x": 0, "y": -25}), None, id="three nodes, and a weight beyond the widest gap"),
        pytest.param(trio(trackers={"y": -15}), [("n0", "y", True), ("n1", HOST, True)], id="within the widest gap"),
        pytest.param(
            pair({"nopreempt": True, "trackers": {"x": -20}}, {"trackers": {"x": -20}}),
            [("a", HOST, True), ("b", "x", True), ("a", HOST, False)],
            id="the preferred one does not come back to an address that an unfit node holds",
        ),
    ],
)
def test_every_history_is_walked_through(nodes: list[Node], history: list[t.Any] | None) -> None:
    found = stray(nodes)
    if history is None:
        assert found is None
        return
    assert found is not None
    assert len(found.events) == len(history)
    failed = followed(nodes, found)
    assert found.fit not in {node for node, _what in failed}
    assert found.holder in {node for node, _what in failed}
    assert sorted(found.events) == sorted(history)


def followed(nodes: list[Node], found: Stray) -> Failed:
    """Return what has failed in the end of a history, by which the address can come to the holder that it names."""
    holders: set[str | None] = set(possible(nodes))
    failed: Failed = set()
    for node, what, fails in found.events:
        failed = failed | {(node, what)} if fails else failed - {(node, what)}
        holders = {one for holder in holders for one in possible(nodes, frozenset(failed), holder) or (None,)}
    assert found.holder in holders
    return failed


class Speaker:
    """A node as the protocol has it: it knows its own state, and what it hears in a round."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.address = int(node.address.rpartition(".")[2])
        self.master = False

    def hear(self, masters: list[tuple[int, int]], own: int | None) -> bool:
        """Return whether it is master after a round in which these (priority, address) were heard."""
        if own is None:
            return False
        others = [one for one in masters if one[1] != self.address]
        if self.master:
            return not any(one > (own, self.address) for one in others)
        return not others or (not self.node.nopreempt and all(priority < own for priority, _address in others))


def settled(speakers: list[Speaker], failed: Failed) -> list[str]:
    """Let them speak until nothing changes; return who is master."""
    for _round in range(20):
        own = {one: effective_priority(one.node, frozenset(failed)) for one in speakers}
        masters = [(priority, one.address) for one, priority in own.items() if one.master and priority is not None]
        after = {one: one.hear(masters, own[one]) for one in speakers}
        # Of those that hear nobody the highest priority is the first to speak.
        new = [one for one in speakers if after[one] and not one.master]
        first = max(new, key=lambda one: (own[one] or 0, one.address), default=None)
        changed = False
        for one in speakers:
            master = after[one] if one.master else one is first
            changed, one.master = changed or master != one.master, master
        if not changed:
            return [one.node.name for one in speakers if one.master]
    raise AssertionError("they never agree")


@st.composite
def clusters(draw: st.DrawFn) -> list[Node]:
    count = draw(st.integers(2, 3))
    priorities = draw(st.lists(st.integers(1, 254), min_size=count, max_size=count, unique=True))
    names = draw(st.sets(st.sampled_from(["x", "y"])))
    weights = st.sampled_from([0, 0, -5, -30, -254, 5, 30])
    return [
        Node(
            f"n{at}", priority, f"10.0.0.{at + 1}", draw(st.booleans()), {name: draw(weights) for name in sorted(names)}
        )
        for at, priority in enumerate(priorities)
    ]


@given(clusters(), st.data())
def test_what_the_protocol_does_is_what_was_walked_through(nodes: list[Node], data: st.DataObject) -> None:
    """Never two holders; and never an unfit one beside a fit node, where the walk has found no way to it."""
    every = list(itertools.product([node.name for node in nodes], [HOST, *nodes[0].trackers]))
    speakers = [Speaker(node) for node in nodes]
    failed: set[tuple[str, str]] = set()
    way = stray(nodes)
    [holder] = settled(speakers, failed)
    for event in data.draw(st.lists(st.sampled_from(every), max_size=8)):
        failed ^= {event}
        masters = settled(speakers, failed)
        unfit = {node for node, _what in failed}
        assert masters == [one for one in [elect(nodes, frozenset(failed), holder)] if one]
        holder = masters[0] if masters else ""
        if way is None and len(unfit) < len(nodes):
            assert holder
            assert holder not in unfit


@given(clusters())
def test_a_way_to_a_wrong_holder_is_one(nodes: list[Node]) -> None:
    found = stray(nodes)
    if found is not None:
        assert found.holder in {node for node, _what in followed(nodes, found)}


@pytest.mark.parametrize(
    ("nodes", "failed", "holder", "expected"),
    [
        pytest.param(pair(other={"priority": 250}), set(), None, ("b", "a"), id="a tie is a race"),
        pytest.param(pair(other={"priority": 250}), set(), "a", ("a",), id="and none where one holds"),
        pytest.param(trio(), {("n0", HOST)}, "n0", ("n1",), id="who is late takes it back"),
        pytest.param(trio(nopreempt=True), {("n0", HOST)}, "n0", ("n1", "n2"), id="unless it must not"),
        pytest.param(
            trio(trackers={"x": -10}), {("n0", HOST), ("n1", "x")}, "n0", ("n2", "n1"), id="a tie by a tracker"
        ),
    ],
)
def test_who_may_win_when_one_is_late(
    nodes: list[Node], failed: Failed, holder: str | None, expected: tuple[str, ...]
) -> None:
    assert possible(nodes, frozenset(failed), holder) == expected
    assert elect(nodes, frozenset(failed), holder) == expected[0]


def test_a_race_that_an_unfit_node_can_win_is_told() -> None:
    """Its priority is lowered to that of a fit one, and nobody holds the address: who is first, is chance."""
    found = stray(trio(trackers={"y": -10}))
    assert found is not None
