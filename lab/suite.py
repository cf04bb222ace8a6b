# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that must hold, one step after the other: what `bin/test` runs, counts and reports."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from lab import fleet, machine, matrix
from lab.command import LAB_DIRECTORY, ROOT, LabError, environment, say
from lab.daemons import ensure_daemons
from lab.image import ensure_image
from lab.inventory import DEFAULT_INVENTORY, nodes_of, read_inventory
from lab.lock import lab_lock

__all__ = ("Counts", "Result", "Step", "counts_of", "main", "run_step")

LOGS = LAB_DIRECTORY / "log"
SHOWN_LINES = 60
PURE = ("nginx", "keepalived", "vrrp")  # rooms below tests/unit that need no ansible
FIRST = "default"
# The Molecule scenarios that only `bin/test --all` runs.
LONG = frozenset({"busy", "modes", "move", "split"})
# What `bin/test --all` does more of.
MORE: t.Mapping[str, t.Mapping[str, str]] = {"chaos": {"HOLDFAST_CHAOS_ROUNDS": "100"}}


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
    shell = [str(path) for path in (*sorted(ROOT.glob("bin/*")), *sorted(ROOT.glob("lab/*.sh")), ROOT / ".ci/run")]
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


def scenario_steps(folders: t.Iterable[str], everything: bool = False) -> list[Step]:
    """Return the Molecule scenarios of this run: every folder that is one, the default first."""
    names = [FIRST, *sorted(set(folders) - {FIRST})]
    return [
        Step(
            "Molecule",
            name,
            ("molecule", "test", f"--scenario-name={name}"),
            pytest=True,
            limit=5400 if everything else 1800,
            environment=MORE.get(name, {}) if everything else {},
        )
        for name in names
        if everything or name not in LONG
    ]


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


def run_step(step: Step) -> Result:
    """Run a step, keep what it prints in its log, and count."""
    slug = f"{step.stage}-{step.name}".lower().replace("/", "-").replace(" ", "-")
    log, report = LOGS / f"{slug}.log", LOGS / f"{slug}.xml"
    result = Result(step.stage, step.name, log=str(log.relative_to(ROOT)))
    begin = time.monotonic()
    try:
        code = _run(step, log, report)
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


def _run(step: Step, log: Path, report: Path) -> int | None:
    """Run the command of a step and return its exit code, or None when its time was up."""
    variables = environment()
    plain = {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    variables.update(plain, ANSIBLE_HOME=str(ROOT / ".ansible"))
    variables.update(step.environment)
    if step.pytest:
        variables["PYTEST_ADDOPTS"] = f"--junitxml={report}"
    report.unlink(missing_ok=True)
    with log.open("w") as output:
        output.write(f"$ {' '.join(step.command)}\n")
        output.flush()
        process = subprocess.Popen(
            step.command,
            cwd=ROOT,
            env=variables,
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

    def heading(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        print(f"\n{self._paint('1', f'== {text}')}  ({minutes}:{seconds:02d})", flush=True)

    def run(self, step: Step) -> None:
        print(f"   {step.name:<22} ", end="", flush=True)
        self.add(run_step(step))

    def run_made(self, name: str, make: t.Callable[[], Step]) -> None:
        """Run a step whose tools have to be fetched first; that they cannot be had is a failure."""
        try:
            step = make()
        except LabError as error:
            self.note(Result("Tools", name, failed=1, remarks=[str(error)]))
        else:
            self.run(step)

    def act(self, stage: str, name: str, what: t.Callable[[], object]) -> bool:
        """Do a step of the lab itself, which counts as a test; whether it went well."""
        begin = time.monotonic()
        result = Result(stage, name, passed=1)
        try:
            what()
        except LabError as error:
            result.passed, result.failed, result.remarks = 0, 1, [str(error)]
        result.seconds = round(time.monotonic() - begin, 1)
        self.note(result)
        return result.ok

    def note(self, result: Result) -> None:
        """Add a result whose name was not printed when it began."""
        print(f"   {result.name:<22} ", end="")
        self.add(result)

    def add(self, result: Result) -> None:
        self.results.append(result)
        words = [f"{result.passed} passed"] if result.passed + result.failed > 1 or result.failed else []
        words += [f"{result.failed} failed"] if result.failed else []
        words += [f"{result.skipped} skipped"] if result.skipped else []
        word = self._paint("32", "ok  ") if result.ok else self._paint("31", "FAIL")
        print(f"{word} {result.seconds:7.1f} s  {', '.join(words)}", flush=True)
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
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    suite = Suite()
    try:
        machine.prepare()
        suite.heading("Lint")
        for step in lint_steps():
            suite.run(step)
        suite.heading("Unit tests")
        suite.run(pytest_step("tests/unit", "Unit"))
        for version, program in matrix.pythons().items():
            suite.run_made(f"Python {version}", partial(python_step, version, program))
        with lab_lock("bin/test"):
            folders = [path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")]
            _with_lab(suite, scenario_steps(folders, everything=options.all))
    except LabError as error:
        suite.note(Result("bin/test", "bin/test", failed=1, remarks=[str(error)]))
    return suite.report()


def _with_lab(suite: Suite, scenarios: t.Sequence[Step]) -> None:
    suite.heading("Lab")
    for clone in fleet.down(everyone=True):
        say(f"a lab of {clone} was left up: it is down now")
    nodes = nodes_of(read_inventory([DEFAULT_INVENTORY]))
    try:
        if suite.act("Lab", "up", lambda: fleet.up(nodes)) and suite.act("Lab", "daemons", _offer_daemons):
            suite.heading("Integration tests")
            suite.run(pytest_step("tests/integration", "Integration"))
            for name in matrix.CORES:
                suite.run_made(f"ansible-core {name}", partial(core_step, name))
            for step in corpus_steps():
                suite.run(step)
        suite.heading("Molecule scenarios")
        for step in scenarios:
            suite.run(step)
    finally:
        suite.heading("Lab")
        suite.act("Lab", "down", lambda: fleet.down(everyone=True))


def _offer_daemons() -> None:
    """Tell the tests where the daemons' programs are: HOLDFAST_NGINX, HOLDFAST_KEEPALIVED."""
    image = ensure_image(os.environ.get("LAB_DEBIAN", "12"))
    for program, path in ensure_daemons(image).items():
        os.environ[f"HOLDFAST_{program.upper()}"] = str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
