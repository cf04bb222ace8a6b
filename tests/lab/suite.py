# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that must hold, one step after the other: what `bin/test` runs, counts and reports."""

from __future__ import annotations

import argparse
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from lab import machine, matrix
from lab.command import LAB_DIRECTORY, ROOT, LabError, environment
from lab.daemons import ensure_daemons
from lab.image import ensure_image
from lab.lock import lab_lock
from lab.number import NUMBER, enter, variables

__all__ = ("Counts", "Result", "Step", "counts_of", "main", "run_step")

LOGS = LAB_DIRECTORY / "log"
SHOWN_LINES = 60
PURE = ("nginx", "keepalived", "vrrp")  # rooms below tests/unit that need no ansible
# The Molecule scenarios that `bin/test --all` runs whole, and every other run one of, by its seed, and a slice of it.
LONG = ("cpu_starvation", "vrrp_modes", "planned_move", "split_brain")
SLICE = {"HOLDFAST_SLICE": "3", "HOLDFAST_BUSY_SECONDS": "60"}
# What `bin/test --all` does more of: all variants instead of one by the seed, more rounds.
MORE = {"HOLDFAST_ALL": "1", "HOLDFAST_CHAOS_ROUNDS": "100"}
# These begin first, so that the last one to end is a short one.
LONGEST = ("tests/integration", "synchronized_change", "notifications_and_firewall")
# Scenarios run beside each other, each in a lab of its own. These measure what a client sees within tight limits, or
# take all processors, and run alone.
LABS = 2
ALONE = frozenset({"failover", "chaos", "forged_adverts", *LONG})


@dataclass(frozen=True)
class Step:
    """One command that must succeed. ``pytest``: its tests are counted one by one, and there must be some."""

    stage: str
    name: str
    command: tuple[str, ...]
    pytest: bool = False
    limit: float = 1800
    environment: t.Mapping[str, str] = field(default_factory=dict)
    # A scenario counts as a test beside the tests in it: its converge and idempotence are none of those.
    itself: bool = True
    # Whether it needs a lab to itself.
    lab: bool = False


@dataclass(frozen=True)
class Later:
    """A step whose tools have to be fetched first; that they cannot be had is a failure."""

    name: str
    make: t.Callable[[], Step]


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped, and the words for those that did not pass."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remarks: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of a step."""

    stage: str
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    log: str = ""
    remarks: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failed


def lint_steps() -> list[Step]:
    """Return the formatters, linters and checks of the collection's own form."""
    shell = [
        str(path) for path in (*sorted(ROOT.glob("bin/*")), *sorted(ROOT.glob("tests/lab/*.sh")), ROOT / ".ci/run")
    ]
    commands = {
        "ruff check": ("ruff", "check"),
        "ruff format": ("ruff", "format", "--check"),
        "mypy": ("mypy",),
        "shellcheck": ("shellcheck", "--external-sources", *shell),
        "yamllint": ("yamllint", "--strict", "."),
        "ansible-lint": ("ansible-lint", "--offline"),
        "collection build": ("ansible-galaxy", "collection", "build", "--force", f"--output-path={LAB_DIRECTORY}"),
        "antsibull-docs": ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
    }
    return [Step("Lint", name, command) for name, command in commands.items()]


def pytest_step(folder: str, stage: str) -> Step:
    """Return the step that runs the tests of a folder."""
    return Step(stage, folder, ("pytest", "--quiet", "-rs", folder), pytest=True, itself=False)


def python_step(version: str, program: str) -> Step:
    """Return the step that runs the tests of the pure rooms on another Python, which a managed host may have."""
    python = str(matrix.ensure_python(version, program))
    tests = [f"tests/unit/{room}" for room in PURE]
    return Step("Unit", f"Python {version}", (python, "-m", "pytest", "--quiet", *tests), pytest=True, itself=False)


def core_step(name: str) -> Step:
    """Return the step that runs the modules under another ansible-core."""
    tests = ["tests/integration/test_nginx_change.py", "tests/integration/test_keepalived_change.py"]
    variables = {"HOLDFAST_ANSIBLE": str(matrix.ensure_core(name))}
    command = ("pytest", "--quiet", "-rs", *tests)
    return Step("Integration", f"ansible-core {name}", command, pytest=True, itself=False, environment=variables)


def corpus_steps() -> list[Step]:
    """Return the steps that hold both languages against configurations of other people, where there are any."""
    return [
        Step("Integration", f"corpus {name}", ("python", f"tests/corpora/{name}.py", f"--{name}", os.environ[variable]))
        for name, variable in (("nginx", "HOLDFAST_NGINX"), ("keepalived", "HOLDFAST_KEEPALIVED"))
    ]


def scenario_steps(folders: t.Iterable[str], seed: int, everything: bool = False) -> list[Step]:
    """Return the Molecule scenarios of this run: every folder that is one, but of the long ones a slice of one."""
    sliced = LONG[seed % len(LONG)]
    return [
        Step(
            "Molecule",
            name,
            ("molecule", "test", f"--scenario-name={name}"),
            pytest=True,
            limit=5400 if everything else 1800,
            environment={"HOLDFAST_SEED": str(seed), **(MORE if everything else SLICE if name == sliced else {})},
            lab=True,
        )
        for name in sorted(folders)
        if everything or name not in LONG or name == sliced
    ]


def longest_first(steps: t.Iterable[Step | Later]) -> list[Step | Later]:
    """Return the steps in the order in which they had best begin beside each other."""
    return sorted(steps, key=lambda step: LONGEST.index(step.name) if step.name in LONGEST else len(LONGEST))


def counts_of(report: str) -> Counts:
    """Count the tests of a JUnit report; a test that is expected to fail, and does, has passed."""
    passed = failed = skipped = 0
    remarks = []
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            remarks.append(f"failed: {name}")
        elif skip is not None and skip.get("type") != "pytest.xfail":
            skipped += 1
            remarks.append(f"skipped: {name}: {skip.get('message', '')}")
        else:
            passed += 1
    return Counts(passed, failed, skipped, tuple(remarks))


def run_step(step: Step, lab: int | None = None) -> Result:
    """Run a step, in the lab of this number if it needs one, keep what it prints in its log, and count."""
    slug = f"{step.stage}-{step.name}".lower().replace("/", "-").replace(" ", "-")
    log, report = LOGS / f"{slug}.log", LOGS / f"{slug}.xml"
    result = Result(step.stage, step.name, log=str(log.relative_to(ROOT)))
    begin = time.monotonic()
    try:
        code = _run(step, lab, log, report)
    except FileNotFoundError:
        return Result(step.stage, step.name, failed=1, remarks=[f"{step.command[0]} is not installed"])
    result.seconds = round(time.monotonic() - begin, 1)
    if step.pytest:
        counts = counts_of(report.read_text()) if report.exists() else Counts()
        result.passed, result.failed, result.skipped = counts.passed, counts.failed, counts.skipped
        result.remarks += counts.remarks
        if not counts.passed + counts.failed:
            result.failed += 1
            result.remarks.append("no test ran")
    if code is None:
        result.remarks.append(f"did not end within {step.limit:g} s")
    if step.itself:
        result.passed, result.failed = (result.passed + (code == 0), result.failed + (code != 0))
    elif code != 0 and not result.failed:
        result.failed += 1
        result.remarks.append(f"ended with {code}")
    return result


def _run(step: Step, lab: int | None, log: Path, report: Path) -> int | None:
    """Run the command of a step and return its exit code, or None when its time was up."""
    plain = {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    own = {**environment(), **plain, **variables(NUMBER if lab is None else lab), **step.environment}
    if step.pytest:
        own["PYTEST_ADDOPTS"] = f"--junitxml={report}"
    command = (*(() if lab is None else enter(lab)), *step.command)
    report.unlink(missing_ok=True)
    with log.open("w") as output:
        output.write(f"$ {' '.join(step.command)}\n")
        output.flush()
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
            return process.wait(step.limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class Suite:
    """A run: it prints as it goes, remembers every result, and goes on after a failure."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.begin = time.monotonic()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._printing = threading.Lock()

    def heading(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        print(f"\n{self._paint('1', f'== {text}')}  ({minutes}:{seconds:02d})", flush=True)

    def run(self, steps: t.Sequence[Step | Later], labs: t.Sequence[int] = ()) -> None:
        """Run steps beside each other, as many as there are processors, each that needs a lab in one of these."""
        free: queue.Queue[int] = queue.Queue()
        for number in labs:
            free.put(number)

        def run_one(step: Step | Later) -> None:
            if isinstance(step, Later):
                try:
                    step = step.make()
                except LabError as error:
                    self.add(Result("Tools", step.name, failed=1, remarks=[str(error)]))
                    return
            lab = free.get() if step.lab else None
            try:
                self.add(run_step(step, lab))
            finally:
                if lab is not None:
                    free.put(lab)

        with ThreadPoolExecutor(max(os.cpu_count() or 1, 2)) as pool:
            list(pool.map(run_one, steps))

    def act(self, stage: str, name: str, what: t.Callable[[], object]) -> bool:
        """Do a step of the lab itself, which counts as a test; whether it went well."""
        begin = time.monotonic()
        result = Result(stage, name, passed=1)
        try:
            what()
        except LabError as error:
            result.passed, result.failed, result.remarks = 0, 1, [str(error)]
        result.seconds = round(time.monotonic() - begin, 1)
        self.add(result)
        return result.ok

    def add(self, result: Result) -> None:
        """Remember a result and print it."""
        with self._printing:
            self.results.append(result)
            self._print(result)

    def _print(self, result: Result) -> None:
        words = [f"{result.passed} passed"] if result.passed + result.failed > 1 or result.failed else []
        words += [f"{result.failed} failed"] if result.failed else []
        words += [f"{result.skipped} skipped"] if result.skipped else []
        word = self._paint("32", "ok  ") if result.ok else self._paint("31", "FAIL")
        print(f"   {result.name:<22} {word} {result.seconds:7.1f} s  {', '.join(words)}", flush=True)
        if not result.ok and result.log:
            lines = (ROOT / result.log).read_text(errors="replace").rstrip().split("\n")
            print("\n".join(f"      | {line}" for line in lines[-SHOWN_LINES:]))
            print(f"      the whole of it: {result.log}")
        for remark in result.remarks:
            print(f"      {remark}", flush=True)

    def report(self) -> int:
        """Write the summary and print the last line; the exit code."""
        passed, failed = sum(one.passed for one in self.results), sum(one.failed for one in self.results)
        seconds = round(time.monotonic() - self.begin, 1)
        summary = {
            "passed": passed,
            "failed": failed,
            "seconds": seconds,
            "steps": [asdict(one) for one in self.results],
        }
        (LOGS / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        self.heading("Result")
        for result in self.results:
            if not result.ok:
                print(f"   failed: {result.stage}: {result.name}")
        print(f"{passed} passed, {failed} failed", flush=True)
        return 1 if failed else 0

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


def main(words: t.Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/test", description="Everything that must hold; the last line counts.")
    parser.add_argument("--all", action="store_true", help="the scenarios that take long as well")
    options = parser.parse_args(words)
    seed = int(os.environ.get("HOLDFAST_SEED") or secrets.randbelow(10**6))
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    suite = Suite()
    print(f"HOLDFAST_SEED={seed} decides what is drawn by chance in this run.", flush=True)
    try:
        machine.prepare()
        suite.heading("Lint and unit tests")
        pythons = [
            Later(f"Python {version}", partial(python_step, version, program))
            for version, program in matrix.pythons().items()
        ]
        suite.run([pytest_step("tests/unit", "Unit"), *pythons, *lint_steps()])
        _with_labs(suite, seed, everything=options.all)
    except LabError as error:
        suite.add(Result("bin/test", "bin/test", failed=1, remarks=[str(error)]))
    return suite.report()


def _with_labs(suite: Suite, seed: int, *, everything: bool) -> None:
    """Run what needs hosts: the integration tests on hosts of their own, the scenarios in labs."""
    labs = range(NUMBER, NUMBER + LABS)
    with ExitStack() as stack:
        for number in labs:
            stack.enter_context(lab_lock("bin/test", number))
        suite.heading("Labs")
        _take_down(suite, labs)
        stack.callback(_take_down, suite, labs)
        if not suite.act("Lab", "image and daemons", _offer_daemons):
            return
        folders = [path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")]
        suite.heading("Integration tests and Molecule scenarios")
        steps: list[Step | Later] = [
            pytest_step("tests/integration", "Integration"),
            *scenario_steps(folders, seed, everything),
            *(Later(f"ansible-core {name}", partial(core_step, name)) for name in matrix.CORES),
            *corpus_steps(),
        ]
        suite.run(longest_first(step for step in steps if step.name not in ALONE), labs)
        for step in steps:
            if step.name in ALONE:
                suite.run([step], labs)


def _take_down(suite: Suite, labs: t.Iterable[int]) -> None:
    for number in labs:
        down = ("bin/lab", "down", "--all")
        suite.add(run_step(Step("Lab", f"lab {number} down", down, environment=variables(number))))


def _offer_daemons() -> None:
    """Tell the tests where the daemons' programs are: HOLDFAST_NGINX, HOLDFAST_KEEPALIVED."""
    image = ensure_image(os.environ.get("LAB_DEBIAN", "12"))
    for program, path in ensure_daemons(image).items():
        os.environ[f"HOLDFAST_{program.upper()}"] = str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
