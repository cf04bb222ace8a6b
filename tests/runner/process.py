# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one step: its output in a log of its own, its time limited, its tests counted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import typing as t

from lab.command import LAB_DIRECTORY, ROOT, environment
from lab.number import NUMBER, enter, variables
from runner import coverage
from runner.step import Counts, Lab, Result, Step, counts_of

__all__ = ("LOGS", "run_command", "run_step")

LOGS = LAB_DIRECTORY / "log"
PLAIN = {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
# For a lab that measures: whoever needs none leaves it three quarters of a processor that both want.
GIVE_WAY = ("nice", "-n", "5")


def run_step(step: Step, lab: int | None = None) -> Result:
    """Run a step, in the lab of this number if it needs one, keep what it prints in its log, and count."""
    report = LOGS / f"{_slug(step.name)}.xml"
    report.unlink(missing_ok=True)
    more = {"PYTEST_ADDOPTS": f"--junitxml={report}"} if step.pytest else {}
    command = (*(GIVE_WAY if step.lab is Lab.NONE else ()), *step.command)
    result = run_command(step.name, command, lab=lab, limit=step.limit, more={**step.environment, **more})
    succeeded = result.ok
    result.passed = result.failed = 0
    if step.pytest:
        counts = counts_of(report.read_text()) if report.exists() else Counts()
        result.passed, result.failed, result.skipped = counts.passed, counts.failed, counts.skipped
        result.remarks += counts.remarks
        if not counts.passed + counts.failed:
            result.failed += 1
            result.remarks.append("no test ran")
    if step.coverage and coverage.REPORT.exists():
        result.remarks.append(coverage.figures(coverage.REPORT.read_text()))
    if step.itself:
        result.passed += succeeded
        result.failed += not succeeded
    elif not succeeded and not result.failed:
        result.failed += 1
        result.remarks.append("it failed, though no test of it did")
    return result


def run_command(
    name: str,
    command: t.Sequence[str],
    *,
    lab: int | None = None,
    limit: float = 600,
    more: t.Mapping[str, str] | None = None,
) -> Result:
    """Run a command that must succeed within ``limit`` seconds, where the addresses of this lab are reached if any."""
    log = LOGS / f"{_slug(name)}.log"
    own = {**environment(), **PLAIN, **variables(NUMBER if lab is None else lab), **(more or {})}
    begin = time.monotonic()
    with log.open("w") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        try:
            code = _wait([*(enter(lab) if lab is not None else ()), *command], own, output, limit)
        except FileNotFoundError as error:
            code, words = 127, f"{error.filename} is not installed"
        else:
            words = f"did not end within {limit:g} s" if code is None else ""
    return Result(
        name,
        passed=int(code == 0),
        failed=int(code != 0),
        seconds=round(time.monotonic() - begin, 1),
        log=os.path.relpath(log, ROOT),
        remarks=[words] if words else [],
    )


def _wait(command: t.Sequence[str], own: t.Mapping[str, str], output: t.IO[str], limit: float) -> int | None:
    """Return the exit code of a command, or None when its time was up; then nothing of it goes on."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
