# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second run is kept off, and a run that was cut off keeps nobody off."""

from __future__ import annotations

import os
import platform
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.lock import LASTS, settle
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.lock import has_ended, identify

FIRST, SECOND = ({"id": f"ctl {number} 7", "name": f"ops on ctl (process {number})"} for number in (1, 2))


@pytest.fixture
def lock(tmp_path: Path) -> t.Callable[..., t.Any]:
    def ask(holder: t.Any, state: str = "present", ended: str = "", now: float = 100.0) -> t.Any:
        return settle(holder, state=state, ended=ended, now=now, path=str(tmp_path / "lock"))

    return ask


def test_a_second_run_is_told_of_the_first(lock: t.Callable[..., t.Any]) -> None:
    assert lock(FIRST) == {}
    assert lock(FIRST) == {}
    assert lock(SECOND, now=160.0) == {**FIRST, "left": LASTS - 60}


def test_the_next_run_begins_when_the_first_has_given_it_back(lock: t.Callable[..., t.Any]) -> None:
    lock(FIRST)
    lock(SECOND, state="absent")  # which has it not
    assert lock(SECOND)["id"] == FIRST["id"]
    lock(FIRST, state="absent")
    assert lock(SECOND) == {}


@pytest.mark.parametrize("how", [{"ended": FIRST["id"]}, {"now": 100.0 + LASTS}], ids=["known to have ended", "late"])
def test_a_run_that_was_cut_off_keeps_nobody_off(lock: t.Callable[..., t.Any], how: t.Any) -> None:
    lock(FIRST)
    assert lock(SECOND, **how) == {}
    assert lock(FIRST)["id"] == SECOND["id"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 1}', '{"id": "x", "name": "y", "until": "z"}'])
def test_a_file_that_is_no_lock_keeps_nobody_off(lock: t.Callable[..., t.Any], tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content)
    assert lock(FIRST) == {}
    assert lock(SECOND)["id"] == FIRST["id"]


def test_of_many_that_ask_in_one_moment_one_has_it(lock: t.Callable[..., t.Any]) -> None:
    told: list[t.Any] = []
    ask = [
        threading.Thread(target=lambda number=number: told.append(lock({"id": f"ctl {number} 7", "name": "x"})))
        for number in range(20)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert told.count({}) == 1
    assert len({one["id"] for one in told if one}) == 1


def test_a_run_of_this_controller_is_known_to_have_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        run = identify(process.pid)["id"]
        assert not has_ended(run)
        assert has_ended(f"{platform.node()} {process.pid} 1"), "another process has its number"
        process.kill()
    assert has_ended(run)
    assert not has_ended(identify(os.getpid())["id"])


@pytest.mark.parametrize("identity", ["elsewhere 99999999 7", "", "x", f"{platform.node()} x 7"])
def test_of_others_nothing_is_known(identity: str) -> None:
    assert not has_ended(identity)
