# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the facts of a pair to sentences: each ailment has one, and no other beside it."""

from __future__ import annotations

import copy
import time
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.diagnosis import (
    Case,
    Outside,
    diagnose,
    diagnose_noticed,
)
from members import MAC, OWN, VIP, Facts, facts, plan

CUT_OFF = {"name": "cut_off_VI_1", "path": "/x", "present": True, "content": "1", "watched": True}

Break = t.Callable[[Facts, Facts], t.Any]


def said(
    break_it: Break = lambda _one, _two: None,
    *,
    outside: t.Sequence[Outside] = (),
    clocks: t.Mapping[str, tuple[float, float]] | None = None,
    notes: bool = False,
) -> list[str]:
    one, two = facts("lb1", holds=True), facts("lb2", holds=False)
    break_it(one, two)
    case = Case({host: plan(host) for host in OWN}, {"lb1": one, "lb2": two}, clocks=clocks, outside=outside)
    return [finding.message for finding in diagnose(case) if finding.note is notes]


def test_a_healthy_pair_has_no_findings() -> None:
    well = [Outside("web1", {VIP: True}, {VIP: MAC["lb1"]}), Outside("the controller", {VIP: True}, {})]
    assert said(outside=well, clocks={"lb1": (0.1, 0.0), "lb2": (-0.1, 0.0)}) == []


def test_an_interface_that_keepalived_made_for_the_instance_is_no_other_one() -> None:
    def own_mac(one: Facts, _two: Facts) -> None:
        one["instances"][0]["interface"] = "vrrp.51"
        one["interfaces"]["vrrp.51"] = {"mac": "00:00:5e:00:01:33", "up": True, "below": "eth0", "addresses": [VIP]}
        one["interfaces"]["eth0"]["addresses"].remove(VIP)

    assert said(own_mac) == []
    assert said(both(own_mac, lambda one, _two: one["interfaces"]["vrrp.51"].update(below="eth1"))) == [
        "VI_1 on lb1 speaks on interface eth1, and 10.0.0.11 is on eth0: set keepalived_interface, or run the playbook "
        "holdfast.nginx_ha.site for it."
    ]


def moves(one: Facts, two: Facts) -> None:
    """The address is on lb2, as it is when lb1 is unfit."""
    one["interfaces"]["eth0"]["addresses"].remove(VIP)
    two["interfaces"]["eth0"]["addresses"].append(VIP)
    one["instances"][0]["state"], two["instances"][0]["state"] = "FAULT", "MASTER"


def unit(name: str, **more: t.Any) -> Break:
    return lambda one, _two: one["units"][name].update(more)


def tracker(number: int, **more: t.Any) -> Break:
    return lambda one, _two: one["tracked"]["VI_1"][number].update(more)


def both(*breaks: Break) -> Break:
    def together(one: Facts, two: Facts) -> None:
        for each in breaks:
            each(one, two)

    return together


def nginx_dead(one: Facts, two: Facts) -> None:
    one["nginx_runs"] = False
    one["units"]["nginx"]["active"] = False
    one["tracked"]["VI_1"][0]["content"] = "1"
    moves(one, two)


def split(one: Facts, two: Facts) -> None:
    two["interfaces"]["eth0"]["addresses"].append(VIP)
    message = f"{VIP} is held here and by x. Adverts of 10.0.0.11 reach eth0, and a firewall rule drops them."
    two["split_brain"] = [{"event": "split_brain", "address": VIP, "message": message}]
    two["blocking_rules"] = ["-A INPUT -p vrrp -j DROP (iptables-save)"]


def filtered(one: Facts, two: Facts) -> None:
    """Adverts leave each node, reach neither, and no rule of theirs drops them."""
    two["interfaces"]["eth0"]["addresses"].append(VIP)
    message = f"{VIP} is held here and by x. No advert of 10.0.0.11 reaches eth0."
    two["split_brain"] = [{"event": "split_brain", "reason": "no_adverts", "address": VIP, "message": message}]
    two["platform"] = "It runs at OpenStack: set its switch."


def nobody(one: Facts, two: Facts) -> None:
    for each in (one, two):
        each["interfaces"]["eth0"]["addresses"] = []
        each["instances"][0].update(state="BACKUP")


FOREIGN = {"event": "foreign_adverts", "address": VIP, "other_address": "10.0.0.99", "router_id": 51, "message": "x."}
AILMENTS: dict[str, tuple[Break, list[str]]] = {
    "not installed": (lambda one, _two: one.update(installed=False), ["keepalived is not installed on lb1"]),
    "keepalived is down": (
        both(unit("keepalived", active=False), moves, lambda one, _two: one.update(running=False)),
        ["keepalived does not run on lb1, so this node takes no part in the election: systemctl start keepalived"],
    ),
    "nginx is down": (nginx_dead, ["nginx does not run on lb1, so this node serves nobody: systemctl start nginx"]),
    "nginx is restarted again and again": (
        both(nginx_dead, unit("nginx", looping=True, restarts=7)),
        ["nginx on lb1 was restarted 7 times and does not stay up"],
    ),
    "not enabled": (unit("keepalived", enabled=False), ["keepalived is not enabled on lb1 and will be missing after"]),
    "the watcher is down": (
        unit("holdfast-watcher", active=False),
        ["holdfast-watcher does not run on lb1, so nobody sees a crash or a freeze of nginx here"],
    ),
    "a track file is missing": (
        tracker(1, present=False, content=""),
        ["The track file /run/holdfast/track/nginx_probe is missing on lb1"],
    ),
    "the folder was made anew": (
        lambda one, _two: [each.update(watched=False) for each in one["tracked"]["VI_1"]],
        [
            "The folder /run/holdfast/track was made anew on lb1 while keepalived ran, and it sees no change in it any "
            "more: systemctl start holdfast-restore there"
        ],
    ),
    "a tracker is not tracked": (
        lambda one, _two: one["tracked"]["VI_1"].pop(),
        ["VI_1 on lb1 does not track nginx_stop"],
    ),
    "the file lies": (
        both(unit("nginx"), lambda one, _two: one.update(nginx_runs=False)),
        ["/run/holdfast/track/nginx_crash on lb1 says that nginx is well, and it does not run"],
    ),
    "nginx is frozen": (
        both(moves, tracker(1, content="1")),
        ["VI_1 on lb1 is in FAULT and takes no address, because nginx is there and does not answer (nginx_probe)"],
    ),
    "another tracker": (
        both(moves, tracker(2, content="1")),
        ["because of its tracker nginx_stop (/run/holdfast/track/nginx_stop says 1)"],
    ),
    "it is cut off": (
        both(moves, lambda one, _two: one["tracked"]["VI_1"].append(CUT_OFF)),
        ["VI_1 on lb1 is in FAULT and takes no address, because it is cut off: another node has the address"],
    ),
    "the interface is down": (
        both(moves, lambda one, _two: one["interfaces"]["eth0"].update(up=False)),
        ["VI_1 on lb1 is in FAULT and takes no address, because interface eth0 is down: bring it up."],
    ),
    "a tracker that is no file": (moves, ["and none of its track files says so: journalctl -u keepalived names"]),
    "two holders": (
        split,
        [f"{VIP} is held by lb1 and lb2 at once. lb2: Adverts of 10.0.0.11 reach eth0, and a firewall rule drops"],
    ),
    "two holders in a network that drops adverts": (
        filtered,
        [f"{VIP} is held by lb1 and lb2 at once. lb2: No advert of 10.0.0.11 reaches eth0. lb2: It runs at OpenStack:"],
    ),
    "nobody": (nobody, [f"{VIP} is held by none of lb1, lb2: journalctl -u keepalived on each"]),
    "a foreign router": (
        lambda one, _two: one.update(split_brain=[FOREIGN]),
        [f"10.0.0.99 is no balancer of this inventory and acts as a holder of {VIP}: it sends adverts with"],
    ),
    "protocol 112 is dropped": (
        lambda _one, two: two.update(blocking_rules=["-A INPUT -p vrrp -j DROP (iptables-save)"]),
        ["The firewall of lb2 drops IP protocol 112, so it does not hear the other nodes"],
    ),
    "another interface": (
        lambda one, _two: one["instances"][0].update(interface="eth1"),
        ["VI_1 on lb1 speaks on interface eth1, and 10.0.0.11 is on eth0: set keepalived_interface"],
    ),
    "another id": (
        lambda one, _two: one["instances"][0].update(virtual_router_id=52),
        ["VI_1 on lb1 runs with router id 52, and the inventory says 51: run the playbook holdfast.nginx_ha.together"],
    ),
    "other addresses": (
        lambda one, _two: one["instances"][0].update(addresses=[VIP, "10.0.0.101"]),
        ["VI_1 on lb1 runs with 10.0.0.100, 10.0.0.101, and the inventory says 10.0.0.100"],
    ),
    "no such instance": (lambda one, _two: one.update(instances=[]), ["keepalived on lb1 does not run VI_1"]),
    "edited by hand": (
        lambda one, _two: one.update(drifted=["/etc/keepalived/x.conf"]),
        ["/etc/keepalived/x.conf on lb1 is not what this collection wrote"],
    ),
    "a wrong configuration": (
        lambda one, _two: one.update(complaints=["x.conf:3: the weight can never flip the election"]),
        ["The configuration of keepalived on lb1 is wrong: x.conf:3: the weight can never flip the election."],
    ),
}


@pytest.mark.parametrize("name", AILMENTS)
def test_an_ailment_has_its_sentence_and_no_other(name: str) -> None:
    break_it, sentences = AILMENTS[name]
    found = said(break_it)
    assert len(found) == len(sentences), found
    for sentence, expected in zip(found, sentences):
        assert expected in sentence
        assert sentence.endswith(".")


def test_nobody_holds_it_and_the_reasons_follow() -> None:
    def dead(one: Facts, two: Facts) -> None:
        nginx_dead(one, two)
        nginx_dead(two, copy.deepcopy(one))
        nobody(one, two)

    found = said(dead)
    assert [sentence.split(":")[0] for sentence in found] == [
        f"{VIP} is held by none of lb1, lb2",
        "nginx does not run on lb1, so this node serves nobody",
        "nginx does not run on lb2, so this node serves nobody",
    ]
    assert "the reasons are named below" in found[0]


@pytest.mark.parametrize(
    ("outside", "sentence"),
    [
        (
            [Outside("web1", {VIP: True}, {VIP: MAC["lb2"]})],
            f"web1 believes {VIP} at {MAC['lb2']}, and lb1 holds it at",
        ),
        ([Outside("web1", {VIP: False}, {VIP: MAC["lb2"]})], f"web1 believes {VIP} at {MAC['lb2']}"),
        ([Outside("web1", {VIP: False}, {VIP: MAC["lb1"]})], f"{VIP} is bound on lb1 and gives no answer to web1:"),
        (
            [
                Outside("web1", {VIP: True}, {}, {VIP: ["https://shop gave 0 good answers to 6 requests (tls)"]}),
                Outside(
                    "the controller", {VIP: True}, {}, {VIP: ["https://shop gave 1 good answers to 6 requests (tls)"]}
                ),
            ],
            f"https://shop gave 0 good answers to 6 requests (tls), asked from web1, and others at {VIP} answer: look "
            "at that site in the log of nginx on lb1",
        ),
        (
            [Outside("web1", {VIP: False}, {}), Outside("the controller", {VIP: False}, {})],
            f"{VIP} is bound on lb1 and gives no answer to web1 and the controller:",
        ),
    ],
)
def test_what_others_see(outside: list[Outside], sentence: str) -> None:
    found = said(outside=outside)
    assert len(found) == 1
    assert found[0].startswith(sentence)


@pytest.mark.parametrize(
    "outside",
    [Outside("web1", {VIP: True}, {VIP: MAC["lb2"]}), Outside("web1", {VIP: False}, {})],
    ids=("stale", "mute"),
)
def test_what_a_platform_needs_is_said_where_an_address_is_not_known_to_have_moved(outside: Outside) -> None:
    (message,) = said(lambda one, _two: one.update(platform="It runs at OpenStack: set its switch."), outside=[outside])
    assert message.endswith("It runs at OpenStack: set its switch.")


def test_one_way_that_does_not_work_is_a_note() -> None:
    outside = [Outside("web1", {VIP: True}, {}), Outside("the controller", {VIP: False}, {})]
    assert said(outside=outside) == []
    assert "Others reach it" in said(outside=outside, notes=True)[0]


def test_clocks() -> None:
    assert "The clock of lb1 is 5.0 s off" in said(clocks={"lb1": (5.0, 0.1), "lb2": (0.0, 0.1)})[0]
    assert said(clocks={"lb1": (5.0, 3.0), "lb2": (0.0, 3.0)}) == []


def test_a_refused_priority_is_a_note() -> None:
    def refused(one: Facts, _two: Facts) -> None:
        one["refused"] = "no priority"

    assert said(refused) == []
    assert said(refused, notes=True) == ["lb1: no priority."]


def test_a_part_of_a_cluster_says_nothing_of_what_was_not_seen() -> None:
    case = Case({"lb2": plan("lb2")}, {"lb2": facts("lb2", holds=False)}, unseen=["lb1"])
    assert diagnose(case) == []


def shows(*ends: float, same: bool = True) -> Break:
    """Let lb1 and lb2 show a certificate for a site that ends in so many days, the same one or different ones."""

    def break_it(*members: Facts) -> None:
        for number, (member, days) in enumerate(zip(members, ends)):
            shown = {"sha256": "1b4f" if same else f"{number}", "ends": time.time() + days * 86400 + 60}
            member["certificates"] = {"shop.example.com port 443": shown}

    return break_it


def test_a_certificate_that_lasts_is_a_note_with_its_days() -> None:
    assert said(shows(61, 61)) == []
    assert said(shows(61, 61), notes=True) == ["the certificate of shop.example.com port 443 has 61 days left."]


def test_a_certificate_that_could_not_be_fetched_is_a_finding() -> None:
    plans = {name: {**plan(name), "issued": ["shop"]} for name in ("lb1", "lb2")}
    seen = {name: facts(name, holds=name == "lb1") for name in plans}
    seen["lb2"]["unfetched"] = "nothing can be fetched from web1: no route; shop has 61 days left"
    found = [one for one in diagnose(Case(plans, seen)) if not one.note]
    assert [one.message for one in found] == [
        "lb2: nothing can be fetched from web1: no route; shop has 61 days left: mend that, then systemctl start "
        "holdfast-certificates."
    ]
    # What a balancer fetches no longer, it does not miss.
    assert [one for one in diagnose(Case({**plans, "lb2": plan("lb2")}, seen)) if not one.note] == []


@pytest.mark.parametrize(("days", "told"), [(13, "ends on "), (-1, "ended on ")])
def test_a_certificate_that_ends_is_a_finding(days: int, told: str) -> None:
    (message,) = said(shows(days, days))
    assert message.startswith(f"lb1: the certificate of shop.example.com port 443 {told}")


def test_members_with_different_certificates_are_told() -> None:
    (message,) = said(shows(20, 80, same=False))
    assert message.startswith("lb2 shows another certificate for shop.example.com port 443 (until ")
    members = {"lb1": facts("lb1", holds=True), "lb2": facts("lb2", holds=False)}
    noticed = Case({host: plan(host) for host in OWN}, members)
    shows(20, 80, same=False)(*members.values())
    assert [finding.message for finding in diagnose_noticed(noticed)] == [message]
