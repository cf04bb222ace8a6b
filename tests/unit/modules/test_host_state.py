# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_state brings about what is given, in its order, and says what was done, also where it had to stop."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.state import SECTIONS, HostState
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import owned
from ansible_collections.holdfast.nginx_ha.plugins.modules import host_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what it brings about belongs to root")

SECRET = "s3cr3t-pl4nted"


def run(args: dict[str, t.Any], *, check: bool = False) -> tuple[dict[str, t.Any], str]:
    """Return what the module says, and all that it printed."""
    printed = io.StringIO()
    given = patch_module_args({**args, "_ansible_check_mode": check})
    with given, contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        host_state.main()
    answer: dict[str, t.Any] = json.loads(printed.getvalue())
    return answer, printed.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write to; in real life nothing is replaced below /tmp."""
    monkeypatch.setattr(owned, "replace_text", lambda path, text, _mode, _owner: Path(path).write_text(text))
    return tmp_path


def files(*paths: Path, text: str = "new\n", **more: t.Any) -> dict[str, t.Any]:
    return {"files": [{"path": str(path), "content": text, **more} for path in paths]}


def test_nothing_given_is_nothing_done() -> None:
    answer, _printed = run({})
    assert (answer["changed"], answer["changes"], answer["sections"]) == (False, [], {})


def test_the_difference_of_the_agent_is_a_line_and_not_its_programs(home: Path) -> None:
    answer, _printed = run({"agent": {"folder": str(home)}}, check=True)
    [difference] = answer["diff"]
    assert difference["before"] == ""
    assert re.fullmatch(r"the agent, \d+ files, [0-9a-f]{16}\n", difference["after"])


@pytest.mark.parametrize("check", [True, False])
def test_every_change_is_told_by_its_name(home: Path, check: bool) -> None:
    answer, _printed = run({"files": files(home / "a", home / "b")}, check=check)
    assert answer["changes"] == [f"files: {home}/a", f"files: {home}/b"]
    assert [one["after_header"] for one in answer["diff"]] == [f"{home}/a", f"{home}/b"]
    assert (home / "a").exists() is not check


def test_a_link_that_shall_not_be_there_goes(home: Path) -> None:
    (home / "there").write_text("")
    (home / "link").symlink_to(home / "there")
    answer, _printed = run({"files": {"files": [{"path": str(home / "link")}]}})
    assert answer["changes"] == [f"files: {home}/link"]
    assert not (home / "link").is_symlink()
    assert (home / "there").exists()


def test_what_was_done_before_an_error_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: t.Any, **_more: t.Any) -> t.NoReturn:
        raise HoldfastError("the kernel refuses it")

    monkeypatch.setitem(SECTIONS, "kernel", SECTIONS["kernel"]._replace(bring=refuse))
    answer, _printed = run({"files": files(home / "a"), "kernel": {}, "services": {"services": [{"name": "x"}]}})
    assert (answer["failed"], answer["msg"]) == (True, "the kernel refuses it")
    assert (answer["changed"], answer["changes"]) == (True, [f"files: {home}/a"])


def test_the_sections_follow_their_own_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name, section in SECTIONS.items():

        def bring(_state: HostState, _given: t.Any, name: str = name) -> Outcome:
            done.append(name)
            return Outcome()

        monkeypatch.setitem(SECTIONS, name, section._replace(bring=bring))
    given: dict[str, t.Any] = {"services": {}, "files": {}, "keepalived": {}, "agent": {}, "firewall": {}}
    HostState(check=True).bring(given)
    assert done == ["agent", "files", "firewall", "keepalived", "services"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"files": {"fils": []}}, "files: fils. Supported parameters include: files, folders."),
        ({"files": {"files": [{"path": "/etc/x", "mode": "u+x"}]}}, "files.files[0].mode: u+x is no permission"),
        ({"kernel": {"settings": [{"name": "x"}]}}, "kernel: missing required arguments: reason, value"),
        ({"keepalived": {"drift": "never"}}, "keepalived: value of drift must be one of"),
        ({"nginx": {"servers": [{"nam": "a"}]}}, "nginx: servers.nam"),
    ],
)
def test_a_fault_is_told_with_its_section(given: dict[str, t.Any], words: str) -> None:
    answer, _printed = run(given, check=True)
    assert answer["failed"]
    assert answer["msg"].startswith(words), answer["msg"]


def test_no_secret_is_told(home: Path) -> None:
    given = files(home / "a", text=SECRET, shown=False)
    _answer, printed = run({"files": given})
    assert SECRET not in printed
    instance = {"name": "VI_1", "authentication": {"auth_type": "PASS", "auth_pass": SECRET}, "priority": SECRET}
    answer, printed = run({"keepalived": {"instances": [instance]}}, check=True)
    assert answer["failed"]
    assert SECRET not in printed
