# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair that is broken in one way has one finding, and none once it is recovered."""

from __future__ import annotations

import typing as t

import pytest

from harness.cluster import VIP, Cluster
from harness.playing import doctor
from harness.waiting import eventually

Fault = t.Callable[[Cluster], t.Any]

TRACK = "/run/holdfast/track"
INSTANCE = "/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"
BLOCK = "iptables --insert INPUT --protocol 112 --jump DROP"
NO_RESTORE = "/run/systemd/system/holdfast-restore.service.d"


def on(node: str, command: str) -> Fault:
    return lambda pair: getattr(pair, node).run(command)


def split(pair: Cluster) -> None:
    for node in pair.balancers:
        node.run(BLOCK)
    for node in pair.balancers:
        pair.raised(node, "split_brain", "local_firewall", within=20)


def wrong_neighbour(pair: Cluster) -> None:
    pair.third.run(f"ip neighbour replace {VIP} lladdr 02:89:50:00:00:0c dev eth0 nud permanent")


def heal_neighbour(pair: Cluster) -> None:
    pair.third.run(f"ip neighbour del {VIP} dev eth0 || true")


def refuse_http(pair: Cluster) -> None:
    pair.lb1.run(f"iptables --insert INPUT --protocol tcp --destination {VIP} --dport 80 --jump DROP")


def folder_made_anew(pair: Cluster) -> None:
    """The watcher has that mended within a second, so what mends it is kept from running."""
    pair.lb2.run(f"mkdir -p {NO_RESTORE}; printf '[Unit]\\nConditionPathExists=/no\\n' >{NO_RESTORE}/no.conf")
    pair.lb2.run("systemctl daemon-reload")
    pair.lb2.run(f"mv {TRACK} {TRACK}.old && cp --archive {TRACK}.old {TRACK} && rm -r {TRACK}.old")


def folder_mended(pair: Cluster) -> None:
    pair.lb2.run(f"rm -r {NO_RESTORE}; systemctl daemon-reload; systemctl start holdfast-restore")


def nothing(pair: Cluster) -> None:
    """The fixture heals it."""


class Case(t.NamedTuple):
    break_it: Fault
    sentence: str
    recover: Fault = nothing


CASES = {
    "nginx down": Case(on("lb2", "systemctl stop nginx"), "nginx does not run on lb2, so this node serves nobody"),
    "keepalived down": Case(
        on("lb2", "systemctl stop keepalived"), "keepalived does not run on lb2, so this node takes"
    ),
    "nginx frozen": Case(
        on("lb2", "systemctl kill --signal=STOP nginx; sleep 3"),
        "VI_1 on lb2 is in FAULT and takes no address, because nginx is there and does not answer",
    ),
    "watcher down": Case(
        on("lb2", "systemctl stop holdfast-watcher"), "holdfast-watcher does not run on lb2, so nobody"
    ),
    "not enabled": Case(
        on("lb2", "systemctl disable keepalived"),
        "keepalived is not enabled on lb2",
        on("lb2", "systemctl enable keepalived"),
    ),
    "folder made anew": Case(
        folder_made_anew,
        f"The folder {TRACK} was made anew on lb2 while keepalived ran, and it sees no change in it any more: "
        "systemctl start holdfast-restore there",
        folder_mended,
    ),
    "two holders": Case(split, f"{VIP} is held by lb1 and lb2 at once."),
    "protocol 112 blocked": Case(on("lb1", BLOCK), "The firewall of lb1 drops IP protocol 112"),
    "neighbour not refreshed": Case(
        wrong_neighbour, f"web1 believes {VIP} at 02:89:50:00:00:0c, and lb1 holds it at", heal_neighbour
    ),
    "unreachable": Case(refuse_http, f"{VIP} is bound on lb1 and gives no answer to web1 and the controller"),
    "edited by hand": Case(
        on("lb2", f"cp --archive {INSTANCE} /root/kept && echo '# by hand' >>{INSTANCE}"),
        f"{INSTANCE} on lb2 is not what this collection wrote",
        on("lb2", f"mv /root/kept {INSTANCE}"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_doctor_says_what_is_wrong_and_nothing_else(pair: Cluster, name: str) -> None:
    case = CASES[name]
    try:
        case.break_it(pair)
        code, findings, text = doctor()
    finally:
        case.recover(pair)
    assert code != 0, text
    assert len(findings) == 1, findings
    assert case.sentence in findings[0]
    print(f"SAID {name}: {findings[0]}")


def test_nobody_holds_the_address_and_why(pair: Cluster) -> None:
    for node in pair.balancers:
        node.run("systemctl stop nginx")
    eventually(lambda: pair.holder() == "", within=10, saying="nobody holds it")
    code, findings, text = doctor()
    assert code != 0, text
    assert findings[0].startswith(f"{VIP} is held by none of lb1, lb2: the reasons are named below.")
    assert [finding.split(",")[0] for finding in findings[1:]] == [
        "nginx does not run on lb1",
        "nginx does not run on lb2",
    ]


def test_a_healthy_pair_has_one_line_and_no_error(pair: Cluster) -> None:
    code, findings, text = doctor()
    assert code == 0, text
    assert findings == []
    assert f"Cluster all is healthy: lb1 holds {VIP}, lb2 stands by." in text


def test_a_part_of_a_cluster_is_called_so(pair: Cluster) -> None:
    code, _findings, text = doctor("--limit", "lb2")
    assert code == 0, text
    assert "Only a part was seen: nothing is known of lb1." in text


def test_a_balancer_without_keepalived_is_looked_at(pair: Cluster) -> None:
    pair.lb2.run("systemctl stop keepalived; mv /usr/sbin/keepalived /root/")
    try:
        code, findings, text = doctor()
    finally:
        pair.lb2.run("mv /root/keepalived /usr/sbin/")
    assert code != 0, text
    assert len(findings) == 1, findings
    assert "keepalived is not installed on lb2" in findings[0]
