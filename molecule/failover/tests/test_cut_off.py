# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A balancer whose firewall drops everything, while ARP goes on: it takes the clients from nobody, and keeps none."""

from __future__ import annotations

import json
import time

from harness.client import client
from harness.cluster import SITE, VIP, Cluster
from harness.fault_injection import SINGLE_RUN, UNDISTURBED, inject_fault, report
from harness.faults import named
from harness.holders import watching
from harness.node import Node
from harness.waiting import eventually

CUT = named("every packet lost")
RESCUED = 0.4  # seconds in which clients are taken back from a node that is cut off
TRACKER = "/run/holdfast/track/cut_off_VI_1"


def away(node: Node) -> bool:
    return node.run(f"cat {TRACKER} || true").strip() == "1"  # at the beginning of a boot it is not there


def reasons(node: Node) -> list[str]:
    found = json.loads(node.run("cat /run/holdfast/state/split_brain.json"))["findings"]
    return [one["reason"] for one in found]


def test_a_standby_that_is_cut_off_takes_nothing(pair: Cluster) -> None:
    def inject() -> None:
        CUT.inject(pair.lb2)
        eventually(lambda: away(pair.lb2), within=2, saying="lb2 knows that it is cut off")
        assert reasons(pair.lb2) == ["cut_off"]
        assert not pair.lb2.holds(VIP)

    seen = inject_fault(pair, inject, quiet=2.0)
    print(f"MEASURED {seen.figures('standby cut off')}")
    seen.assert_within(SINGLE_RUN * UNDISTURBED, 4)
    assert seen.holders.moves() == 0
    assert seen.holders.longest(at_least=2) <= RESCUED
    assert pair.audit() == []
    assert reasons(pair.lb2) == []


def test_a_holder_that_is_cut_off_lets_go(pair: Cluster) -> None:
    with watching(VIP, pair.balancers) as holders:
        CUT.inject(pair.lb1)
        pair.held_by(pair.lb2, within=5)
        assert away(pair.lb1)
        time.sleep(1.0)  # that it stays so can only be waited for
        assert pair.holder() == "lb2"
    assert holders.longest(at_least=2) <= RESCUED


def test_clients_that_a_cut_off_standby_has_taken_are_taken_back(pair: Cluster) -> None:
    thaw = (
        f"until ip address show eth0 | grep -q 'inet {VIP}/'; do sleep 0.01; done; "
        "systemctl kill --signal=CONT holdfast-detector"
    )
    third = next(iter(pair.web_servers))
    assert pair.ask(third)
    right = json.loads(pair.lb1.run("ip -json link show eth0"))[0]["address"]
    with watching(VIP, pair.balancers) as holders, client(VIP, SITE) as window:
        pair.lb2.run("systemctl kill --signal=STOP holdfast-detector")
        pair.lb2.run(f'systemd-run --quiet --collect --unit=fault-late sh -c "{thaw}"')
        CUT.inject(pair.lb2)
        eventually(lambda: away(pair.lb2), within=5, saying="lb2 knows that it is cut off")
        eventually(lambda: pair.learned(third) == right, within=1, saying="a third host sends to lb1 again")
        window.settle(2.0)
    report("standby cut off, its detector late", window.summary(), holders)
    assert pair.holder() == "lb1"
    assert 0 < holders.longest(at_least=2) <= RESCUED
    assert window.summary()["gap_ms"] <= 1000 * SINGLE_RUN * RESCUED


def test_one_that_is_cut_off_is_better_than_none(pair: Cluster) -> None:
    CUT.inject(pair.lb2)
    eventually(lambda: away(pair.lb2), within=2, saying="lb2 knows that it is cut off")
    pair.lb1.kill()
    try:
        eventually(lambda: pair.lb2.holds(VIP), within=5, saying="lb2 takes the address that nobody has")
        assert not away(pair.lb2)
    finally:
        pair.lb1.revive()


def test_no_detector_keeps_a_node_away(pair: Cluster) -> None:
    CUT.inject(pair.lb2)
    eventually(lambda: away(pair.lb2), within=2, saying="lb2 knows that it is cut off")
    pair.lb2.run("systemctl stop holdfast-detector")
    try:
        assert not away(pair.lb2)
    finally:
        pair.lb2.run("systemctl start holdfast-detector")


def test_one_that_boots_cut_off_keeps_no_client(pair: Cluster) -> None:
    """A wrong rule of a firewall is often noticed only when the host boots the next time."""
    unit = "/etc/systemd/system/fault-firewall.service"
    rules = "iptables -I INPUT -i eth0 -j DROP; iptables -I OUTPUT -o eth0 -j DROP"
    wanted = "/var/lib/holdfast/detector/witnesses.json"
    eventually(lambda: pair.lb2.run(f"cat {wanted} || true"), within=20, saying="lb2 has written down who answers it")
    pair.lb2.run(
        f'printf \'[Unit]\\nBefore=keepalived.service\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh -c "{rules}"\\n'
        f"[Install]\\nWantedBy=multi-user.target\\n' >{unit}; systemctl enable fault-firewall"
    )
    pair.lb2.shut_down()
    try:
        with client(VIP, SITE) as window:
            pair.lb2.start()
            eventually(lambda: away(pair.lb2), within=20, saying="lb2 knows that it is cut off")
            window.settle(2.0)
    finally:
        pair.lb2.run(f"systemctl disable fault-firewall; rm -f {unit}; systemctl daemon-reload")
    print(f"MEASURED booted cut off: {window.summary()['gap_ms']} ms, {window.summary()['slow']} slow")
    assert pair.holder() == "lb1"
    assert window.summary()["gap_ms"] <= 1000 * SINGLE_RUN * RESCUED


def test_a_detector_that_dies_is_soon_back(pair: Cluster) -> None:
    CUT.inject(pair.lb2)
    eventually(lambda: away(pair.lb2), within=2, saying="lb2 knows that it is cut off")
    pair.lb2.run("systemctl kill --signal=KILL holdfast-detector")
    eventually(lambda: not away(pair.lb2), within=2, saying="nobody keeps lb2 away")
    eventually(lambda: away(pair.lb2), within=10, saying="lb2 knows again that it is cut off")
    eventually(lambda: pair.holder() == "lb1", within=2, saying="lb1 alone holds the address")
