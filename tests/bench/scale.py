# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the controller plans and verifies a fleet, what memory that takes, and what Ansible itself adds.

    .venv/bin/python tests/bench/scale.py [--pairs 1000 10000] [--ansible 100 1000]

Each figure is that of a process of its own. The planner's seconds are those of its processor, of which it uses one.
No host is reached: with ``--ansible`` a whole ansible-playbook reads an inventory of that many pairs from a file and
plans it for one pair, once beside a play that plans nothing; those seconds are the clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT / "tests"), str(ROOT / "tests/support")]

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.examine import examine
from big_fleet import SHAPES, inventory
from inventory_builder import SPECS

BUDGETS = {1000: (10.0, 500.0), 10_000: (120.0, 4000.0)}
"""By pairs: the most seconds, and the most megabytes."""

PLAYS = {
    "nothing": [],
    "plan": [{"name": "Plan the fleet", "holdfast.nginx_ha.fleet_plan": {}, "run_once": True}],
}


class Figure(t.NamedTuple):
    seconds: float
    megabytes: float


def planned(shape: str, pairs: int) -> Figure:
    """Plan and verify a fleet in this process, which has done nothing else."""
    hostvars, groups = inventory(shape, pairs)
    start = time.process_time()
    findings = examine(hostvars, groups, SPECS).findings()
    seconds = time.process_time() - start
    if findings:
        raise SystemExit(str(findings[0]))
    return Figure(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def played(pairs: int, tasks: t.Sequence[t.Any]) -> Figure:
    """Run a playbook with an inventory of that many pairs, for the first of them."""
    hostvars, groups = inventory("own", pairs)
    children = {name: {"hosts": {host: None for host in hosts}} for name, hosts in groups.items()}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "hosts.json").write_text(json.dumps({"all": {"hosts": hostvars, "children": children}}))
        play = {"name": "Scale", "hosts": "a0:b0", "gather_facts": False, "tasks": tasks}
        (home / "play.yml").write_text(json.dumps([play]))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections")}
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told = process.communicate()[0]
        seconds = time.monotonic() - start
    if process.returncode:
        raise SystemExit(told.decode())
    return Figure(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


def apart(*arguments: str) -> Figure:
    """Return the figure of a process of its own."""
    command = [sys.executable, __file__, "--figure", *arguments]
    return Figure(*json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def figure(kind: str, count: int) -> Figure:
    return planned(kind, count) if kind in SHAPES else played(count, PLAYS[kind])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="*", default=list(BUDGETS))
    parser.add_argument("--ansible", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--figure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.figure:
        print(json.dumps(figure(given.figure[0], int(given.figure[1]))))
        return 0
    kept = True
    for pairs in given.pairs:
        seconds, megabytes = BUDGETS.get(pairs, (float("inf"), float("inf")))
        for shape in SHAPES:
            found = apart(shape, str(pairs))
            kept = kept and found.seconds <= seconds and found.megabytes <= megabytes
            print(
                f"plan and verify, {pairs} pairs, {shape}: {found.seconds:.1f} s, {found.megabytes:.0f} MB", flush=True
            )
    for pairs in given.ansible:
        nothing, plan = apart("nothing", str(pairs)), apart("plan", str(pairs))
        print(
            f"ansible-playbook, {pairs} pairs: {nothing.seconds:.1f} s, with the plan {plan.seconds:.1f} s, "
            f"{plan.megabytes:.0f} MB",
            flush=True,
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
