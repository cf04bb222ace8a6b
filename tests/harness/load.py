# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More work than a balancer has processors for, and an nginx that stops working now and then."""

from __future__ import annotations

import os
import typing as t
from contextlib import contextmanager

from harness.cluster import Cluster
from harness.node import Node

__all__ = ("LOOPS", "busy", "stalling")

LOOPS = 4 * (os.cpu_count() or 1)
STALLS = """
import os, time
while True:
    time.sleep(1 - time.time() % 1)
    for pid in ({pids},): os.kill(pid, 19)
    time.sleep({length})
    for pid in ({pids},): os.kill(pid, 18)
"""


@contextmanager
def busy(pair: Cluster, loops: int = LOOPS) -> t.Iterator[None]:
    """Let processes that never pause run on both balancers, by default four for every processor of this machine."""
    try:
        for number in range(loops):
            node = pair.balancers[number % 2]
            loop = "systemd-run --quiet --collect --unit=fault-busy-{} sh -c 'while :; do :; done'"
            node.run(loop.format(number))
        yield
    finally:
        for node in pair.balancers:
            node.run("systemctl stop 'fault-busy-*'")


@contextmanager
def stalling(nodes: t.Iterable[Node], length: float) -> t.Iterator[None]:
    """Let nginx on these nodes stand still for so many seconds of each second, on all of them at the same time."""
    nodes = list(nodes)
    try:
        for node in nodes:
            pids = node.run("pgrep -x nginx | tr '\\n' ,").strip().strip(",")
            # It comes before other work: else a stall is longer than it says.
            unit = "systemd-run --quiet --collect --unit=fault-stalls --nice=-20 --property=CPUWeight=10000"
            node.run(f'{unit} python3 -c "{STALLS.format(pids=pids, length=length)}"')
        yield
    finally:
        for node in nodes:
            node.run("systemctl stop fault-stalls; pkill -CONT -x nginx")
