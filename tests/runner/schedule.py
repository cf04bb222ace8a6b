# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step may begin now: steps run beside each other as far as the processors and their labs allow."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from runner.step import Lab, Result, Step
from runner.steps import KEPT, Chain

__all__ = ("run_chains",)

RunStep = t.Callable[[Step, t.Optional[int]], Result]


@dataclass
class _Job:
    """A chain on its way: what is left of it, and the lab that it has."""

    steps: list[Step]
    lab: int | None = None
    running: bool = False

    @property
    def needs(self) -> Lab:
        return self.steps[0].lab


class _Schedule:
    """All jobs, and which of them run. The jobs that stand first are given way to."""

    def __init__(self, chains: t.Iterable[Chain], labs: t.Sequence[int], processors: int) -> None:
        self.jobs = [_Job(list(chain)) for chain in chains if chain]
        self.free_labs = list(labs)
        self.processors = processors

    def next(self) -> _Job | None:
        """Return the job to begin with now, or None while there is nothing to do but to wait."""
        waits_for_labs = first_has_lab = False
        for job in self.jobs:
            if job.running:
                first_has_lab = first_has_lab or job.lab is not None
                continue
            if job.needs is Lab.NONE:
                # Two labs wait now and then, too: one step without a lab is always under way.
                if self._busy() < self.processors or not self._running(Lab.NONE):
                    return job
            elif not waits_for_labs:
                if self._may_have_lab(job):
                    return job
                # Nothing that stands behind it takes the labs away from it, once it is its turn.
                waits_for_labs = job.needs is Lab.ONLY and not first_has_lab
        return None

    def begin(self, job: _Job) -> Step:
        job.running = True
        if job.needs is not Lab.NONE and job.lab is None:
            job.lab = self.free_labs.pop(0)
        return job.steps[0]

    def end(self, job: _Job, result: Result) -> None:
        job.running = False
        job.steps.pop(0)
        if not job.steps:
            self.jobs.remove(job)
            if job.lab is not None:
                self.free_labs.append(job.lab)
        elif not result.ok:
            # The lab is not as it shall be: the next step makes its own.
            step = job.steps[0]
            job.steps[0] = replace(step, arguments=tuple(word for word in step.arguments if word != KEPT))

    def _running(self, *needs: Lab) -> int:
        return sum(job.running and job.needs in needs for job in self.jobs)

    def _busy(self) -> int:
        """Return for how many processors there is work; who needs the only lab waits for events most of the time."""
        return self._running(Lab.NONE, Lab.ONE)

    def _may_have_lab(self, job: _Job) -> bool:
        if self._running(Lab.ONLY) or (job.lab is None and not self.free_labs):
            return False
        if job.needs is Lab.ONLY:
            return not self._running(Lab.ONE)
        return self._running(Lab.ONE) < self.processors


def run_chains(chains: t.Iterable[Chain], run: RunStep, labs: t.Sequence[int], processors: int) -> None:
    """Run every step of these chains, each that needs a lab in one of these, and return when all have ended."""
    schedule = _Schedule(chains, labs, max(processors, 2))
    changed = threading.Condition()

    def run_first(job: _Job, step: Step) -> None:
        result = Result(step.name, failed=1)
        try:
            result = run(step, job.lab)
        finally:
            with changed:
                schedule.end(job, result)
                changed.notify()

    with ThreadPoolExecutor(2 * schedule.processors) as pool, changed:
        while schedule.jobs:
            job = schedule.next()
            if job is None:
                changed.wait()
            else:
                pool.submit(run_first, job, schedule.begin(job))
