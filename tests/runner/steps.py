# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps a run has, and in which order they had best begin."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from runner import controllers
from runner.interpreters import available
from runner.step import Lab, Step

__all__ = ("CORES", "KEEP", "KEPT", "LANGUAGES", "LINTERS", "Chain", "chains", "scenario_chains", "scenarios")

ROOT = Path(__file__).resolve().parents[2]
LINTERS = (
    "ruff-check",
    "ruff-format",
    "mypy",
    "shellcheck",
    "yamllint",
    "ansible-lint",
    "collection-build",
    "antsibull-docs",
)
CORES = tuple(controllers.CORES)
LANGUAGES = ("nginx", "keepalived")

OWN = "{}.{}".format(*sys.version_info)

KEEP, KEPT = "--keep", "--kept"
"""A scenario's lab stays up when it has ended; a scenario enters the lab that another one left, and makes nothing."""

# The Molecule scenarios that `bin/test --all` runs whole, and every other run one of, by its seed, and a slice of it.
LONG = (
    "cpu_starvation",
    "debian_11",
    "debian_13",
    "haproxy",
    "layer4",
    "lvs",
    "nginx_org",
    "planned_move",
    "reference",
    "reload",
    "rollout",
    "source_build",
    "split_brain",
    "tls",
    "tls_acme",
    "vrrp_modes",
)
SLICE = {"HOLDFAST_SLICE": "3", "HOLDFAST_BUSY_SECONDS": "60", "HOLDFAST_RELOADS": "25"}
# What `bin/test --all` does more of: all variants instead of one by the seed, more rounds.
MORE = {"HOLDFAST_ALL": "1", "HOLDFAST_CHAOS_ROUNDS": "100"}
# One after the other in one lab: all of them are about the pair of inventory/lab as site.yml makes it. The first makes
# it; the others break it and leave it as they found it, but for the modes, which come last.
SHARED = ("default", "fitness", "failover", "chaos", "cpu_starvation", "planned_move", "split_brain", "vrrp_modes")
ONLY = frozenset(
    {"failover", "chaos", "forged_adverts", "cpu_starvation", "planned_move", "reload", "split_brain", "vrrp_modes"}
)
# The scenarios begin in this order, all others last: a short one beside the first of the shared lab; then what needs
# the machine for its lab alone, while the steps without a lab go on; then the longest first, so that a short one ends
# the run.
ORDER = (
    *SHARED,
    "unprivileged",
    "forged_adverts",
    "rollout",
    "notifications_and_firewall",
    "synchronized_change",
    "reference",
    "ipv6",
    "three_nodes",
)

Chain = t.Tuple[Step, ...]


def chains(folders: t.Iterable[str], seed: int, everything: bool = False) -> list[Chain]:
    """Return the steps of a run, in the order of their importance; those of a chain follow each other in one lab."""
    return [*scenario_chains(folders, seed, everything), *((step,) for step in _steps_without_lab(seed, everything))]


def scenario_chains(folders: t.Iterable[str], seed: int, everything: bool = False) -> list[Chain]:
    """Return the Molecule scenarios of this run: every folder that is one, but of the long ones a slice of one."""
    sliced = LONG[seed % len(LONG)]
    wanted = [name for name in folders if everything or name not in LONG or name == sliced]
    wanted.sort(key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    shared = [name for name in wanted if name in SHARED]

    def step(name: str, *options: str) -> Step:
        more = MORE if everything else SLICE if name == sliced else {}
        return Step(
            "scenario",
            (name, *options),
            lab=Lab.ONLY if name in ONLY else Lab.ONE,
            itself=True,
            limit=5400 if everything else 1800,
            environment={"HOLDFAST_SEED": str(seed), **more},
        )

    def step_of_shared(name: str) -> Step:
        return step(name, *([KEPT] * (name != shared[0])), *([KEEP] * (name != shared[-1])))

    return [tuple(map(step_of_shared, shared)), *((step(name),) for name in wanted if name not in shared)]


def _steps_without_lab(seed: int, everything: bool) -> list[Step]:
    return [
        Step("unit", coverage=True, environment={"HOLDFAST_SEED": str(seed)}),
        *(Step(f"lint({name})", pytest=False, itself=True) for name in LINTERS),
        Step("docs", pytest=False, itself=True),
        Step("integration", environment={"HOLDFAST_SEED": str(seed), **(MORE if everything else {})}),
        *(Step(f"sanity({name})", pytest=False, itself=True) for name in CORES),
        Step("published", pytest=False, itself=True),
        *(Step(f"cores({name})") for name in CORES),
        # The unit tests of this run are those of its own Python.
        *(Step(f"pythons-{version}") for version in available() if version != OWN),
        *(Step(f"corpora({name})", pytest=False, itself=True) for name in LANGUAGES),
    ]


def scenarios() -> list[str]:
    """Return the names of all Molecule scenarios of this clone."""
    return sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


if __name__ == "__main__":  # for the public CI: which scenarios an event runs, each on a machine of its own
    print(json.dumps([name for name in scenarios() if name not in LONG or sys.argv[1] == "schedule"]))
