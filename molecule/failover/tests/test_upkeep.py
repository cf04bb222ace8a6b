# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do to balancers in daily life: reload, upgrade, take web servers away. Clients hardly notice."""

from __future__ import annotations

import re

import pytest

from harness.cluster import Cluster
from harness.fault_injection import SINGLE_RUN, inject_fault
from harness.playing import play

AGENT = "/usr/local/lib/holdfast/agent/holdfast/_agent"
SERVICES = ("watcher", "notify", "detector")
STORM = "for i in $(seq 10); do systemctl reload nginx keepalived; sleep 0.3; done"


def test_a_storm_of_reloads_on_both_nodes_moves_nothing(pair: Cluster) -> None:
    def storm() -> None:
        for node in pair.balancers:
            node.run(f"systemd-run --quiet --collect --unit=fault-storm sh -c '{STORM}'")

    seen = inject_fault(pair, storm, quiet=4.0)
    print(f"MEASURED {seen.figures('storm of reloads')}")
    assert seen.holders.moves() == 0
    assert seen.holders.longest(at_most=0) == 0
    assert seen.broken["failed_total"] + seen.broken["slow"] <= 1
    assert pair.audit() == []


@pytest.mark.parametrize("package", ["nginx", "keepalived"])
def test_an_upgrade_of_a_package_on_the_holder_is_hardly_noticed(pair: Cluster, package: str) -> None:
    command = f"DEBIAN_FRONTEND=noninteractive apt-get install --reinstall -y -q {package}"
    seen = inject_fault(pair, lambda: pair.lb1.run(command))
    print(f"MEASURED {seen.figures(f'{package} upgraded')}")
    seen.assert_within(SINGLE_RUN * 0.2, SINGLE_RUN * 40)
    seen.assert_one_holder()
    assert seen.holders.moves() <= 2
    assert pair.audit() == []


def test_a_web_server_that_stops_costs_no_request(pair: Cluster) -> None:
    web1 = next(iter(pair.web_servers))
    seen = inject_fault(pair, lambda: web1.run("systemctl stop nginx"), quiet=2.0)
    print(f"MEASURED {seen.figures('one web server stopped')}")
    assert seen.holders.moves() == 0
    assert seen.broken["failed_total"] == 0


def test_a_run_that_was_cut_short_of_the_services_is_finished_by_the_next(pair: Cluster) -> None:
    def pids() -> set[str]:
        units = " ".join(f"holdfast-{name}" for name in SERVICES)
        return set(pair.lb2.run(f"systemctl show --property=MainPID --value {units}").split())

    # All files are as they should be, so nothing is changed any more; but they are newer than what runs.
    pair.lb2.run(f"touch {AGENT}/watcher/health.py {AGENT}/detector/conflict.py {AGENT}/notifier/commands.py")
    pair.lb2.run("touch /etc/systemd/system/keepalived.service.d/holdfast.conf")
    before = pids()
    first = play("site.yml", "--tags=balancer", "--skip-tags=prove", f"--limit={pair.lb2}")
    assert before.isdisjoint(pids()), first
    assert pair.lb2.run("systemctl show --property=NeedDaemonReload --value keepalived").strip() == "no"
    assert re.search(
        r"^lb2 .* changed=0 ",
        play("site.yml", "--tags=balancer", "--skip-tags=prove", f"--limit={pair.lb2}"),
        re.MULTILINE,
    )
    assert pair.audit() == []
