# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a detector has raised is never left out: it is told by its own words, or by what explains it, by all alike."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.diagnosis import (
    Case,
    Outside,
    diagnose,
    diagnose_noticed,
)
from members import MAC, OWN, VIP, Facts, facts, plan

OLD, OLD_MAC = "10.0.0.13", "02:00:00:00:00:0d"
SINCE = 1795965603.0
WHEN = "2026-11-29 15:20:03 UTC"
SPLIT = {"event": "split_brain", "instance": "VI_1", "since": SINCE, "address": VIP, "message": "It is held here. Why."}
FOREIGN = {"event": "foreign_adverts", "instance": "VI_1", "since": SINCE, "router_id": 51, "message": "It speaks."}
SPEAKER = {
    "kind": "holder",
    "interface": "eth0",
    "mac": OLD_MAC,
    "instance": "VI_1",
    "addresses": (VIP,),
    "source": OLD,
    "router_id": 51,
    "priority": 240,
}
SILENT = dict(SPEAKER, source="", router_id=None, priority=None)


def case(one: Facts, two: Facts | None = None, **more: t.Any) -> Case:
    seen = {"lb1": {**facts("lb1", holds=True), **one}, "lb2": {**facts("lb2", holds=False), **(two or {})}}
    return Case({host: plan(host) for host in OWN}, seen, **more)


def said(of: Case) -> list[str]:
    """Return the sentences, which doctor and proof have in common."""
    told = [finding.message for finding in diagnose(of) if not finding.note]
    assert [finding.message for finding in diagnose_noticed(of)] == told
    return told


RECORDS = {
    "a member, by its MAC": {"other_mac": MAC["lb2"], "other_address": ""},
    "a member, by its address": {"other_mac": "", "other_address": OWN["lb2"]},
    "nobody knows who": {"other_mac": "", "other_address": ""},
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("event", ["split_brain", "foreign_adverts", "an_event_of_tomorrow"])
def test_what_nothing_else_explains_is_told_in_the_words_of_the_detector(name: str, event: str) -> None:
    told = said(case({"split_brain": [{**SPLIT, **RECORDS[name], "event": event}]}))
    if event == "foreign_adverts" and name == "nobody knows who":
        assert "is no balancer of this inventory" in told[0]
    else:
        assert told == [f"The detector of lb1 tells since {WHEN}: It is held here. Why."]


def test_every_event_that_the_detector_raises_is_looked_at_here() -> None:
    text = (Path(__file__).parents[3] / "plugins/module_utils/_agent/detector/main.py").read_text()
    events = set(re.findall(r'reporter\.say\(\s*"(\w+)"', text))
    assert {"split_brain", "foreign_adverts"} <= events
    for event in events:
        for more in ({}, {"other_mac": OLD_MAC}, {"other_address": OWN["lb2"]}, {"reason": "cut_off"}):
            of = case({"split_brain": [{**SPLIT, "event": event, **more}]})
            assert diagnose_noticed(of), (event, more)
            assert any(not finding.note for finding in diagnose(of))


def test_a_second_holder_outside_the_inventory_is_named_once_with_all_that_is_known() -> None:
    seen = {
        "split_brain": [
            {**SPLIT, "other_mac": OLD_MAC, "other_address": "", "reason": "foreign_host"},
            {**FOREIGN, "other_address": OLD, "other_mac": OLD_MAC, "priority": 240, "since": SINCE + 5},
        ],
        "foreign_routers": [SPEAKER],
    }
    other = {"split_brain": [{**FOREIGN, "other_address": OLD, "other_mac": "", "since": SINCE + 9}]}
    assert said(case(seen, other)) == [
        f"{OLD} ({OLD_MAC}) is no balancer of this inventory and acts as a holder of {VIP} of VI_1: it sends adverts "
        f"with router id 51 and priority 240, noticed by lb1 and lb2 since {WHEN}. Stop keepalived there for good "
        "(systemctl disable --now keepalived), or bring it back into the inventory and run the playbook "
        "holdfast.nginx_ha.site."
    ]


@pytest.mark.parametrize(
    "seen",
    [
        {"foreign_routers": [SILENT]},
        {"split_brain": [{**SPLIT, "other_mac": OLD_MAC, "other_address": "", "reason": "foreign_host"}]},
    ],
)
def test_a_host_that_only_answers_is_named_by_its_mac(seen: Facts) -> None:
    # Whom a client believes and who answers it has the same reason: no advice to refresh neighbours.
    third = Outside("web1", {VIP: False}, {VIP: OLD_MAC})
    told = said(case(seen, outside=[third]))
    assert len(told) == 1
    assert told[0].startswith(f"{OLD_MAC} is no balancer of this inventory and answers for {VIP} of VI_1 as well")
    assert "take the address off that host" in told[0]


def test_another_cluster_with_our_router_id_and_a_twin() -> None:
    clash = dict(SPEAKER, kind="router_id", addresses=("10.0.0.200",))
    told = said(case({"foreign_routers": [clash]}))
    assert "for 10.0.0.200, which is the router id of VI_1 here too" in told[0]
    assert "keepalived_virtual_router_id" in told[0]
    twin = dict(SILENT, kind="twin", instance="", addresses=(OWN["lb1"],))
    told = said(case({"foreign_routers": [twin]}))
    assert told == [
        f"{OWN['lb1']} is the address of lb1, and {OLD_MAC}, which is no member, answers for it as well: give one of "
        "the two hosts another address."
    ]


def test_a_split_between_members_is_told_of_the_address() -> None:
    here = {"eth0": {"mac": MAC["lb2"], "up": True, "addresses": [OWN["lb2"], VIP]}}
    record = {**SPLIT, "other_mac": MAC["lb1"], "other_address": OWN["lb1"]}
    of = case({}, {"interfaces": here, "split_brain": [record]})
    told = [finding.message for finding in diagnose(of)]
    assert told == [f"{VIP} is held by lb1 and lb2 at once. lb2: Why."]
    # The proof has told of two holders before.
    assert diagnose_noticed(of) == []


def test_a_member_that_was_not_seen_is_no_outsider() -> None:
    record = {**SPLIT, "other_mac": MAC["lb2"], "other_address": ""}
    of = Case({"lb1": plan("lb1")}, {"lb1": {**facts("lb1", holds=True), "split_brain": [record]}}, unseen=["lb2"])
    assert said(of) == [f"The detector of lb1 tells since {WHEN}: It is held here. Why."]


def test_a_detector_that_tells_nothing_is_no_good_news() -> None:
    told = said(case({"detector_tells": False}))
    assert told[0].startswith("The detector of lb1 runs and its state file cannot be read")


@pytest.mark.parametrize("holds", [True, False])
def test_a_stale_neighbour_is_that_of_nobody_who_answers(holds: bool) -> None:
    third = Outside("web1", {VIP: True}, {VIP: OLD_MAC})
    told = [one.message for one in diagnose(case({"foreign_routers": [SILENT] if holds else []}, outside=[third]))]
    assert len(told) == 1
    assert ("arping" in told[0]) is not holds
