# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two families, sync groups and multicast: what follows from the inventory, and what is refused in which words."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder, Variables

BOTH = ["10.0.0.100/24", "10.0.0.101/24", "fd00::100/64"]
APART: Variables = {"keepalived_second_family": "sync_group"}
OWN6: dict[str, Variables] = {"lb1": {"keepalived_address6": "fd00::11"}, "lb2": {"keepalived_address6": "fd00::12"}}
WEB_AND_MAIL = [{"name": "web", "vips": ["10.0.0.100/24"]}, {"name": "mail", "vips": ["10.0.0.101/24"]}]
MULTICAST: Variables = {"keepalived_unicast": False}


def grouped(*members: str, **more: t.Any) -> Variables:
    return {
        "keepalived_vips": None,
        "keepalived_instances": WEB_AND_MAIL,
        "keepalived_sync_groups": [{"name": "all", "group": list(members), **more}],
    }


def shown(inventory: InventoryBuilder, host: str = "lb1") -> dict[str, tuple[int, str, list[t.Any]]]:
    """Return by instance: priority, own address, and all its addresses."""
    return {
        one["name"]: (
            one["priority"],
            one["unicast_src_ip"],
            one["virtual_ipaddress"] + one["virtual_ipaddress_excluded"],
        )
        for one in inventory.instances(host)[host]
    }


def test_the_second_family_rides_along_without_an_address_of_the_host() -> None:
    inventory = InventoryBuilder({"keepalived_vips": BOTH})
    assert shown(inventory) == {"VI_1": (250, "10.0.0.11", BOTH)}
    assert inventory.slices("lb1")["lb1"]["keepalived_sync_groups"] == []


def test_the_second_family_is_an_instance_of_its_own_in_a_sync_group() -> None:
    inventory = InventoryBuilder({**APART, "keepalived_vips": BOTH, "keepalived_virtual_router_id": 7}, **OWN6)
    assert shown(inventory) == {"VI_1": (250, "10.0.0.11", BOTH[:2]), "VI_1_v6": (250, "fd00::11", BOTH[2:])}
    assert inventory.slices("lb2")["lb2"]["keepalived_sync_groups"] == [{"name": "VG_1", "group": ["VI_1", "VI_1_v6"]}]
    # One id may be said for both: those of the two families are different spaces.
    assert [one["virtual_router_id"] for one in inventory.instances("lb2")["lb2"]] == [7, 7]


def test_unicast_over_ipv6_is_sent_with_the_ttl_that_peers_look_for() -> None:
    by_name = {
        one["name"]: one for one in InventoryBuilder({**APART, "keepalived_vips": BOTH}, **OWN6).instances("lb1")["lb1"]
    }
    assert by_name["VI_1_v6"]["unicast_ttl"] == 255
    assert "unicast_ttl" not in by_name["VI_1"]  # which keepalived sends so anyway


def test_the_first_address_says_which_family_is_the_first() -> None:
    inventory = InventoryBuilder({**APART, "keepalived_vips": BOTH[::-1]}, **OWN6)
    assert list(shown(inventory)) == ["VI_1", "VI_1_v4"]


def test_one_family_needs_no_group() -> None:
    assert InventoryBuilder(APART).slices("lb1")["lb1"]["keepalived_sync_groups"] == []


def test_when_spread_the_families_are_paired_in_their_order() -> None:
    vips = ["10.0.0.100/24", "fd00::100/64", "fd00::101/64"]
    inventory = InventoryBuilder({**APART, "keepalived_vips": vips, "keepalived_spread": True}, **OWN6)
    assert shown(inventory) == {
        "VI_1": (250, "10.0.0.11", ["10.0.0.100/24"]),
        "VI_1_v6": (250, "fd00::11", ["fd00::100/64"]),
        "VI_2": (240, "fd00::11", ["fd00::101/64"]),
    }
    assert inventory.slices("lb1")["lb1"]["keepalived_sync_groups"] == [{"name": "VG_1", "group": ["VI_1", "VI_1_v6"]}]


@pytest.mark.parametrize(
    "everywhere",
    [
        {**APART, "keepalived_vips": BOTH},
        {"keepalived_spread": True, "keepalived_vips": BOTH},
        {
            "keepalived_vips": None,
            "keepalived_instances": [{"vips": ["10.0.0.100/24"]}, {"vips": ["fd00::100/64", "10.0.0.101/24"]}],
        },
    ],
    ids=["sync group", "spread", "instances"],
)
def test_a_family_with_adverts_of_its_own_needs_an_address_of_the_host(everywhere: Variables) -> None:
    findings = InventoryBuilder(everywhere).findings()
    assert [finding.where for finding in findings] == ["lb1: keepalived_address6", "lb2: keepalived_address6"]
    assert all("set keepalived_address6" in finding.message for finding in findings)


def test_a_link_local_address_is_taken_for_its_word() -> None:
    hosts: dict[str, Variables] = {
        "lb1": {"keepalived_address6": "fe80::11"},
        "lb2": {"keepalived_address6": "fe80::12"},
    }
    [instance] = InventoryBuilder({"keepalived_vips": ["fd00::100/64"]}, **hosts).instances("lb1")["lb1"]
    assert (instance["unicast_src_ip"], instance["unicast_peer"]) == ("fe80::11", ["fe80::12"])


def test_groups_of_the_inventory_stand_beside_the_derived_ones() -> None:
    slices = InventoryBuilder(grouped("web", "mail", smtp_alert=True)).slices("lb1", "lb2")
    assert [one["keepalived_sync_groups"] for one in slices.values()] == [
        [{"name": "all", "group": ["web", "mail"], "smtp_alert": True}]
    ] * 2


def test_adverts_go_to_the_multicast_group_of_their_family() -> None:
    own = {"keepalived_multicast_group": "239.1.1.1", "keepalived_multicast_group6": "FF02:0::1:2"}
    inventory = InventoryBuilder({**APART, **MULTICAST, **own, "keepalived_vips": BOTH}, **OWN6)
    assert [(one["mcast_src_ip"], one["mcast_dst_ip"]) for one in inventory.instances("lb1")["lb1"]] == [
        ("10.0.0.11", "239.1.1.1"),
        ("fd00::11", "ff02::1:2"),
    ]


REFUSED: list[t.Any] = []


def refused(rule: str, where: str, words: str, everywhere: Variables, **hosts: Variables) -> None:
    REFUSED.append(pytest.param(everywhere, hosts, rule, where, words, id=f"{rule}: {words[:30]}"))


refused(
    "input",
    "lb1, lb2: keepalived_second_family",
    "must be ride_along or sync_group, not `both`",
    {"keepalived_second_family": "both"},
)
refused(
    "sync-group-member",
    "lb1, lb2: keepalived_sync_groups[0].group",
    "there is no instance `wbe`: did you mean web?",
    grouped("wbe", "mail", "web"),
)
refused(
    "sync-group-small",
    "lb1, lb2: keepalived_sync_groups[0].group",
    "all has fewer than two instances, and keepalived would drop it",
    grouped("web"),
)
refused("input", "lb1, lb2: keepalived_sync_groups[0].group", "must be a list, not empty", grouped(group=None))
refused(
    "sync-group-shared",
    "lb1, lb2: keepalived_sync_groups[1].group",
    "mail is in all already",
    {
        **grouped(),
        "keepalived_instances": [*WEB_AND_MAIL, {"name": "db", "vips": ["10.0.0.102/24"]}],
        "keepalived_sync_groups": [{"name": "all", "group": ["web", "mail"]}, {"name": "two", "group": ["mail", "db"]}],
    },
)
refused(
    "sync-groups-differ",
    "lb2: keepalived_sync_groups[0]",
    "the sync group all has web, mail on lb1 and nothing on lb2, so its instances would move together from one node",
    grouped("web", "mail"),
    lb2={"keepalived_sync_groups": []},
)
refused(
    "sync-group-order",
    "lb1: keepalived_sync_groups[0]",
    "web goes by preference to lb1, lb2 and mail to lb2, lb1, and all moves them as one",
    {
        **grouped("web", "mail"),
        "keepalived_instances": [WEB_AND_MAIL[0], {**WEB_AND_MAIL[1], "preferred": "lb2"}],
    },
)
refused(
    "sync-group-preempt",
    "lb1: keepalived_sync_groups[0]",
    "mail has nopreempt and web has not, and all moves them as one: neither would come back",
    {
        **grouped("web", "mail"),
        "keepalived_instances": [WEB_AND_MAIL[0], {**WEB_AND_MAIL[1], "nopreempt": True}],
    },
)
refused(
    "sync-group-weight",
    "lb1, lb2: keepalived_track_files[0].weight",
    "track_file disk of mail has the weight -30, which the sync group all ignores",
    {
        **grouped("web", "mail"),
        "keepalived_track_files": [{"name": "disk", "file": "/run/disk", "weight": -30}],
        "keepalived_instances": [{**WEB_AND_MAIL[0], "track_file": []}, WEB_AND_MAIL[1]],
    },
)
refused(
    "option",
    "lb1, lb2: keepalived_sync_groups[0].notfy",
    "is unknown: did you mean notify?",
    grouped("web", "mail", notfy="/bin/true"),
)
refused(
    "multicast-group",
    "lb1, lb2: keepalived_multicast_group",
    "239.1.1.1 is set, and the adverts go to each balancer alone: set keepalived_unicast: false",
    {"keepalived_multicast_group": "239.1.1.1"},
)
refused(
    "input",
    "lb1, lb2: keepalived_multicast_group",
    "`10.0.0.1` is no multicast address of IPv4: use one such as 239.1.1.1",
    {**MULTICAST, "keepalived_multicast_group": "10.0.0.1"},
)
refused(
    "two-holders",
    "lb2: keepalived_multicast_group",
    "the multicast group of VI_1 is 239.1.1.1 on lb1 and that of the protocol on lb2",
    {**MULTICAST, "keepalived_multicast_group": "239.1.1.1"},
    lb2={"keepalived_multicast_group": None},
)
refused(
    "shared-route",
    "lb1, lb2: keepalived_instance_options.virtual_routes",
    "would belong to VI_1 and VI_2 at once: say it in keepalived_instances",
    {
        "keepalived_vips": BOTH[:2],
        "keepalived_spread": True,
        "keepalived_instance_options": {"virtual_routes": ["192.0.2.0/24 via 10.0.0.1"]},
    },
)
refused(
    "version",
    "lb1, lb2: keepalived_timing.version",
    "fd00::100 needs VRRP version 3, and version 2 is set",
    {**APART, "keepalived_vips": BOTH, "keepalived_timing": {"version": 2}},
    **OWN6,
)


@pytest.mark.parametrize(("everywhere", "hosts", "rule", "where", "words"), REFUSED)
def test_it_is_refused_with_the_sentence_that_explains_it(
    everywhere: Variables, hosts: dict[str, Variables], rule: str, where: str, words: str
) -> None:
    [finding] = InventoryBuilder(everywhere, **hosts).findings()
    assert (finding.rule, finding.where) == (rule, where)
    assert words in finding.message


@pytest.mark.parametrize(
    "everywhere",
    [
        {"keepalived_instance_options": {"virtual_routes": ["192.0.2.0/24 via 10.0.0.1"]}},
        {**grouped("web", "mail"), "keepalived_timing": {"version": 2}, "keepalived_auth_pass": "kR7-tq2w"},
        {
            **grouped("web", "mail", sync_group_tracking_weight=True),
            "keepalived_track_files": [{"name": "disk", "file": "/run/disk", "weight": -30}],
        },
        {**MULTICAST, "keepalived_multicast_group": "239.1.1.1"},
    ],
    ids=["a route of one instance", "a group with version 2", "weights that count in a group", "a multicast group"],
)
def test_what_is_right_is_taken(everywhere: Variables) -> None:
    assert [str(finding) for finding in InventoryBuilder(everywhere).findings()] == []
