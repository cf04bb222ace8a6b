# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random faults, one round after the other: a client is never without an answer for long, and all is well afterwards.

Each round is drawn from the seed and its own number alone, so that one can be repeated without those before it.
"""

from __future__ import annotations

import os
import random
import secrets
from dataclasses import dataclass

import pytest

from harness.cluster import Cluster
from harness.fault_injection import SINGLE_RUN, UNDISTURBED, inject_fault
from harness.faults import FAULTS, Fault

SEED = os.environ.get("HOLDFAST_CHAOS_SEED") or os.environ.get("HOLDFAST_SEED") or str(secrets.randbelow(10**6))
ROUNDS = int(os.environ.get("HOLDFAST_CHAOS_ROUNDS", "8"))


@dataclass(frozen=True)
class Beside:
    """What happens beside a fault, and is not noticed alone. ``undoes``: a fault that may end by it without a move."""

    where: str
    command: str
    undoes: str = ""


BESIDE: dict[str, Beside] = {
    "one web server stops": Beside("web1", "systemctl stop nginx"),
    # The workers that hang get successors that do not.
    "nginx is reloaded ten times": Beside(
        "holder", "for i in $(seq 10); do systemctl reload nginx; sleep 0.2; done", undoes="nginx's workers hung"
    ),
    # Else systemd takes back a stop that is under way.
    "keepalived is reloaded five times": Beside(
        "holder", "for i in $(seq 5); do systemctl --job-mode=fail reload keepalived; sleep 0.5; done"
    ),
    # nginx is back before the next watcher looks.
    "the watcher is killed": Beside("holder", "systemctl kill --signal=KILL holdfast-watcher", undoes="nginx killed"),
}


@dataclass(frozen=True)
class Round:
    """What happens to the holder (a fault, or None), to the other balancer, and beside."""

    holder: Fault | None
    standby: Fault | None
    beside: str

    @property
    def isolated(self) -> bool:
        struck = self.holder or self.standby
        return bool(struck and struck.isolated)

    @property
    def moves(self) -> bool:
        """Whether the other balancer has to take the address over."""
        return bool(self.holder and not (self.beside and BESIDE[self.beside].undoes == self.holder.name))

    def __str__(self) -> str:
        parts = (self.holder and f"holder: {self.holder.name}", self.standby and f"standby: {self.standby.name}")
        return ", ".join(part for part in (*parts, self.beside) if part)


def drawn(number: int) -> Round:
    """Return the round of this number: most often a fault of the holder, and something beside it in every third."""
    chance = random.Random(f"{SEED}/{number}")
    kind = chance.choices(["holder", "standby", "beside", "holder and beside"], [5, 2, 1, 2])[0]
    fault = chance.choice(FAULTS)
    beside = chance.choice(sorted(BESIDE))
    return Round(
        holder=fault if "holder" in kind else None,
        standby=fault if kind == "standby" else None,
        beside=beside if "beside" in kind else "",
    )


def inject(pair: Cluster, what: Round) -> None:
    """Let it happen, what is beside first."""
    if what.beside:
        beside = BESIDE[what.beside]
        where = beside.where
        node = pair.lb1 if where == "holder" else next(one for one in pair.web_servers if one.name == where)
        node.run(f"systemd-run --quiet --collect --unit=fault-beside sh -c '{beside.command}'")
    if what.holder:
        what.holder.inject(pair.lb1)
    if what.standby:
        what.standby.inject(pair.lb2)


@pytest.mark.parametrize("number", range(ROUNDS), ids=lambda number: f"seed {SEED} round {number}")
def test_a_round_is_survived(pair: Cluster, number: int) -> None:
    what = drawn(number)
    print(f"HOLDFAST_CHAOS_SEED={SEED} round {number}: {what}")
    seen = inject_fault(
        pair,
        lambda: inject(pair, what),
        successor=pair.lb2 if what.moves else None,
        isolated=what.isolated,
        quiet=2.0,
    )
    gap, lost = (what.holder.gap, what.holder.lost) if what.holder else (UNDISTURBED, 2)
    print(f"MEASURED {seen.figures(str(what))}")
    seen.assert_within(SINGLE_RUN * gap, SINGLE_RUN * lost)
    seen.assert_one_holder(isolated=what.isolated)
    assert seen.holders.moves() <= (2 if what.holder else 0)
    assert pair.audit() == []
