# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a host tells whether it is fit and what differs, and changes nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host import lock
from ansible_collections.holdfast.nginx_ha.plugins.modules import host_look

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what it looks at belongs to root")

RUN = {"id": "ctl 1 7", "name": "ops on ctl (process 1)"}
INSTANCE = {"name": "VI_1", "virtual_router_id": 100}


def look(*, check: bool = False, **given: t.Any) -> dict[str, t.Any]:
    printed = io.StringIO()
    arguments = patch_module_args({**given, "_ansible_check_mode": check})
    with arguments, contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        host_look.main()
    answer: dict[str, t.Any] = json.loads(printed.getvalue())
    return answer


def step(path: Path) -> dict[str, t.Any]:
    return {"role": "nginx", "files": {"files": [{"path": str(path), "content": "new\n", "mode": "0644"}]}}


def test_what_differs_is_told_and_stays(tmp_path: Path) -> None:
    answer = look(steps=[step(tmp_path / "a")])
    assert (answer["changed"], answer["as_planned"], answer["differs"]) == (False, False, [f"files: {tmp_path}/a"])
    assert not (tmp_path / "a").exists()


def test_who_is_as_planned_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new\n")
    assert look(steps=[step(tmp_path / "a")])["as_planned"]
    # Only the package manager can say whether a package is the newest.
    assert not look(steps=[step(tmp_path / "a")], fitness={"newest": ["nginx"]})["as_planned"]


def test_in_check_mode_the_run_itself_says_what_differs(tmp_path: Path) -> None:
    answer = look(steps=[step(tmp_path / "a")], check=True)
    assert (answer["as_planned"], answer["differs"]) == (False, [])


def test_a_host_that_is_not_fit_says_so_and_gives_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_look, "settle", lambda *_given, **_more: pytest.fail("it took the lock"))
    answer = look(fitness={"commands": [["/not/there"]]}, holder=RUN)
    assert answer["failed"]
    assert answer["msg"].endswith(" | Nothing was changed.")


def test_what_cannot_be_brought_about_ends_with_what_was_done_which_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    answer = look(steps=[step(tmp_path / "a")])
    assert answer["failed"]
    assert answer["msg"].endswith(". Nothing was changed.")


def test_another_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        host_look, "settle", lambda *given, **more: lock.settle(*given, **more, path=str(tmp_path / "lock"))
    )
    assert "holder" not in look(holder=RUN)
    other = {"id": "ctl 2 7", "name": "ops on ctl (process 2)"}
    assert look(holder=other)["holder"]["name"] == RUN["name"]
    assert "holder" not in look(holder=other, check=True)
    assert "holder" not in look(holder=other, ended=RUN["id"])


@pytest.mark.parametrize(
    ("ids", "left_out", "again"),
    [
        ({"VI_1": 100}, [], False),
        ({"VI_1": 100}, ["lb2"], False),
        ({"VI_1": 7}, [], True),
        ({"VI_of_before": 7}, [], False),
        ({}, [], False),
        ({}, ["lb2"], True),
    ],
)
def test_a_plan_with_other_router_ids_than_those_in_use_is_made_again(
    ids: dict[str, int], left_out: list[str], again: bool
) -> None:
    assert host_look.is_planned_otherwise([INSTANCE], ids, left_out) is again


def test_a_backend_asks_nobody_for_router_ids() -> None:
    assert not host_look.is_planned_otherwise([], {}, ["lb2"])
