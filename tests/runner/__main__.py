# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that must hold: what `bin/test` runs, counts and reports."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import typing as t
from contextlib import ExitStack

from lab import machine
from lab.command import LabError
from lab.daemons import ensure_daemons
from lab.image import ensure_image
from lab.lock import lab_lock
from lab.number import NUMBER, name_of, variables
from runner.process import LOGS, run_command, run_step
from runner.report import Report
from runner.schedule import run_chains
from runner.step import Result, Step
from runner.steps import chains, scenarios

LABS = 2


def main(words: t.Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/test", description="Everything that must hold; the last line counts.")
    parser.add_argument("--all", action="store_true", help="the scenarios that take long as well")
    options = parser.parse_args(words)
    seed = int(os.environ.get("HOLDFAST_SEED") or secrets.randbelow(10**6))
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    report = Report(LOGS)
    print(f"HOLDFAST_SEED={seed} decides what is drawn by chance in this run.", flush=True)
    try:
        _run(report, seed, everything=options.all)
    except LabError as error:
        report.add(Result("bin/test", failed=1, remarks=[str(error)]))
    return report.end()


def _run(report: Report, seed: int, *, everything: bool) -> None:
    machine.prepare()
    labs = range(NUMBER, NUMBER + LABS)
    with ExitStack() as stack:
        for number in labs:
            stack.enter_context(lab_lock("bin/test", number))
        _take_down(report, labs)
        stack.callback(_take_down, report, labs)
        if not report.act("image and daemons", _offer_daemons):
            return

        def run(step: Step, lab: int | None) -> Result:
            result = run_step(step, lab)
            report.add(result)
            return result

        run_chains(chains(scenarios(), seed, everything), run, labs, os.cpu_count() or 1)


def _take_down(report: Report, labs: t.Iterable[int]) -> None:
    for number in labs:
        # From outside, so that its network namespace goes as well.
        report.add(run_command(f"{name_of(number)} down", ("bin/lab", "down", "--all"), more=variables(number)))


def _offer_daemons() -> None:
    """Tell the tests where the daemons' programs are: HOLDFAST_NGINX, HOLDFAST_KEEPALIVED."""
    image = ensure_image(os.environ.get("LAB_DEBIAN", "12"))
    for program, path in ensure_daemons(image).items():
        os.environ[f"HOLDFAST_{program.upper()}"] = str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
