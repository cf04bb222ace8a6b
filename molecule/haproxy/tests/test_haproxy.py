# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address follows haproxy: it leaves a balancer on which haproxy dies, stops or hangs, and comes back."""

from __future__ import annotations

import typing as t

import pytest

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.fault_injection import SINGLE_RUN, UNDISTURBED, inject_fault
from harness.faults import Fault, shell
from harness.holders import watching
from harness.waiting import eventually

CONFIG = "/etc/haproxy/haproxy.cfg"
WORKER = "pgrep -P $(cat /run/haproxy.pid) -x haproxy"
# Another lab may run beside this one: what dies or stops may cost as much here as a host that is gone.
FAULTS = (
    Fault("haproxy killed", shell("systemctl kill --kill-who=main --signal=KILL haproxy"), 0.4, 80),
    Fault("haproxy's worker killed", shell(f"kill -KILL $({WORKER})"), 0.4, 80),
    Fault("haproxy stopped", shell("systemctl stop haproxy"), 0.4, 80),
    Fault("haproxy frozen", shell("systemctl kill --signal=STOP haproxy"), 1.0, 200),
)


@pytest.fixture
def pair() -> t.Iterator[Cluster]:
    """The pair, well before each test and left so."""
    cluster = Cluster(service="haproxy")
    cluster.recover()
    yield cluster
    cluster.recover()


def test_nginx_is_on_no_balancer(pair: Cluster) -> None:
    for node in pair.balancers:
        assert node.attempt("command -v nginx").returncode != 0, node
        watched = node.run("systemctl show --property=ActiveState,NRestarts,StatusText haproxy holdfast-watcher")
        assert watched.split().count("ActiveState=active") == 2, watched


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_address_moves_and_comes_back(pair: Cluster, fault: Fault) -> None:
    seen = inject_fault(pair, lambda: fault.inject(pair.lb1), successor=pair.lb2)
    print(f"MEASURED {seen.figures(fault.name)}")
    seen.assert_within(SINGLE_RUN * fault.gap, SINGLE_RUN * fault.lost)
    seen.assert_one_holder()
    assert seen.holders.moves() == 2, seen.holders


def test_a_restart_moves_the_address_before_haproxy_ends(pair: Cluster) -> None:
    with client(VIP, SITE) as window:
        pair.lb1.run("systemctl restart haproxy")
        pair.held_by(pair.lb1, within=30)
        window.settle(1.0)
    seen = window.summary()
    assert seen["gap_ms"] <= SINGLE_RUN * 400, seen


def test_a_reload_moves_nothing(pair: Cluster) -> None:
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        for _time in range(5):
            pair.lb1.run("systemctl reload haproxy")
            window.settle(0.5)
    seen = window.summary()
    print(f"MEASURED five reloads of haproxy: {seen}")
    assert holders.moves() == 0, holders
    assert seen["gap_ms"] <= SINGLE_RUN * UNDISTURBED * 1000, seen


def test_a_port_that_haproxy_no_longer_listens_on_moves_the_address(pair: Cluster) -> None:
    try:
        pair.lb1.run(f"sed -i 's/bind :80/bind :81/' {CONFIG} && systemctl reload haproxy")
        pair.held_by(pair.lb2, within=10)
        assert "nobody listens on port 80" in pair.lb1.run("journalctl --unit holdfast-watcher")
    finally:
        pair.lb1.run(f"sed -i 's/bind :81/bind :80/' {CONFIG} && systemctl reload haproxy")
    eventually(lambda: pair.holder() == "lb1", within=30, saying="lb1 holds the address again")
