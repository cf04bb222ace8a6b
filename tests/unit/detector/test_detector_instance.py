# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two holders are a split and when they are a takeover, without a clock; and what is told of it."""

from __future__ import annotations

import json
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.config import Config
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.instance import InstanceMonitor
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.reporter import Reporter
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.service import tell
from ansible_collections.holdfast.nginx_ha.tests.unit.detector.test_detector_reasons import (
    FOREIGN,
    PEER,
    VIP,
    WATCHED,
    advert,
)

MAC = "02:00:00:00:00:0c"


def monitor(**more: t.Any) -> t.Any:
    made = InstanceMonitor(WATCHED._replace(**more))
    made.holding({VIP})
    return made


def answers(one: t.Any, *moments: float) -> None:
    for moment in moments:
        one.answered(moment, VIP, MAC, 1.0)


@pytest.mark.parametrize(
    ("moments", "now", "split"),
    [
        pytest.param([], 5.0, False, id="nobody answers"),
        pytest.param([1.0], 1.1, False, id="one answer is a takeover"),
        pytest.param([1.0, 1.5], 1.6, False, id="shorter than a takeover may last"),
        pytest.param([1.0, 2.0], 2.1, True, id="longer"),
        pytest.param([1.0, 2.0], 4.4, True, id="the next answer is not due yet"),
        pytest.param([1.0, 2.0], 4.6, False, id="over"),
        pytest.param([1.0, 9.0], 9.1, False, id="two moments far apart are two takeovers"),
    ],
)
def test_who_answers_for_long_is_a_second_holder(moments: list[float], now: float, split: bool) -> None:
    one = monitor()
    answers(one, *moments)
    assert (one.split(now) is not None) is split


def test_a_slow_standby_may_take_longer() -> None:
    one = monitor(detection=12.0)
    answers(one, *range(1, 13))
    assert one.split(12.0) is None
    answers(one, 13.0, 14.0)
    assert one.split(14.0) is not None


def test_an_address_that_is_not_held_here_has_one_holder() -> None:
    one = monitor()
    answers(one, 1.0, 2.0)
    one.holding(set())
    assert one.split(2.1) is None
    answers(one, 3.0, 4.0)
    assert one.split(4.1) is None


def hear(one: t.Any, *moments: float, **more: t.Any) -> None:
    for moment in moments:
        one.advertised(moment, advert(**more))


@pytest.mark.parametrize(
    ("more", "split"),
    [
        ({}, True),
        ({"priority": 0}, False),
        ({"router_id": 52}, False),
        ({"source": FOREIGN}, False),
        ({"source": "fd00::12"}, False),
        ({"interface": "eth1"}, True),
    ],
)
def test_another_master_is_heard(more: dict[str, t.Any], split: bool) -> None:
    one = monitor()
    hear(one, 1.0, 1.5, 2.0, **more)
    assert (one.split(2.1) is not None) is split


def test_who_answers_is_named_before_who_advertises() -> None:
    one = monitor()
    hear(one, 1.0, 1.5, 2.0, 2.5)
    answers(one, 1.4, 2.4)
    assert one.split(2.5).mac == MAC


def test_a_stranger_is_told_with_and_without_the_address() -> None:
    for held in ({VIP}, set()):
        one = monitor()
        one.holding(held)
        hear(one, 1.0, source=FOREIGN)
        assert one.foreign(2.0).source == FOREIGN
        assert one.foreign(100.0) is None


def test_the_mac_of_a_stranger_is_kept_though_it_is_seen_on_the_wire_alone() -> None:
    one = monitor()
    for mac, known in (("", ""), (MAC, MAC), ("", MAC)):
        hear(one, 1.0, source=FOREIGN, mac=mac)
        assert one.foreign(1.1).mac == known


@pytest.mark.parametrize(
    "more",
    [{"source": PEER}, {"source": "10.0.0.11"}, {"source": FOREIGN, "interface": "eth1"}],
)
def test_who_is_no_stranger(more: dict[str, t.Any]) -> None:
    one = monitor()
    hear(one, 1.0, **more)
    assert one.foreign(1.1) is None


@pytest.fixture
def events(tmp_path: Path) -> t.Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "events"))
        listener.setblocking(False)
        yield listener


def heard(events: socket.socket) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    while True:
        try:
            told = json.loads(events.recv(4096))
        except BlockingIOError:
            return found
        found.append((told["event"], told["state"], told["instance"]))


def reporter(tmp_path: Path) -> t.Any:
    made = Reporter(str(tmp_path / "split_brain.json"), str(tmp_path / "events"))
    made.begin()
    return made


def state(tmp_path: Path) -> t.Any:
    return json.loads((tmp_path / "split_brain.json").read_text())


def test_a_change_is_told_once(tmp_path: Path, events: socket.socket, capfd: pytest.CaptureFixture[str]) -> None:
    one = reporter(tmp_path)
    assert state(tmp_path) == {"state": "clear", "findings": []}
    for _time in range(3):
        one.say("split_brain", "VI_1", {"reason": "no_adverts", "message": "Two."})
    assert heard(events) == [("split_brain", "raised", "VI_1")]
    assert state(tmp_path)["state"] == "raised"
    assert {"event": "split_brain", "reason": "no_adverts"}.items() <= state(tmp_path)["findings"][0].items()
    one.say("split_brain", "VI_1", {"reason": "version", "message": "Another reason."})
    assert heard(events) == []
    assert state(tmp_path)["findings"][0]["reason"] == "version"
    for _time in range(3):
        one.say("split_brain", "VI_1", None)
    assert heard(events) == [("split_brain", "cleared", "VI_1")]
    assert state(tmp_path) == {"state": "clear", "findings": []}
    assert capfd.readouterr().err.count("\n") == 3


def test_what_an_earlier_run_left_is_taken_back(tmp_path: Path, events: socket.socket) -> None:
    reporter(tmp_path).say("split_brain", "VI_1", {"reason": "version", "message": "Two."})
    heard(events)
    reporter(tmp_path)
    assert heard(events) == [("split_brain", "cleared", "VI_1")]
    assert state(tmp_path)["state"] == "clear"


def test_nobody_has_to_listen(tmp_path: Path) -> None:
    reporter(tmp_path).say("split_brain", "VI_1", {"reason": "version", "message": "Two."})
    assert state(tmp_path)["state"] == "raised"


def test_a_full_socket_is_not_waited_for(tmp_path: Path, events: socket.socket) -> None:
    for _time in range(2000):
        tell(str(tmp_path / "events"), event="split_brain", state="raised", instance="VI_1", message="Two.")
    assert heard(events)


GOOD: dict[str, t.Any] = {
    "state_file": "s",
    "events": "e",
    "known_file": "k",
    "changes": "c",
    "interval": 1.0,
    "instances": [WATCHED._asdict()],
}


def test_a_right_configuration() -> None:
    assert Config(json.dumps(GOOD)).instances == [WATCHED]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "state_file is missing"),
        (json.dumps({**GOOD, "interval": 0.1}), "at least 0.25"),
        (json.dumps({**GOOD, "instances": [{**WATCHED._asdict(), "vips": ["10.0.0"]}]}), "cannot be read"),
    ],
)
def test_a_wrong_configuration(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Config(text)
