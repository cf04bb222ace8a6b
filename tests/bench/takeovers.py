# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often an address moves for nothing while both nodes are far too busy, and how long nobody or both held it.

    bin/lab up && .venv/bin/ansible-playbook site.yml
    .venv/bin/python -m tests.bench.takeovers --seconds 7200

The pair is taken as it is, with whatever timing it was made. The load is endless loops, four for every processor of
this machine, half of them on each balancer; the client asks 200 times a second. Nothing fails meanwhile, so every move
is a false one. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT / "tests")]

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.holders import watching
from harness.load import LOOPS, busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=7200, help="for how long (default: two hours)")
    parser.add_argument("--loops", type=int, default=LOOPS, help=f"endless loops on both together (default: {LOOPS})")
    options = parser.parse_args()
    pair = Cluster()
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        with busy(pair, options.loops):
            time.sleep(options.seconds)
        window.settle(1.0)
    seen = window.summary()
    result = {
        "seconds": options.seconds,
        "loops": options.loops,
        "false_takeovers": holders.moves(),
        "held_by_nobody_ms": round(holders.longest(at_most=0) * 1000),
        "held_by_two_ms": round(holders.longest(at_least=2) * 1000),
        "gap_ms": seen["gap_ms"],
        "failed": seen["failed_total"],
        "slow": seen["slow"],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
