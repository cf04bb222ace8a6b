# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state file of the services that is not what they wrote costs what it held, and never the service."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.reporter import Reporter
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.witnesses import Known
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.records import State

EVENT = {"event": "master", "time": "2026-11-29T00:00:00.000Z", "message": "lb1 holds VI_1 now."}
GOOD: dict[str, t.Any] = {
    "states": {"instance VI_1": "master"},
    "commands": [{"event": EVENT, "commands": [["/bin/true", "word"]]}],
    "mails": [{"event": EVENT, "waited": 1.5}],
}
DAMAGED = [b"", b"{", b"\xff\xfe", b"null", b"[]", b"1", b'"text"', b"{}", b"[" * 100_000]
WRONG: list[t.Any] = [None, 1, "text", ["text"], [None], [{}], [{"event": EVENT, "waited": "long"}], {"text": 1}]
WRONG.append([{"event": {}}])
for _key in GOOD:
    DAMAGED += [json.dumps(dict(GOOD, **{_key: wrong})).encode() for wrong in WRONG]
NO_COMMANDS: list[t.Any] = [[], [[]], ["text"], [[1]], None]
DAMAGED += [json.dumps(dict(GOOD, commands=[{"event": EVENT, "commands": one}])).encode() for one in NO_COMMANDS]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(GOOD))
    state = State(str(path))
    assert {"states": state.states, "commands": list(state.commands), "mails": list(state.mails)} == GOOD


@pytest.mark.parametrize("content", DAMAGED)
def test_the_service_begins_anew_and_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    state = State(str(path))
    assert (state.states, list(state.commands), list(state.mails)) == ({}, [], [])
    said = capfd.readouterr()
    assert len((said.out + said.err).strip().split("\n")) == 1
    assert f"{path} cannot be read, what waited in it is lost" in said.out + said.err
    state.save()
    assert json.loads(path.read_text()) == {"states": {}, "commands": [], "mails": []}


@pytest.mark.parametrize("content", DAMAGED)
def test_the_detector_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    Known(str(path)).keep({"192.0.2.1"})
    assert Known(str(path)).addresses == {"192.0.2.1"}
    path.write_bytes(content)
    Reporter(str(path), str(tmp_path / "events")).begin()
    assert json.loads(path.read_text())["findings"] == []
