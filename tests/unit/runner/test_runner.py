# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `bin/test` counts, and that nothing is skipped in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner import process, report
from runner.coverage import figures
from runner.process import run_step
from runner.report import Report
from runner.step import Counts, Result, Step, counts_of

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="no"/></testcase>
<testcase classname="a" name="broken"><error message="fixture"/></testcase>
<testcase classname="a" name="absent"><skipped type="pytest.skip" message="only root can mount"/></testcase>
<testcase classname="a" name="known"><skipped type="pytest.xfail" message="later"/></testcase>
</testsuite></testsuites>"""
NOXFILE = """
import nox

@nox.session(venv_backend="none")
def run(session):
    session.run(*session.posargs, external=True)
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with one session, which runs what it is told to."""
    (tmp_path / "noxfile.py").write_text(NOXFILE)
    monkeypatch.setattr(process, "LOGS", tmp_path)
    monkeypatch.setattr(process, "ROOT", tmp_path)
    monkeypatch.setattr(report, "ROOT", tmp_path)


COVERAGE = """<coverage><packages>
<package name="module_utils._nginx"><classes>
<class filename="module_utils/_nginx/lexer.py">
<lines><line number="1" hits="2"/><line number="2" hits="1"/></lines>
</class>
<class filename="module_utils/_nginx/model/server.py"><lines><line number="1" hits="0"/></lines></class>
</classes></package>
<package name="modules"><classes>
<class filename="modules/nginx_upstream.py"><lines><line number="1" hits="0"/></lines></class>
</classes></package></packages></coverage>"""


def test_the_share_of_lines_is_told_by_package() -> None:
    assert figures(COVERAGE) == "50 % of the lines are reached: modules 0, _nginx 67"


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
        (Step("run", ("true",), pytest=False, itself=True), 1, 0, ""),
        (Step("run", ("false",), pytest=False, itself=True), 0, 1, ""),
        (Step("run", ("sleep", "60"), pytest=False, itself=True, limit=2), 0, 1, "did not end within 2 s"),
        (Step("run", ("no-such-linter",), pytest=False, itself=True), 0, 1, ""),
        (Step("no-such-session", pytest=False, itself=True), 0, 1, ""),
        (Step("run", ("true",)), 0, 1, "no test ran"),
        (Step("run", ("true",), itself=True), 1, 1, "no test ran"),
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
    result = run_step(Step("run", ("pytest", "--quiet", str(file))))
    assert (result.passed, result.failed, result.skipped) == (passed, failed, skipped)


@pytest.mark.parametrize(
    ("failed", "skipped", "line"),
    [(0, 0, "8 passed, 0 failed"), (2, 0, "8 passed, 2 failed"), (0, 3, "8 passed, 0 failed, 3 skipped")],
)
def test_the_last_line_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], failed: int, skipped: int, line: str
) -> None:
    run = Report(tmp_path)
    run.add(Result("unit", passed=7, skipped=skipped))
    run.add(Result("lint(mypy)", passed=1, failed=failed, remarks=["a remark"]))
    assert run.end() == (1 if failed else 0)
    assert capsys.readouterr().out.rstrip().split("\n")[-1] == line
    assert json.loads((tmp_path / "summary.json").read_text())["passed"] == 8
