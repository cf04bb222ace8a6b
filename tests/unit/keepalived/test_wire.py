# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the members of a cluster see of each other changes on all of them together, and nothing else has to."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.base import wire_fields
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.wire import joint_changes

Options = t.Mapping[str, t.Any]
UNICAST: Options = {
    "name": "VI_1",
    "interface": "eth0",
    "virtual_router_id": 100,
    "version": 3,
    "advert_int": 0.1,
    "unicast_src_ip": "192.0.2.11",
    "unicast_peer": ["192.0.2.12", "192.0.2.13"],
    "virtual_ipaddress": ["192.0.2.100/24"],
}
UNICAST_6: Options = {
    **UNICAST,
    "unicast_src_ip": "2001:db8::11",
    "unicast_peer": ["2001:db8::12"],
    "virtual_ipaddress": ["2001:db8::100/64"],
}
MULTICAST: Options = {name: value for name, value in UNICAST.items() if not name.startswith("unicast")}
VERSION_2: Options = dict(
    UNICAST, version=2, advert_int=1, authentication={"auth_type": "PASS", "auth_pass": "earlier"}
)
MEMBERS = ["192.0.2.12", "192.0.2.13"]

# Every marked field, changed in every way that there is: what it was in, and what becomes of it.
FLIPS: dict[str, list[tuple[Options, Options]]] = {
    "interface": [(UNICAST, {"interface": "eth1"})],
    "version": [(UNICAST, {"version": 2, "advert_int": 1})],
    "virtual_router_id": [(UNICAST, {"virtual_router_id": 101}), (MULTICAST, {"virtual_router_id": 101})],
    "advert_int": [(UNICAST, {"advert_int": 1}), (VERSION_2, {"advert_int": 2})],
    "mcast_dst_ip": [(MULTICAST, {"mcast_dst_ip": "239.1.1.1"})],
    "unicast_src_ip": [(UNICAST, {"unicast_src_ip": "192.0.2.14"})],
    "unicast_peer": [
        (UNICAST, {"unicast_peer": ["192.0.2.12"]}),
        (UNICAST, {"unicast_peer": ["192.0.2.12", "192.0.2.99"]}),
        (UNICAST, {"unicast_peer": None, "unicast_src_ip": None}),
        (MULTICAST, {"unicast_peer": MEMBERS, "unicast_src_ip": "192.0.2.11"}),
    ],
    "unicast_ttl": [
        (UNICAST, {"unicast_ttl": 64}),
        (UNICAST_6, {"unicast_ttl": 255}),
        ({**UNICAST_6, "unicast_ttl": 255}, {"unicast_ttl": None}),
    ],
    "authentication": [
        (VERSION_2, {"authentication": {"auth_type": "PASS", "auth_pass": "later"}}),
        (VERSION_2, {"authentication": {"auth_type": "AH", "auth_pass": "earlier"}}),
        (VERSION_2, {"authentication": None}),
    ],
    "auth_hmac": [(UNICAST, {"auth_hmac": {"keys": [{"id": 1, "value": "a key"}], "active_key": 1}})],
    "virtual_ipaddress": [
        (UNICAST, {"virtual_ipaddress": ["192.0.2.101/24"]}),
        (UNICAST, {"virtual_ipaddress": ["192.0.2.100/24", "192.0.2.101/24"]}),
        (
            UNICAST,
            {
                "virtual_router_id": 100,
                "virtual_ipaddress": ["2001:db8::100/64"],
                "unicast_src_ip": None,
                "unicast_peer": ["2001:db8::12"],
            },
        ),
    ],
    "vrf": [({**UNICAST, "interface": None}, {"vrf": "blue"})],
}


def instance(options: Options) -> VrrpInstance:
    return VrrpInstance.from_options(options)


def changed(before: Options, after: Options, **more: t.Any) -> dict[str, list[str]]:
    return joint_changes([instance(before)], [instance(after)], MEMBERS, **more)


def test_every_marked_field_is_flipped() -> None:
    assert sorted(FLIPS) == sorted(wire_fields(VrrpInstance))


@pytest.mark.parametrize(
    ("field", "before", "flip"), [(field, *case) for field, cases in FLIPS.items() for case in cases]
)
def test_a_field_that_is_seen_on_the_wire_is_named(field: str, before: Options, flip: Options) -> None:
    assert field in changed(before, {**before, **flip})["VI_1"]


@pytest.mark.parametrize("options", [UNICAST, MULTICAST, VERSION_2], ids=["unicast", "multicast", "version 2"])
def test_what_was_written_is_what_is_wanted(options: Options) -> None:
    one = instance(options)
    assert joint_changes([VrrpInstance.from_block(one.to_block())], [one], MEMBERS) == {}


@pytest.mark.parametrize(
    "harmless",
    [
        {"name": "renamed"},
        {"priority": 90},
        {"nopreempt": True},
        {"preempt_delay": 30},
        {"track_file": ["own"]},
        {"virtual_ipaddress": ["192.0.2.100/32 dev eth0 label eth0:1"]},
        {"virtual_ipaddress_excluded": ["192.0.2.101/24"]},
        {"unicast_peer": [*MEMBERS, "192.0.2.14"]},
        {"unicast_peer": ["192.0.2.13", "192.0.2.12"]},
        {"check_unicast_src": True},
        {"garp_master_refresh": 30},
        {"interface": None},
    ],
    ids=str,
)
def test_what_no_peer_sees_is_changed_node_by_node(harmless: Options) -> None:
    assert changed(UNICAST, {**UNICAST, **harmless}) == {}


def test_a_peer_that_is_a_member_no_more_may_go() -> None:
    left = {**UNICAST, "unicast_peer": ["192.0.2.12"]}
    assert joint_changes([instance(UNICAST)], [instance(left)], ["192.0.2.12"]) == {}


def test_new_instances_and_instances_that_go_concern_nobody() -> None:
    other = {**UNICAST, "name": "VI_2", "virtual_router_id": 101, "virtual_ipaddress": ["192.0.2.101/24"]}
    assert joint_changes([], [instance(UNICAST)], MEMBERS) == {}
    assert joint_changes([instance(UNICAST)], [instance(UNICAST), instance(other)], MEMBERS) == {}
    assert joint_changes([instance(UNICAST), instance(other)], [instance(UNICAST)], MEMBERS) == {}
    family = {**other, "virtual_router_id": 100, "virtual_ipaddress": ["2001:db8::100/64"], "unicast_src_ip": None}
    family["unicast_peer"] = ["2001:db8::12"]
    both = [instance(UNICAST), instance(family)]
    assert joint_changes(both, both, MEMBERS) == {}, "each family has router ids of its own"


def test_instances_that_swap_their_router_ids_are_found() -> None:
    one, two = UNICAST, {**UNICAST, "name": "VI_2", "virtual_router_id": 101, "virtual_ipaddress": ["192.0.2.101/24"]}
    swapped = [{**one, "virtual_router_id": 101}, {**two, "virtual_router_id": 100}]
    found = joint_changes([instance(one), instance(two)], [instance(other) for other in swapped], MEMBERS)
    assert set(found) == {"VI_1", "VI_2"}


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ([], [["VI_1", "VI_2"]], True),
        ([["VI_1", "VI_2"]], [], True),
        ([["VI_1", "VI_2"]], [["VI_2", "VI_1"]], False),
        ([["VI_1", "VI_2"]], [["VI_1", "VI_2", "new"]], False),
        ([["VI_1"]], [], False),
    ],
)
def test_instances_that_move_together_do_so_on_all_nodes(
    before: list[list[str]], after: list[list[str]], named: bool
) -> None:
    live = [
        instance(UNICAST),
        instance({**UNICAST, "name": "VI_2", "virtual_router_id": 101, "virtual_ipaddress": ["192.0.2.101/24"]}),
    ]
    groups = [
        [SyncGroup.from_options({"name": f"group{number}", "group": names}) for number, names in enumerate(some)]
        for some in (before, after)
    ]
    found = joint_changes(live, live, MEMBERS, live_groups=groups[0], wanted_groups=groups[1])
    assert found == (dict.fromkeys(("VI_1", "VI_2"), ["sync group"]) if named else {})


def test_what_somebody_else_wrote_by_hand_is_read_with_the_defaults_of_keepalived() -> None:
    [block] = parse(
        "vrrp_instance old { interface eth0\n virtual_router_id 100\n virtual_ipaddress { 192.0.2.100 }\n }\n", "x"
    )
    live = VrrpInstance.read(block, [])
    assert live is not None
    wanted = instance(MULTICAST)
    assert joint_changes([live], [wanted], MEMBERS) == {"VI_1": ["version", "advert_int"]}
    assert joint_changes([live], [instance({**MULTICAST, "version": 2, "advert_int": 1})], MEMBERS) == {}
