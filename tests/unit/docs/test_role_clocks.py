# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that is set, forwards or backwards, changes nothing but the time that is written down."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector import reporter
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.reporter import Reporter
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.tree import Tree

WRITTEN_DOWN = {
    ("holdfast/_agent/notifier/main.py", "take"),
    ("holdfast/_agent/detector/reporter.py", "say"),
    ("holdfast/_agent/fetcher.py", "main"),  # a certificate holds by the time of the day
}


def wall_clocks(path: str, text: str) -> t.Iterator[tuple[str, str]]:
    """Yield the functions that ask for the time of the day."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and ast.unparse(node) in (
                    "time.time",
                    "time.time_ns",
                    "datetime.now",
                ):
                    yield path, function.name


def test_no_service_decides_by_the_time_of_the_day() -> None:
    files = Tree.of_this_collection().files
    assert {found for file in files.items() for found in wall_clocks(*file)} == WRITTEN_DOWN


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_how_long_something_lasted_is_no_difference_of_two_dates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jump: float
) -> None:
    class Clock:
        day, ticks = 1.7e9, 50.0

        def time(self) -> float:
            return self.day

        def monotonic(self) -> float:
            return self.ticks

    clock = Clock()
    monkeypatch.setattr(reporter, "time", clock)
    told = Reporter(str(tmp_path / "state.json"), "")
    told.say("split_brain", "VI_1", {"message": "two hold it"})
    clock.day += jump
    clock.ticks += 1.5
    told.say("split_brain", "VI_1", None)
    assert "VI_1: over after 1.5 s: two hold it" in capsys.readouterr().err
