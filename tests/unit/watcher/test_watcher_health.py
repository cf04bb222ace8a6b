# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher's verdict: from a list of events to the two files, without a process or a clock."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.hysteresis import Hysteresis
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.config import Config
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher.health import Health, RestartGrace

ALIVE, DEAD, SILENT, FROZEN = "main lives", "main is dead", "no answer", "no answer for too long"
GOOD, ORPHAN = "answer", "answer of an orphan worker"


def verdict(events: t.Iterable[str], *, rise: int = 2) -> tuple[bool | None, bool]:
    health = Health(rise=rise)
    for event in events:
        if event == ALIVE:
            health.alive()
        elif event == DEAD:
            health.dead("a reason")
        elif event == SILENT:
            health.silent("a reason")
        elif event == FROZEN:
            health.froze("a reason")
        else:
            health.answered(main_is_dead=event == ORPHAN)
    return health.crashed, health.frozen


@pytest.mark.parametrize(
    ("events", "crashed", "frozen"),
    [
        pytest.param([], None, False, id="nothing is known yet"),
        pytest.param([ALIVE], False, False, id="at the start a living main process is enough"),
        pytest.param([GOOD], False, False, id="at the start one answer is enough"),
        pytest.param([DEAD], True, False, id="at the start a dead main process is unfit at once"),
        pytest.param([SILENT], True, False, id="at the start neither process nor answer"),
        pytest.param([ALIVE, DEAD], True, False, id="a crash counts at once"),
        pytest.param([ALIVE, SILENT], False, False, id="one missed answer does not count"),
        pytest.param([ALIVE, FROZEN], False, True, id="frozen when the silence has lasted"),
        pytest.param([ALIVE, FROZEN, GOOD], False, True, id="one answer does not thaw"),
        pytest.param([ALIVE, FROZEN, GOOD, GOOD], False, False, id="thawed after rise answers"),
        pytest.param([ALIVE, FROZEN, GOOD, SILENT, GOOD], False, True, id="answers must follow each other"),
        pytest.param([ALIVE, DEAD, ALIVE], True, False, id="a new main process alone is not fit again"),
        pytest.param([ALIVE, DEAD, ALIVE, GOOD], True, False, id="nor with one answer"),
        pytest.param([ALIVE, DEAD, ALIVE, GOOD, GOOD], False, False, id="but with rise answers"),
        pytest.param([ALIVE, DEAD, ORPHAN, ORPHAN, ORPHAN], True, False, id="orphan workers prove nothing"),
        pytest.param([ALIVE, DEAD, GOOD, DEAD, GOOD], True, False, id="a crash loop begins from the start"),
        pytest.param([ALIVE, DEAD, SILENT, FROZEN], True, False, id="what is dead cannot freeze"),
        pytest.param([ALIVE, FROZEN, DEAD], True, True, id="killed while frozen"),
        pytest.param([ALIVE, FROZEN, DEAD, GOOD, GOOD], False, False, id="and both are taken back together"),
    ],
)
def test_verdict(events: list[str], crashed: bool | None, frozen: bool) -> None:
    assert verdict(events) == (crashed, frozen)


def test_rise_is_counted() -> None:
    assert verdict([ALIVE, DEAD, GOOD], rise=1) == (False, False)
    assert verdict([ALIVE, DEAD, *[GOOD] * 4], rise=5) == (True, False)


GOOD_CONFIG: dict[str, t.Any] = {
    "track_dir": "/run/holdfast/track",
    "nginx": {"unit": "nginx.service", "pid_file": "/run/nginx.pid"},
    "probe": {
        **{"address": "127.0.0.1", "port": 80, "host": "h", "path": "/p"},
        **{"interval": 0.2, "timeout": 0.3, "fall": 2, "rise": 2},
    },
}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "track_dir is missing"),
        (json.dumps({**GOOD_CONFIG, "probe": {**GOOD_CONFIG["probe"], "port": "http"}}), "cannot be read"),
        (json.dumps({**GOOD_CONFIG, "probe": {**GOOD_CONFIG["probe"], "interval": 0}}), "at least 0.01"),
        (json.dumps({**GOOD_CONFIG, "probe": {**GOOD_CONFIG["probe"], "rise": 0}}), "at least 1"),
    ],
)
def test_a_wrong_configuration(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Config(text)


def test_a_right_configuration() -> None:
    config = Config(json.dumps(GOOD_CONFIG))
    assert (config.target.port, config.interval, config.pid_file) == (80, 0.2, "/run/nginx.pid")


@pytest.mark.parametrize(
    ("looks", "down"),
    [
        pytest.param([(False, 0), (True, 1), (True, 2.9)], False, id="dead for less than the patience"),
        pytest.param([(False, 0), (True, 1), (True, 3)], True, id="for as long as the patience"),
        pytest.param([(False, 0), (True, 1), (False, 2), (True, 2.5), (True, 4)], False, id="back in between"),
        pytest.param([(False, 0), (True, 1), (True, 3), (False, 4)], False, id="back in the end"),
        pytest.param([(None, 0), (True, 1)], True, id="dead at the first look: nobody knows for how long"),
        pytest.param([(None, 0), (True, 1), (False, 2), (True, 3), (True, 4)], False, id="and the second time not"),
    ],
)
def test_a_dead_nginx_may_take_its_time_to_come_back(looks: list[tuple[bool | None, float]], down: bool) -> None:
    grace = RestartGrace(2)
    assert [grace.look(crashed, now) for crashed, now in looks][-1] is down


def test_without_patience_dead_is_down() -> None:
    grace = RestartGrace(0)
    assert [grace.look(crashed, now) for crashed, now in [(False, 0), (True, 1)]] == [False, True]


@pytest.mark.parametrize(
    ("results", "failed"),
    [
        ([], None),
        ("g", False),
        ("b", True),
        ("gb", False),
        ("gbb", True),
        ("gbgb", False),
        ("gbbg", True),
        ("gbbgg", False),
        ("gbbgbg", True),
    ],
)
def test_a_check_counts_in_rows_and_its_first_result_counts_at_once(results: str, failed: bool | None) -> None:
    hysteresis = Hysteresis(fall=2, rise=2)
    for result in results:
        hysteresis.count(good=result == "g")
    assert hysteresis.failed is failed
