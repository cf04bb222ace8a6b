# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `bin/test` counts, and that nothing is skipped in silence."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lab import suite
from lab.suite import Counts, Result, Step, Suite, counts_of, longest_first, run_step, scenario_steps

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="no"/></testcase>
<testcase classname="a" name="broken"><error message="fixture"/></testcase>
<testcase classname="a" name="absent"><skipped type="pytest.skip" message="only root can mount"/></testcase>
<testcase classname="a" name="known"><skipped type="pytest.xfail" message="later"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "LOGS", tmp_path)
    monkeypatch.setattr(suite, "ROOT", tmp_path)


def test_a_report_is_counted() -> None:
    assert counts_of(REPORT) == Counts(
        passed=2,
        failed=2,
        skipped=1,
        remarks=("failed: a::bad", "failed: a::broken", "skipped: a::absent: only root can mount"),
    )


@pytest.mark.parametrize(
    ("step", "passed", "failed", "remark"),
    [
        (Step("Lint", "fine", ("true",)), 1, 0, ""),
        (Step("Lint", "unhappy", ("false",)), 0, 1, ""),
        (Step("Lint", "endless", ("sleep", "60"), limit=0.1), 0, 1, "did not end within 0.1 s"),
        (Step("Lint", "away", ("no-such-linter",)), 0, 1, "no-such-linter is not installed"),
        (Step("Unit", "empty", ("true",), pytest=True, itself=False), 0, 1, "no test ran"),
        (Step("Molecule", "unverified", ("true",), pytest=True), 1, 1, "no test ran"),
    ],
)
def test_a_step_is_counted(step: Step, passed: int, failed: int, remark: str) -> None:
    result = run_step(step)
    assert (result.passed, result.failed) == (passed, failed)
    assert result.remarks == ([remark] if remark else [])


@pytest.mark.parametrize(
    ("body", "passed", "failed", "skipped"),
    [
        ("def test_a():\n    pass\ndef test_b():\n    pass\n", 2, 0, 0),
        ("def test_a():\n    pass\ndef test_b():\n    assert 0\n", 1, 1, 0),
        ("import pytest\ndef test_a():\n    pytest.skip('no')\n", 0, 1, 1),
        ("import no_such_module\n", 0, 1, 0),
        ("", 0, 1, 0),
    ],
)
def test_tests_are_counted_one_by_one(tmp_path: Path, body: str, passed: int, failed: int, skipped: int) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(body)
    result = run_step(Step("Unit", "it", ("pytest", "--quiet", str(file)), pytest=True, itself=False))
    assert (result.passed, result.failed, result.skipped) == (passed, failed, skipped)


def test_every_scenario_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "LONG", ("hundred", "thousand"))
    folders = ["b", "hundred", "thousand", "a"]
    assert [step.name for step in scenario_steps(folders, 1, everything=True)] == ["a", "b", "hundred", "thousand"]
    assert [step.name for step in scenario_steps(folders, 4)] == ["a", "b", "hundred"]
    assert [step.name for step in scenario_steps(folders, 7)] == ["a", "b", "thousand"]
    assert [bool(step.environment.get("HOLDFAST_SLICE")) for step in scenario_steps(folders, 7)] == [False, False, True]


def test_no_two_steps_are_in_one_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int | None] = []

    def run(step: Step, lab: int | None) -> Result:
        assert step.lab == (lab is not None)
        assert lab is None or lab not in inside
        inside.append(lab)
        time.sleep(0.01)  # long enough for another to begin
        inside.remove(lab)
        return Result(step.stage, step.name, passed=1)

    monkeypatch.setattr(suite, "run_step", run)
    done = Suite()
    done.run([Step("Molecule", str(number), (), lab=number % 3 > 0) for number in range(12)], [5, 6])
    assert sorted(int(one.name) for one in done.results) == list(range(12))


def test_the_longest_begin_first() -> None:
    steps = [Step("Molecule", name, ()) for name in ("a", "notifications_and_firewall", "synchronized_change")]
    assert [step.name for step in longest_first(steps)] == ["synchronized_change", "notifications_and_firewall", "a"]


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (2, 1)])
def test_the_last_line_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str], failed: int, code: int) -> None:
    run = Suite()
    run.add(Result("Unit", "tests/unit", passed=7))
    run.add(Result("Lint", "mypy", passed=1, failed=failed, remarks=["a remark"]))
    assert run.report() == code
    assert capsys.readouterr().out.rstrip().split("\n")[-1] == f"8 passed, {failed} failed"
    assert json.loads((tmp_path / "summary.json").read_text())["passed"] == 8
