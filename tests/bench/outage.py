# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a client waits, fault by fault: this collection beside the way that guides describe, in the same run.

    bin/lab up && .venv/bin/ansible-playbook site.yml
    .venv/bin/python -m tests.bench.outage --runs 10

Prints a table of the longest time without an answer (min, median, max, in milliseconds) and of the requests that failed
or were slow, of 200 a second, and keeps every single run in .lab/log/outage.json. The pair is left as it was found.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible/collections"), str(ROOT / "tests")]

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.faults import FAULTS, Fault, recover

LONGEST = 15.0  # seconds; an address that has not moved by then does not move
LOG = ROOT / ".lab" / "log" / "outage.json"
USUAL = ("nginx killed", "nginx stopped", "nginx frozen", "keepalived stopped", "host killed", "link down")

# VRRP version 2 with an advert every second, MASTER and BACKUP, and a script that looks for the process: the settings
# on which guides agree, with a check that works and a weight that can turn the election.
GUIDES = """
global_defs {{
    router_id {name}
    enable_script_security
    script_user root
}}
vrrp_script check_nginx {{
    script "/usr/bin/pgrep -x nginx"
    interval 1
    timeout 2
    fall 2
    rise 2
    weight -30
}}
vrrp_instance VI_1 {{
    state {state}
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass 1111
    }}
    virtual_ipaddress {{
        {vip}/24
    }}
    track_script {{
        check_nginx
    }}
}}
"""
# The units as the distribution has them, with that configuration; it outlives the death of the host.
AS_GUIDES_SAY = """
set -e
for unit in $(systemctl list-unit-files --plain --no-legend 'holdfast-*.service' | cut -d' ' -f1); do
    systemctl disable --quiet --now $unit
done
mkdir -p /root/own
mv /etc/systemd/system/nginx.service.d /root/own/nginx.service.d
mv /etc/systemd/system/keepalived.service.d /root/own/keepalived.service.d
mv /etc/keepalived/keepalived.conf /root/own/keepalived.conf
cat >/etc/keepalived/keepalived.conf <<'END'
{text}END
systemctl daemon-reload
systemctl restart nginx keepalived
"""
AS_BEFORE = """
set -e
mv /root/own/keepalived.conf /etc/keepalived/keepalived.conf
mv /root/own/nginx.service.d /root/own/keepalived.service.d /etc/systemd/system/
systemctl daemon-reload
for unit in $(systemctl list-unit-files --plain --no-legend 'holdfast-*.service' | cut -d' ' -f1); do
    systemctl enable --quiet --now $unit
done
systemctl restart nginx keepalived
"""


def as_guides_say(pair: Cluster) -> None:
    """Make the pair what a guide makes of it."""
    for node, state, priority in ((pair.lb1, "MASTER", 100), (pair.lb2, "BACKUP", 80)):
        text = GUIDES.format(name=node.name, state=state, priority=priority, vip=VIP)
        node.run(AS_GUIDES_SAY.replace("{text}", text))
    pair.held_by(pair.lb1, within=60)


def as_before(pair: Cluster) -> None:
    """Make it this collection's again."""
    for node in pair.balancers:
        node.revive()
        node.run(AS_BEFORE)
    pair.held_by(pair.lb1, within=60)


def measure(pair: Cluster, fault: Fault) -> dict[str, float]:
    """Inject the holder once, and return the gap in milliseconds and the requests that failed or were slow.

    Where the other node does not take the address in time the gap is infinite.
    """
    moved = True
    with client(VIP, SITE) as window:
        fault.inject(pair.lb1)
        try:
            pair.held_by(pair.lb2, within=LONGEST, isolated=fault.isolated)
        except AssertionError:
            moved = False
        else:
            window.settle(1.0)
    seen = window.summary()
    recover(pair.lb1)
    pair.held_by(pair.lb1, within=60)
    with client(VIP, SITE) as quiet:
        quiet.settle(1.0)
    return {"gap_ms": seen["gap_ms"] if moved else math.inf, "lost": seen["failed_total"] + seen["slow"]}


def milliseconds(gap: float) -> str:
    return f"{gap:.0f}" if math.isfinite(gap) else f"over {LONGEST * 1000:.0f}"


def rows(
    measured: t.Mapping[str, t.Mapping[str, t.Sequence[t.Mapping[str, float]]]],
) -> t.Iterator[str]:
    """Yield the lines of a table in Markdown: a row a fault, this collection and the guides side by side."""
    guides = any(len(ways) > 1 for ways in measured.values())
    yield "| what happens to the holder | gap: min, median, max | lost |" + " as guides say | lost |" * guides
    yield "|---|---|---|" + "---|---|" * guides
    for fault, ways in measured.items():
        cells = []
        for runs in ways.values():
            gaps = [run["gap_ms"] for run in runs]
            lost = statistics.median(run["lost"] for run in runs)
            shortest, median, longest = map(milliseconds, (min(gaps), statistics.median(gaps), max(gaps)))
            cells += [f"{shortest}, **{median}**, {longest}", f"{lost:g}"]
        yield f"| {fault} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=10, help="runs of each fault each way (default: 10)")
    parser.add_argument("--no-guides", action="store_true", help="measure this collection alone")
    parser.add_argument("--fault", action="append", help=f"a fault to measure (default: {', '.join(USUAL)})")
    options = parser.parse_args()
    known = {fault.name: fault for fault in FAULTS}
    chosen = options.fault or USUAL
    pair = Cluster()
    pair.recover()
    measured: dict[str, dict[str, list[dict[str, float]]]] = {name: {} for name in chosen}
    for way in ("holdfast",) if options.no_guides else ("holdfast", "guides"):
        if way == "guides":
            as_guides_say(pair)
        try:
            for name in chosen:
                runs = measured[name][way] = []
                for number in range(options.runs):
                    runs.append(measure(pair, known[name]))
                    print(f"{way}: {name}: run {number + 1}: {runs[-1]}", file=sys.stderr, flush=True)
        finally:
            if way == "guides":
                as_before(pair)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.write_text(json.dumps(measured, indent=1) + "\n")
    print("\n".join(rows(measured)))


if __name__ == "__main__":
    main()
