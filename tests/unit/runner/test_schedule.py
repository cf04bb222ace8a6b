# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps a run has, and which of them run beside each other."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab.command import ROOT, environment
from runner import steps
from runner.interpreters import available, search_path
from runner.schedule import run_chains
from runner.step import Lab, Result, Step
from runner.steps import KEEP, KEPT, OWN, Chain, chains, scenario_chains, scenarios

SCENARIOS = scenarios()


class Machine:
    """Runs steps that only take a moment, and remembers what ran beside what."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.begun: list[tuple[Step, int | None]] = []
        self.beside: list[list[Step]] = []
        self._now: list[tuple[Step, int | None]] = []
        self._lock = threading.Lock()

    def run(self, step: Step, lab: int | None) -> Result:
        with self._lock:
            self._now.append((step, lab))
            self.begun.append((step, lab))
            self.beside.append([other for other, _lab in self._now])
            labs = [number for _step, number in self._now if number is not None]
            assert len(set(labs)) == len(labs), "two steps in one lab"
        time.sleep(0.01)  # long enough for another to begin
        with self._lock:
            self._now.remove((step, lab))
        return Result(step.name, passed=1, failed=int(step.session in self.failing))


def alone(*steps: Step) -> list[Chain]:
    return [(step,) for step in steps]


def test_every_step_runs_in_a_lab_of_its_own_if_it_needs_one() -> None:
    machine = Machine()
    wanted = [Step(str(number), lab=list(Lab)[number % 3]) for number in range(30)]
    run_chains(alone(*wanted), machine.run, [5, 6], 2)
    assert sorted(int(step.session) for step, _lab in machine.begun) == list(range(30))
    assert all((step.lab is Lab.NONE) == (lab is None) for step, lab in machine.begun)


def test_what_measures_has_the_only_lab_and_what_needs_none_goes_on_beside_it() -> None:
    machine = Machine()
    wanted = [Step(f"{lab.value} {number}", lab=lab) for number in range(8) for lab in Lab]
    run_chains(alone(*wanted), machine.run, [5, 6], 2)
    together = [{step.lab for step in steps if step.lab is not Lab.NONE} for steps in machine.beside]
    assert {Lab.ONE, Lab.ONLY} not in together
    assert not any(sum(step.lab is Lab.ONLY for step in steps) > 1 for steps in machine.beside)
    for of_what, most in ((Lab.NONE, 2), (Lab.ONE, 2)):
        assert max(sum(step.lab is of_what for step in steps) for steps in machine.beside) <= most
    assert max(map(len, machine.beside)) <= 4
    assert any({step.lab for step in steps} == {Lab.ONLY, Lab.NONE} for steps in machine.beside)


def test_what_needs_the_only_lab_is_not_kept_waiting_by_what_stands_behind_it() -> None:
    machine = Machine()
    chain = (Step("makes it", lab=Lab.ONE), Step("measures", lab=Lab.ONLY), Step("measures too", lab=Lab.ONLY))
    others = [Step("measures last", lab=Lab.ONLY), *(Step(f"other {number}", lab=Lab.ONE) for number in range(6))]
    run_chains([chain, *alone(*others)], machine.run, [5, 6], 2)
    begun = [step.session for step, _lab in machine.begun]
    # Another one runs beside the first, and perhaps a second one where that was shorter.
    assert begun.index("other 0") < begun.index("measures") < begun.index("measures too") < begun.index("measures last")
    assert begun.index("measures last") <= 5


@pytest.mark.parametrize(("failing", "kept"), [((), [False, True, True]), (("first",), [False, False, True])])
def test_a_chain_has_one_lab_and_makes_it_anew_after_a_failure(failing: tuple[str, ...], kept: list[bool]) -> None:
    machine = Machine(*failing)
    chain = tuple(Step(name, (KEPT,) if name != "first" else (), lab=Lab.ONLY) for name in ("first", "then", "last"))
    run_chains([chain, *alone(*(Step(str(number), lab=Lab.ONE) for number in range(4)))], machine.run, [5, 6], 2)
    in_order = [(step, lab) for step, lab in machine.begun if step.lab is Lab.ONLY]
    assert [step.session for step, _lab in in_order] == ["first", "then", "last"]
    assert len({lab for _step, lab in in_order}) == 1
    assert [KEPT in step.arguments for step, _lab in in_order] == kept


def test_a_step_that_breaks_the_runner_does_not_end_the_run() -> None:
    def run(step: Step, _lab: int | None) -> Result:
        begun.append(step.session)
        raise RuntimeError("broken")

    begun: list[str] = []
    run_chains(alone(Step("a"), Step("b")), run, [5], 2)
    assert sorted(begun) == ["a", "b"]


def names(of: list[Chain]) -> list[str]:
    return [step.arguments[0] for chain in of for step in chain]


def test_every_scenario_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LONG", ("hundred", "thousand"))
    folders = ["b", "hundred", "thousand", "a"]
    assert names(scenario_chains(folders, 1, everything=True)) == ["a", "b", "hundred", "thousand"]
    assert names(scenario_chains(folders, 4)) == ["a", "b", "hundred"]
    assert names(scenario_chains(folders, 7)) == ["a", "b", "thousand"]
    sliced = [bool(step.environment.get("HOLDFAST_SLICE")) for chain in scenario_chains(folders, 7) for step in chain]
    assert sliced == [False, False, True]


@pytest.mark.parametrize("seed", range(len(steps.LONG)))
def test_no_scenario_of_this_clone_is_forgotten_or_run_twice(seed: int) -> None:
    assert sorted(names(scenario_chains(SCENARIOS, seed, everything=True))) == sorted(SCENARIOS)
    assert sorted(names(scenario_chains(SCENARIOS, seed))) == sorted(
        name for name in SCENARIOS if name not in steps.LONG or name == steps.LONG[seed]
    )
    assert set(steps.ORDER) <= set(SCENARIOS)


def test_one_lab_is_made_once_and_taken_down_once() -> None:
    [shared, *single] = scenario_chains(SCENARIOS, 0)
    assert names([shared]) == ["default", "fitness", "failover", "chaos", steps.LONG[0]]
    assert [KEPT in step.arguments for step in shared] == [False, True, True, True, True]
    assert [KEEP in step.arguments for step in shared] == [True, True, True, True, False]
    assert all(len(chain) == 1 and len(chain[0].arguments) == 1 for chain in single)


def test_every_session_of_nox_is_a_step() -> None:
    listed = subprocess.run(("nox", "--list"), cwd=ROOT, env=environment(), capture_output=True, check=True, text=True)
    wanted = {name for name in re.findall(r"^[*-] (\S+)", listed.stdout, re.MULTILINE) if "pythons-" not in name}
    run = {step.session for chain in chains(SCENARIOS, 0) for step in chain}
    assert run - wanted == {f"pythons-{version}" for version in available() if version != OWN}
    assert wanted <= run


def test_a_python_is_found_where_pyenv_has_it_and_its_shims_are_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "versions" / "3.7.16" / "bin").mkdir(parents=True)
    path = search_path({"PYENV_ROOT": str(tmp_path), "PATH": f"{tmp_path}/shims:/usr/bin"})
    assert path == f"/usr/bin:{tmp_path}/versions/3.7.16/bin"
