# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of one's own takes the holder out of service; with restart_first the death of nginx does if it lasts."""

from __future__ import annotations

import typing as t

import pytest

from harness.client import client
from harness.cluster import SITE, VIP
from harness.fault_injection import BUSY_RUN
from harness.holders import watching
from harness.node import Node
from harness.playing import play
from harness.waiting import eventually

SERVICE_GONE = 0.2  # seconds without an answer that a move on a signal may cost
RESTART_GRACE = 2.0  # keepalived_restart_patience

Pair = t.Tuple[Node, Node]

# How each check of inventory/around.yml is made to fail on a host, and to pass again.
FAILING = {
    "file": ("touch /run/maintenance", "rm --force /run/maintenance"),
    "port": ("systemctl stop ssh", "systemctl start ssh"),
    "url": ("mv /var/lib/around/page/ready /var/lib/around/", "mv /var/lib/around/ready /var/lib/around/page/"),
    "command": ("touch /var/lib/around/full", "rm --force /var/lib/around/full"),
}


@pytest.mark.parametrize("kind", FAILING)
def test_a_failing_check_moves_the_address_until_it_passes(balancers: Pair, kind: str) -> None:
    lb1, lb2 = balancers
    fail, pass_again = FAILING[kind]
    with watching(VIP, balancers) as holders, client(VIP, SITE) as window:
        lb1.run(fail)
        try:
            eventually(lambda: lb2.holds(VIP) and not lb1.holds(VIP), within=10, saying=f"lb2 alone holds {VIP}")
        finally:
            lb1.run(pass_again)
        eventually(lambda: lb1.holds(VIP) and not lb2.holds(VIP), within=20, saying=f"lb1 alone holds {VIP} again")
        window.settle(1.0)
    seen = window.summary()
    print(f"MEASURED check {kind}: gap {seen['gap_ms']} ms, {seen['failed_total']} failed, {seen['slow']} slow")
    assert holders.moves() == 2
    assert holders.longest(at_least=2) <= SERVICE_GONE
    assert seen["gap_ms"] <= BUSY_RUN * SERVICE_GONE * 1000


@pytest.fixture
def restart_first(balancers: Pair) -> t.Iterator[Pair]:
    def set_to(policy: str) -> None:
        inventories = ("--inventory=inventory/lab", "--inventory=molecule/notifications_and_firewall/inventory")
        play(
            "site.yml", *inventories, "--tags=balancer", "--skip-tags=prove", f"--extra-vars=keepalived_policy={policy}"
        )

    set_to("restart_first")
    yield balancers
    set_to("failover")


def test_restart_first_moves_the_address_only_if_nginx_stays_dead(restart_first: Pair) -> None:
    lb1, lb2 = restart_first
    with watching(VIP, restart_first) as holders, client(VIP, SITE) as window:
        lb1.run("systemctl kill --kill-who=main --signal=KILL nginx")
        window.settle(RESTART_GRACE + 1.0)
    brought_back = window.summary()
    assert holders.moves() == 0
    assert lb1.holds(VIP)
    assert 0 < brought_back["gap_ms"] < RESTART_GRACE * 1000

    with watching(VIP, restart_first) as holders, client(VIP, SITE) as window:
        lb1.run("chmod a-x /usr/sbin/nginx; systemctl kill --kill-who=main --signal=KILL nginx")
        try:
            eventually(lambda: lb2.holds(VIP) and not lb1.holds(VIP), within=10, saying=f"lb2 alone holds {VIP}")
            window.settle(1.0)
        finally:
            lb1.run("chmod a+x /usr/sbin/nginx; systemctl reset-failed nginx || true; systemctl start nginx")
    moved = window.summary()
    print(f"MEASURED restart_first: brought back {brought_back['gap_ms']} ms, moved {moved['gap_ms']} ms")
    assert holders.longest(at_least=2) <= SERVICE_GONE
    assert RESTART_GRACE * 1000 <= moved["gap_ms"] + 300 <= (RESTART_GRACE + BUSY_RUN * SERVICE_GONE) * 1000 + 300


@pytest.mark.parametrize(
    "loss",
    ["rm --recursive /run/holdfast", "mv /run/holdfast/track /run/moved && mkdir /run/holdfast/track"],
    ids=["removed", "replaced"],
)
def test_a_stop_of_nginx_is_seen_after_the_track_files_were_lost(balancers: Pair, loss: str) -> None:
    lb1, lb2 = balancers
    begin = lb1.run("date +%s.%N")
    lb1.run(loss)
    back = f"journalctl -u holdfast-notify --since @{begin} -o cat | grep 'keepalived watches' || true"
    eventually(lambda: bool(lb1.run(back)), within=60, saying="keepalived watches the folder again")
    lb1.run("rm --recursive --force /run/moved")
    with watching(VIP, balancers) as holders, client(VIP, SITE) as window:
        lb1.run("systemctl stop nginx")
        eventually(lambda: lb2.holds(VIP) and not lb1.holds(VIP), within=10, saying=f"lb2 alone holds {VIP}")
        lb1.run("systemctl start nginx")
        eventually(lambda: lb1.holds(VIP) and not lb2.holds(VIP), within=20, saying=f"lb1 alone holds {VIP} again")
        window.settle(1.0)
    assert window.summary()["gap_ms"] <= BUSY_RUN * SERVICE_GONE * 1000
    assert holders.longest(at_least=2) <= SERVICE_GONE
