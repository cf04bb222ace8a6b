# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public CI runs every stage that `bin/test` runs, and what runs before a commit runs as it stands there."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import typing as t

import yaml

from lab.command import ROOT
from runner.interpreters import PYTHONS
from runner.steps import LONG, chains, scenarios

WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
# It needs configurations of other people, which are no part of the project.
NOT_PUBLIC = {"corpora"}


def matrix(job: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load(WORKFLOW.read_text())["jobs"][job]["strategy"]["matrix"]
    return found


def test_it_has_every_stage() -> None:
    sessions = {step.session.partition("(")[0].partition("-")[0] for chain in chains([], 0) for step in chain}
    assert set(matrix("stage")["stage"]) == sessions - NOT_PUBLIC - {"scenario", "pythons"}
    assert tuple(matrix("pythons")["python"]) == PYTHONS


def test_it_has_every_scenario_and_those_that_take_long_at_night() -> None:
    listed = {}
    for event in ("push", "schedule"):
        command = (sys.executable, "-m", "runner.steps", event)
        done = subprocess.run(
            command, cwd=ROOT, env={"PYTHONPATH": "tests"}, capture_output=True, check=True, text=True
        )
        listed[event] = json.loads(done.stdout)
    assert listed["schedule"] == scenarios()
    assert listed["push"] == [name for name in scenarios() if name not in LONG]
    assert '-m runner.steps "$EVENT"' in WORKFLOW.read_text()


def hooks() -> t.Iterator[dict[str, t.Any]]:
    for repository in yaml.safe_load(HOOKS.read_text())["repos"]:
        yield from repository["hooks"]


def test_every_hook_is_a_tool_of_the_environment_that_the_whole_run_uses() -> None:
    programs = {shlex.split(hook["entry"])[0] for hook in hooks()}
    assert programs - {"shellcheck"} == {f".venv/bin/{name}" for name in ("mypy", "pytest", "ruff", "yamllint")}
    assert all((ROOT / program).exists() for program in programs - {"shellcheck"})
