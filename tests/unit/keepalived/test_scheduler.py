# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether keepalived got the real-time priority that its configuration asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import (
    Scheduler,
    bearable,
    may_raise_limits,
    real_time_fault,
    refused,
    scheduler,
)

ASKS = "global_defs {\n    vrrp_rt_priority 50\n}\n"


@pytest.mark.parametrize("now", [Scheduler("rr", 50), Scheduler("fifo", 50), None])
def test_nothing_is_said_where_nothing_is_wrong(now: Scheduler | None) -> None:
    assert refused(parse(ASKS), now) == ""
    assert refused(parse("global_defs {\n    router_id lb1\n}\n"), Scheduler("other", 0)) == ""


def test_a_priority_that_was_refused_is_told() -> None:
    assert "without the real-time priority 50 that it asks for" in refused(parse(ASKS), Scheduler("other", 0))


def test_the_process_of_the_pid_file_is_asked(tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "keepalived")
    process = subprocess.Popen([tmp_path / "keepalived", "60"])
    try:
        (tmp_path / "vrrp.pid").write_text(f"{process.pid}\n")
        files = [str(tmp_path / "old.pid"), str(tmp_path / "vrrp.pid")]
        while not Path(f"/proc/{process.pid}/comm").read_text().startswith("keepalived"):
            pass  # the name comes a moment after the program
        assert scheduler(files) == Scheduler("other", 0)
        (tmp_path / "old.pid").write_text(f"{os.getpid()}\n")  # another program has the number now
        assert scheduler(files) == Scheduler("other", 0)
    finally:
        process.kill()
        process.wait()
    assert scheduler(files) is None


@pytest.mark.parametrize(
    ("bounding_set", "may"),
    [("000001ffffffffff", True), ("0000000001000000", True), ("00000000a80425fb", False), ("000001fffeffffff", False)],
)
def test_whether_root_may_raise_limits_is_read_from_its_capabilities(
    tmp_path: Path, bounding_set: str, may: bool
) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tsystemd\nCapEff:\t000001ffffffffff\nCapBnd:\t{bounding_set}\n")
    assert may_raise_limits(str(status)) is may


def test_a_real_time_priority_that_would_kill_keepalived_is_left_out() -> None:
    asked = GlobalDefs(vrrp_rt_priority=50, vrrp_rlimit_rttime=500000, vrrp_no_swap=True)
    assert bearable(asked, may_raise=True) == (asked, [])
    spared, findings = bearable(asked, may_raise=False)
    assert spared == GlobalDefs(vrrp_priority=-20, vrrp_no_swap=True)
    assert [(one.severity, one.where) for one in findings] == [("warning", "global_defs.vrrp_rt_priority")]


def test_who_asks_for_none_is_told_nothing() -> None:
    assert bearable(GlobalDefs(vrrp_priority=-5), may_raise=False) == (GlobalDefs(vrrp_priority=-5), [])
    assert bearable(None, may_raise=False) == (None, [])


@pytest.mark.parametrize(("code", "words"), [(0, ""), (214, "cpu.rt_runtime_us")])
def test_a_real_time_priority_is_tried_in_a_unit_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    trial = tmp_path / "systemd-run"
    trial.write_text(f'#!/bin/sh\n[ "$*" = "${{*#*Priority=50}}" ] && exit 1\nexit {code}\n')
    trial.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    told = real_time_fault(50, may_raise=True)
    assert bool(told) is bool(words)
    assert words in told
    assert "CAP_SYS_RESOURCE" in real_time_fault(50, may_raise=False)


def test_without_systemd_run_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert real_time_fault(50, may_raise=True).startswith("keepalived_timing: ")
