# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that was made on several nodes and is not confirmed ends in the same way on all of them."""

from __future__ import annotations

import itertools
import socket
import threading
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import settle
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.settle import (
    CONFIRMED,
    GRACE,
    KEEP,
    LATE,
    OPEN,
    SILENT_PEER_AFTER,
    STAGED,
    UNDO,
    UNDONE,
    WAIT,
    answer,
    ask,
    decide,
)

BOOTED = float("inf")
SOON = -30.0
PEERS = ("b", "c")


@pytest.mark.parametrize(
    ("said", "overdue", "asked", "verdict"),
    [
        pytest.param({"b": CONFIRMED}, SOON, 1, KEEP, id="one was confirmed before the controller died"),
        pytest.param({"b": CONFIRMED, "c": LATE}, GRACE, 60, KEEP, id="one was confirmed, another is late"),
        pytest.param({"b": CONFIRMED}, BOOTED, 1, KEEP, id="started anew, one was confirmed meanwhile"),
        pytest.param({"b": UNDONE}, SOON, 1, UNDO, id="one went back at once, its daemon did not take it"),
        pytest.param({"b": UNDONE, "c": OPEN}, BOOTED, 1, UNDO, id="started anew, the controller has undone it"),
        pytest.param({"b": STAGED, "c": OPEN}, SOON, 1, UNDO, id="one never got the order"),
        pytest.param({"b": OPEN, "c": OPEN}, SOON, 30, WAIT, id="the controller still looks at it"),
        pytest.param({}, SOON, 30, WAIT, id="nobody answers yet, and there is time"),
        pytest.param({"b": LATE, "c": LATE}, SOON, 30, WAIT, id="the others were started anew, this one can be told"),
        pytest.param({"b": LATE, "c": LATE}, 0.5, 60, WAIT, id="over for all, which undo it in the same instant"),
        pytest.param({"b": LATE, "c": LATE}, GRACE, 60, UNDO, id="over for all"),
        pytest.param({"b": LATE, "c": LATE}, BOOTED, 1, UNDO, id="all were started anew"),
        pytest.param({"b": LATE, "c": OPEN}, BOOTED, 1, WAIT, id="started anew, one may still be confirmed"),
        pytest.param({"b": LATE}, GRACE, 60, WAIT, id="one is silent: it may be about to come back"),
        pytest.param({"b": LATE}, SILENT_PEER_AFTER, 90, UNDO, id="one is silent for good"),
        pytest.param({}, BOOTED, SILENT_PEER_AFTER - 1, WAIT, id="started anew, all are silent"),
        pytest.param({}, BOOTED, SILENT_PEER_AFTER, UNDO, id="started anew, all are silent for good"),
        pytest.param({"b": LATE}, 3600, 2, WAIT, id="this program was away: it asks before it judges"),
    ],
)
def test_what_follows_from_what_the_peers_say(
    said: t.Mapping[str, str], overdue: float, asked: float, verdict: str
) -> None:
    assert decide(said, PEERS, overdue=overdue, asked=asked) == verdict


def test_alone_it_is_undone_at_its_deadline_and_after_a_boot() -> None:
    assert decide({}, (), overdue=-0.1, asked=0) == WAIT
    assert decide({}, (), overdue=0.0, asked=0) == UNDO
    assert decide({}, (), overdue=BOOTED, asked=0) == UNDO


NODES = ("a", "b", "c")


@pytest.mark.parametrize("booted", [set(some) for n in range(4) for some in itertools.combinations(NODES, n)])
@pytest.mark.parametrize("confirmed", [set(some) for n in range(4) for some in itertools.combinations(NODES, n)])
@pytest.mark.parametrize("silent", [None, *NODES])
def test_all_nodes_that_hear_each_other_end_alike(confirmed: set[str], booted: set[str], silent: str | None) -> None:
    """The controller confirms some and dies; some are started anew; one may be away until the others have decided."""
    states = {node: CONFIRMED if node in confirmed else LATE if node in booted else OPEN for node in NODES}
    for second in range(-30, 200):
        for node in NODES:
            if states[node] in (CONFIRMED, UNDONE) or (node == silent and second < 100):
                continue
            overdue = BOOTED if node in booted else float(second)
            if overdue >= 0:
                states[node] = LATE
            said = {peer: states[peer] for peer in NODES if peer not in (node, silent if second < 100 else None)}
            verdict = decide(said, [one for one in NODES if one != node], overdue=overdue, asked=second + 30)
            states[node] = {KEEP: CONFIRMED, UNDO: UNDONE, WAIT: states[node]}[verdict]
    if silent in confirmed and confirmed == {silent}:
        # What nobody can know: the only one that was confirmed said nothing for a minute.
        assert set(states.values()) <= {CONFIRMED, UNDONE}
    else:
        assert len(set(states.values())) == 1, states
        assert set(states.values()) == {CONFIRMED if confirmed else UNDONE}


def test_a_question_is_answered_to_who_knows_the_change_and_to_nobody_else() -> None:
    known = {"one": CONFIRMED, "two": OPEN}
    nonce = bytes(range(16))
    asked = settle.question("two", nonce)
    said = answer(asked, known)
    assert said is not None
    assert settle.understood("two", nonce, said) == OPEN
    assert settle.understood("one", nonce, said) is None, "of another change"
    assert settle.understood("two", bytes(16), said) is None, "to another question"
    forged = said.replace(OPEN.encode(), b"late")
    assert settle.understood("two", nonce, forged) is None
    for junk in (b"", asked[:-1], asked + b"x", settle.question("three", nonce), bytes(57), said):
        assert answer(junk, known) is None


@pytest.mark.parametrize(("family", "here"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_peers_are_asked_and_the_silent_ones_left_out(family: int, here: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.bind((here, 0))

        def serve() -> None:
            data, sender = peer.recvfrom(512)
            peer.sendto(b"junk", sender)
            peer.sendto(answer(data, {"x": LATE}) or b"", sender)

        thread = threading.Thread(target=serve)
        thread.start()
        port = peer.getsockname()[1]
        assert ask("x", [here, "no address"], within=0.5, port=port) == {here: LATE}
        thread.join()
