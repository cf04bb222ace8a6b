# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers send is remembered only within bounds, and only an answer to a question counts."""

from __future__ import annotations

import random
import socket
import struct
import tracemalloc
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector import packets, witnesses
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.adverts import Seen
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.conflict import AddressConflict
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import (
    MOST_CLAIMS,
    MOST_UNKNOWN,
    InstanceMonitor,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.reasons import explain
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.witnesses import UNDER_WAY, Echo
from ansible_collections.holdfast.nginx_ha.tests.unit.detector.test_detector_reasons import (
    FOREIGN,
    OURS,
    PEER,
    US,
    VIP,
    WATCHED,
    advert,
)

FORGED = 20_000
FEW = 512 * 1024  # bytes
REPLY: dict[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
WITNESS: dict[int, str] = {socket.AF_INET: "10.0.0.1", socket.AF_INET6: "fe80::1"}
BOTH = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])


@pytest.fixture
def grown() -> t.Iterator[t.Callable[[], int]]:
    """How many bytes more there are than at the beginning."""
    tracemalloc.start()
    try:
        begin = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[0] - begin
    finally:
        tracemalloc.stop()


def echo(family: int) -> t.Any:
    """Return one without its socket, which needs a privilege."""
    made = Echo.__new__(Echo)
    made.interface, made.family, made.mark, made.asked = "lo", family, 0x1234, {}
    return made


def answer(question: bytes) -> bytes:
    return bytes([REPLY[socket.AF_INET if question[0] == 8 else socket.AF_INET6]]) + question[1:]


def anywhere(number: int) -> str:
    return socket.inet_ntoa(struct.pack("!I", 0x0B000000 + number))


@BOTH
def test_an_answer_counts_once_and_from_the_one_that_was_asked(family: int) -> None:
    one, witness = echo(family), WITNESS[family]
    first, second = one.question(witness), one.question(witness)
    assert not one.answers("10.0.0.9", answer(first))
    assert one.answers(witness, answer(second))
    assert one.answers(witness, answer(first))  # late, and an answer all the same
    assert not one.answers(witness, answer(first))


@BOTH
@pytest.mark.parametrize("place", [4, 6, 8, 15], ids=["identifier", "sequence", "nonce", "end"])
def test_an_answer_that_differs_in_anything_counts_for_nothing(family: int, place: int) -> None:
    one, witness = echo(family), WITNESS[family]
    reply = bytearray(answer(one.question(witness)))
    reply[place] ^= 1
    assert not one.answers(witness, bytes(reply))
    assert not one.answers(witness, bytes(reply[:-1]))


@BOTH
def test_forged_replies_are_remembered_nowhere(family: int, grown: t.Callable[[], int]) -> None:
    one, draw = echo(family), random.Random(50)
    for number in range(FORGED):
        if number % 100 == 0:
            one.question(WITNESS[family])
        body = struct.pack("!BBHHH", REPLY[family], 0, 0, one.mark, draw.randrange(1 << 16)) + struct.pack(
            "!Q", draw.getrandbits(64)
        )
        assert not one.answers(anywhere(number), body)
        assert not one.answers(WITNESS[family], body)
    assert sum(map(len, one.asked.values())) <= UNDER_WAY
    assert grown() < FEW


def test_who_is_asked_no_more_is_forgotten() -> None:
    one = echo(socket.AF_INET)
    for number in range(1000):
        one.forget_all_but([anywhere(number)])
        one.question(anywhere(number))
    assert len(one.asked) == 1


def test_an_interface_with_any_number_of_gateways_has_a_few(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = "".join(f"eth0 00000000 {number:08X} 0003 0 0 0 00000000\n" for number in range(1, 5000))
    (tmp_path / "routes").write_text(routes)
    monkeypatch.setattr(witnesses, "ROUTES", str(tmp_path / "routes"))
    assert 1 < len(witnesses.gateways("eth0", socket.AF_INET)) <= 10


def test_witnesses_that_come_and_go_are_forgotten_in_the_end(grown: t.Callable[[], int]) -> None:
    conflict = AddressConflict()
    for number in range(FORGED):
        conflict.witnessed(number / 100, anywhere(number), third=True)
    assert anywhere(FORGED - 1) in conflict.known(FORGED / 100)
    assert grown() < FEW


def test_claims_of_any_number_are_bounded_and_a_peer_is_always_seen(grown: t.Callable[[], int]) -> None:
    monitor = InstanceMonitor(WATCHED)
    monitor.holding({VIP})
    for number in range(FORGED):
        monitor.answered(1.0, VIP, f"02:{number:010x}", 1.0)
        monitor.advertised(1.0, advert(f"fe80::{number:x}", addresses=()))
        monitor.advertised(1.0, advert(anywhere(number)))
    assert len(monitor.claims) <= MOST_CLAIMS
    assert len(monitor.unknown) <= MOST_UNKNOWN
    for moment in (1.0, 1.5, 2.5):
        monitor.advertised(moment, advert(PEER))
    claim = monitor.split(2.6)
    assert claim is not None
    assert claim.source == PEER
    assert grown() < FEW


def test_a_stranger_is_named_until_it_is_silent_however_many_there_are() -> None:
    monitor = InstanceMonitor(WATCHED)
    monitor.advertised(1.0, advert(FOREIGN))
    named = set()
    for number in range(2000):
        monitor.advertised(1.0 + number / 100, advert(anywhere(number)))
        monitor.advertised(1.0 + number / 100, advert(FOREIGN))
        stranger = monitor.foreign(1.0 + number / 100)
        named.add(stranger.source if stranger else "")
    assert named == {FOREIGN}


def test_a_look_at_a_flood_keeps_little_and_still_finds_the_reason(grown: t.Callable[[], int]) -> None:
    wire, passed = Seen({US, PEER}), Seen({US, PEER})
    for number in range(FORGED):
        wire.add(advert(anywhere(number), router_id=number % 256, addresses=tuple(map(anywhere, range(9)))))
    for _time in range(1000):
        wire.add(OURS)
        wire.add(advert(PEER))
    assert explain(WATCHED, list(wire), list(passed)).name == "local_firewall"
    assert grown() < FEW


def test_a_look_sees_the_last_advert_of_each() -> None:
    seen = Seen(())
    for priority in (1, 2, 3):
        seen.add(advert(FOREIGN, priority=priority))
    seen.add(advert(PEER))
    seen.add(advert(FOREIGN, priority=4))
    assert [(one.source, one.priority) for one in seen] == [(PEER, 240), (FOREIGN, 4)]


def test_one_read_of_a_flood_ends() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:

        def endless() -> t.Iterator[int]:
            for _one in packets.drain(ours):
                theirs.send(b"x")
                yield 1

        theirs.send(b"x")
        assert sum(endless()) <= packets.MOST
