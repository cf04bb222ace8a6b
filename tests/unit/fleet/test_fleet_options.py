# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Global options and priorities of one's own: taken where they are whole, refused with a reason where they do harm."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.options import GLOBAL_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.rules_global import OFF, ON
from inventory_builder import InventoryBuilder, Variables

VIP = "10.0.0.100/24"
MULTICAST: Variables = {"keepalived_unicast": False}


def told(everywhere: Variables | None = None, **hosts: Variables) -> list[str]:
    return [f"{one.severity} {one}" for one in InventoryBuilder(everywhere, **hosts).findings()]


@pytest.mark.parametrize(
    "options",
    [
        {"router_id": "edge"},
        {"vrrp_garp_interval": 0.001, "vrrp_gna_interval": 0.000001},
        {"vrrp_garp_master_delay": 5, "vrrp_garp_master_repeat": 5, "vrrp_garp_lower_prio_repeat": 1},
        {
            "notification_email": ["ops@example.com"],
            "notification_email_from": "lb@example.com",
            "smtp_server": ["192.0.2.25", "25"],
            "smtp_connect_timeout": 30,
            "smtp_alert": True,
        },
        {"script_user": ["nobody", "nogroup"]},
        {"vrrp_strict": False, "vrrp_iptables": False},
        {"enable_script_security": True, "vrrp_rt_priority": 20},
        {"v3_checksum_as_v2": True},
    ],
    ids=str,
)
def test_global_options_are_taken(options: Variables) -> None:
    assert told({"keepalived_global_options": options}) == []


@pytest.mark.parametrize(
    ("options", "where", "words"),
    [
        ({"vrrp_strict": True}, "vrrp_strict", "drops what clients send to the shared address"),
        ({"vrrp_strict": "yes"}, "vrrp_strict", "drops what clients send"),
        ({"vrrp_iptables": True}, "vrrp_iptables", "a chain of iptables that the host must have"),
        ({"vrrp_iptables": ["INPUT"]}, "vrrp_iptables", "a chain of iptables"),
        ({"enable_script_security": False}, "enable_script_security", "programs as root that others can change"),
        ({"vrrp_check_unicast_src": False}, "vrrp_check_unicast_src", "adverts of any host"),
        ({"vrrp_version": 2}, "vrrp_version", "say the version in keepalived_timing"),
        ({"vrrp_mcast_group4": "224.0.0.19"}, "vrrp_mcast_group4", "keepalived_multicast_group"),
        ({"vrrp_notify_fifo": ["/run/fifo"]}, "vrrp_notify_fifo", "keepalived_notify_commands"),
        ({"process_name": "lb"}, "process_name", "found by the name of its processes"),
        ({"vrrp_min_garp": True}, "vrrp_min_garp", "one that misses it"),
        ({"smtp_alert": True}, "notification_email", "would send its mails to nobody"),
        ({"router_idd": "x"}, "router_idd", "did you mean router_id?"),
        ({"vrrp_garp_interval": 0}, "vrrp_garp_interval", "0"),
        ({"vrrp_garp_master_repeat": "often"}, "vrrp_garp_master_repeat", "must be a whole number, not `often`"),
    ],
)
def test_global_options_that_do_harm_or_are_wrong_are_refused(options: Variables, where: str, words: str) -> None:
    path = f"keepalived_global_options.{where}".rstrip(".")
    [finding] = told({"keepalived_global_options": options})
    assert finding.startswith(f"error lb1, lb2: {path}: ")
    assert words in finding


def test_every_option_that_is_judged_is_one_of_keepalived() -> None:
    assert sorted({*ON, *OFF} - {*GLOBAL_OPTIONS}) == []


@pytest.mark.parametrize("name", ["strict_mode", "no_accept"])
@pytest.mark.parametrize("said", [{}, MULTICAST], ids=["unicast", "multicast"])
def test_what_makes_the_address_deaf_is_refused_through_every_door(said: Variables, name: str) -> None:
    for path, options in (
        ("keepalived_instance_options", {"keepalived_instance_options": {name: True}}),
        ("keepalived_instances[0]", {"keepalived_instances": [{"vips": [VIP], name: True}]}),
    ):
        [finding] = told({**said, **options})
        assert finding.startswith(f"error lb1, lb2: {path}.{name}: does harm: keepalived then drops")
    assert told({**said, "keepalived_instance_options": {name: False}}) == []


def test_global_options_that_are_no_mapping_are_refused() -> None:
    [finding] = told({"keepalived_global_options": ["vrrp_strict"]})
    assert "keepalived_global_options: must be a mapping" in finding


def test_a_checksum_of_another_kind_is_a_second_holder() -> None:
    [finding] = told(lb2={"keepalived_global_options": {"v3_checksum_as_v2": True}})
    assert finding.startswith("error lb2: keepalived_global_options.v3_checksum_as_v2: differs from that of lb1")


def test_scripts_run_as_the_user_that_is_said_nearest() -> None:
    said = {
        "keepalived_global_options": {"script_user": ["watch"], "startup_script": "/usr/local/bin/start now"},
        "keepalived_vrrp_scripts": [
            {"name": "a", "script": "/usr/local/bin/a"},
            {"name": "b", "script": "/usr/local/bin/b", "user": ["root"]},
            {"name": "d", "script": "/usr/local/bin/d", "user": "disk"},
        ],
        "keepalived_checks": [{"name": "c", "command": "/usr/local/bin/c"}],
        "keepalived_instance_options": {"notify": {"command": "/usr/local/bin/n", "user": "tell"}},
    }
    plan = InventoryBuilder(said).documents("lb1")["keepalived"]["preflight"]
    assert plan["scripts"]["keepalived_global_options.startup_script"] == "/usr/local/bin/start"
    assert plan["script_users"] == {
        "keepalived_vrrp_scripts[0].script": "watch",
        "keepalived_vrrp_scripts[2].script": "disk",
        "keepalived_instance_options.notify": "tell",
        "keepalived_global_options.startup_script": "watch",
    }


def priorities(everywhere: Variables | None = None, **hosts: Variables) -> dict[str, list[int]]:
    instances = InventoryBuilder(everywhere, **hosts).instances()
    return {host: [one["priority"] for one in found] for host, found in instances.items()}


def own(lb1: t.Any, lb2: t.Any) -> dict[str, Variables]:
    return {"lb1": {"keepalived_priority": lb1}, "lb2": {"keepalived_priority": lb2}}


def test_a_priority_of_ones_own_holds_in_every_instance() -> None:
    assert priorities(**own(150, "100")) == {"lb1": [150], "lb2": [100]}
    instances = [{"name": "web", "vips": [VIP]}, {"name": "mail", "vips": ["10.0.0.110/24"]}]
    assert priorities({"keepalived_instances": instances}, **own(150, 100)) == {"lb1": [150, 150], "lb2": [100, 100]}


def test_a_priority_that_is_said_twice_the_same_is_taken() -> None:
    hosts = own(150, 100)
    hosts["lb1"]["keepalived_instance_options"] = {"priority": 150}
    assert priorities(**hosts) == {"lb1": [150], "lb2": [100]}


@pytest.mark.parametrize(
    ("everywhere", "hosts", "where", "words"),
    [
        ({}, own(100, 100), "error lb2: keepalived_priority", "is also the priority of lb1"),
        ({"keepalived_priority": 100}, {}, "error lb2: keepalived_priority", "is also the priority of lb1"),
        ({}, {"lb1": {"keepalived_priority": 150}}, "error lb2: keepalived_priority", "is missing, and lb1 has 150"),
        ({}, own(255, 100), "error lb1: keepalived_priority", "use 1 to 250"),
        ({}, own(0, 100), "error lb1: keepalived_priority", "use 1 to 250"),
        ({}, own("high", 100), "error lb1: keepalived_priority", "must be a whole number"),
        ({}, own(100, 150), "warning lb2: keepalived_priority", "150 prefers a host of the group backup"),
        (
            {"keepalived_vips": [VIP, "10.0.0.101/24"], "keepalived_spread": True},
            own(150, 100),
            "error lb1, lb2: keepalived_priority",
            "keepalived_spread gives each its own order",
        ),
        (
            {"keepalived_instances": [{"vips": [VIP], "preferred": "lb2"}]},
            own(150, 100),
            "error lb1, lb2: keepalived_priority",
            "an instance that says `preferred`",
        ),
        (
            {},
            {**own(150, 100), "lb1": {"keepalived_priority": 150, "keepalived_instance_options": {"priority": 120}}},
            "error lb1: keepalived_priority",
            "is 150, and keepalived_instance_options.priority of VI_1 is 120",
        ),
    ],
)
def test_a_priority_that_says_something_else_than_it_seems_is_told(
    everywhere: Variables, hosts: dict[str, Variables], where: str, words: str
) -> None:
    findings = told(everywhere, **hosts)
    assert all(one.startswith(where) for one in findings), findings
    assert words in findings[0]
