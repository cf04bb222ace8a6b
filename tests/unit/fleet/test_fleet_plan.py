# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from an inventory."""

from __future__ import annotations

import itertools
import re
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Vip
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import order, priorities
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.router_ids import Claim, allocate, segments
from documented import ROOT
from inventory_builder import InventoryBuilder, Variables

BLOG = {"name": "blog", "servers_from": "backend", "port": 8080}


def test_what_roles_and_playbooks_read_of_a_plan_is_in_it() -> None:
    files = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*") if path.is_file()]
    read = {name for path in files for name in re.findall(r"__keepalived_plan\.(\w+)", path.read_text())}
    assert "vips" in read
    assert read - InventoryBuilder().slices()["lb1"].keys() == set()


def test_three_groups_and_one_address_make_a_pair() -> None:
    common = {"version": 3, "advert_int": 0.1, "preempt_delay": 60}
    watched = ["nginx_crash", "nginx_probe", "nginx_stop", "cut_off_VI_1"]
    shared = {"virtual_ipaddress": ["10.0.0.100/24"], "virtual_ipaddress_excluded": [], "track_file": watched}
    servers = [{"address": "10.0.0.21", "port": 8080}, {"address": "10.0.0.22", "port": 8080}]
    plan = InventoryBuilder().slices()
    for host, address, peer in (("lb1", "10.0.0.11", "10.0.0.12"), ("lb2", "10.0.0.12", "10.0.0.11")):
        assert plan[host].pop("kernel") == {"nonlocal_bind": [], "ipvs": False, "forward": False, "real_time": False}
        assert plan[host].pop("keepalived_virtual_servers") == []
        assert plan[host].pop("firewall") == {
            "adverts": [{"source": peer}],
            "authenticated": False,
            "ports": ["80/tcp"],
            "addresses": [address],
        }
        assert plan[host].pop("outage")["host_gone"] == pytest.approx(0.4, abs=0.01)
    told = "The longest that a client waits by these settings, whichever of lb1, lb2 fails: host gone 0.40 s, "
    assert plan["lb1"].pop("outage_sentence").startswith(told)
    assert plan["lb2"].pop("outage_sentence") == ""
    cluster = {
        "cluster": "all",
        "members": ["lb1", "lb2"],
        "vips": ["10.0.0.100"],
        "keepalived_sync_groups": [],
    }
    detected = {"name": "VI_1", "interface": "", "router_id": 100, "version": 3, "advert_int": 0.1}
    detected.update(witnesses=["10.0.0.21", "10.0.0.22"], gateways=True, track_file="/run/holdfast/track/cut_off_VI_1")
    assert [plan["lb1"].pop("detected"), plan["lb2"].pop("detected")] == [
        [dict(detected, detection=0.302, address="10.0.0.11", peers=["10.0.0.12"], vips=["10.0.0.100"])],
        [dict(detected, detection=0.306, address="10.0.0.12", peers=["10.0.0.11"], vips=["10.0.0.100"])],
    ]
    assert [plan[host].pop("packages")[0] for host in ("lb1", "lb2")] == ["keepalived", "keepalived"]
    assert [plan[host].pop("asked_at") for host in ("lb1", "lb2")] == [["10.0.0.100"]] * 2
    asked = [plan[host].pop("client_requests") for host in ("lb1", "lb2")]
    assert [[(one["host"], one["port"]) for one in requests] for requests in asked] == [[("blog.example.com", 80)]] * 2
    assert [plan[host].pop("restart_first") for host in ("lb1", "lb2")] == [[], []]
    assert [plan[host].pop("issued") for host in ("lb1", "lb2")] == [[], []]
    assert [plan[host].pop("third_host") for host in ("lb1", "lb2")] == ["web1", "web1"]
    upstreams = {"balancer_upstreams": [{"name": "blog", "servers": servers}], "balancer_stream_upstreams": []}
    assert plan == {
        "lb1": {
            "address": "10.0.0.11",
            "keepalived_instances": [
                {
                    "name": "VI_1",
                    "virtual_router_id": 100,
                    "priority": 250,
                    "unicast_src_ip": "10.0.0.11",
                    "unicast_peer": ["10.0.0.12"],
                    **common,
                    **shared,
                }
            ],
            **cluster,
            **upstreams,
        },
        "lb2": {
            "address": "10.0.0.12",
            "keepalived_instances": [
                {
                    "name": "VI_1",
                    "virtual_router_id": 100,
                    "priority": 240,
                    "unicast_src_ip": "10.0.0.12",
                    "unicast_peer": ["10.0.0.11"],
                    **common,
                    **shared,
                }
            ],
            **cluster,
            **upstreams,
        },
        "web1": {
            "address": "10.0.0.21",
            "balancers": ["10.0.0.11", "10.0.0.12"],
            "balancer_names": ["lb1", "lb2"],
            "loopback_addresses": [],
        },
        "web2": {
            "address": "10.0.0.22",
            "balancers": ["10.0.0.11", "10.0.0.12"],
            "balancer_names": ["lb1", "lb2"],
            "loopback_addresses": [],
        },
    }


def test_the_plan_of_a_batch_is_a_part_of_the_plan_of_all() -> None:
    inventory = InventoryBuilder()
    everything = inventory.slices()
    assert inventory.slices("lb2") == {"lb2": everything["lb2"]}
    assert inventory.slices("localhost") == {}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"keepalived_timing": "standard"}, {"version": 3, "advert_int": 1.0}),
        ({"keepalived_timing": {"version": 2, "advert_int": "2"}}, {"version": 2, "advert_int": 2.0}),
        ({"keepalived_preempt_delay": "300"}, {"preempt_delay": 300}),
        ({"keepalived_preempt": False}, {"nopreempt": True, "preempt_delay": None}),
        ({"keepalived_preempt": "no"}, {"nopreempt": True, "preempt_delay": None}),
        ({"keepalived_preempt": True}, {"nopreempt": None, "preempt_delay": 60}),
        ({"keepalived_interface": "ens33"}, {"interface": "ens33"}),
        ({"keepalived_unicast": False}, {"unicast_src_ip": None, "unicast_peer": None, "mcast_src_ip": "10.0.0.11"}),
        ({"keepalived_virtual_router_id": 7}, {"virtual_router_id": 7}),
        (
            {"keepalived_vips": ["10.0.0.100/24 dev eth0 label eth0:1", "10.0.0.101/24", "fd00::100/64"]},
            {
                "virtual_ipaddress": ["10.0.0.100/24 dev eth0 label eth0:1"],
                "virtual_ipaddress_excluded": ["10.0.0.101/24", "fd00::100/64"],
                "interface": None,
            },
        ),
        (
            {"keepalived_vips": [{"address": "10.0.0.99/24", "label": "eth0:1"}]},
            {"virtual_router_id": 99, "virtual_ipaddress": [{"address": "10.0.0.99/24", "label": "eth0:1"}]},
        ),
        ({"keepalived_vips": ["10.0.0.100 dev eth0"]}, {"interface": "eth0", "virtual_router_id": 100}),
        ({"keepalived_vips": ["10.0.0.100"], "keepalived_interface": "eth1"}, {"interface": "eth1"}),
        ({"keepalived_instance_options": {"garp_master_refresh": 60}}, {"garp_master_refresh": 60}),
        (
            {
                "keepalived_track_interfaces": ["eth1", {"name": "eth2", "weight": -20}],
                "keepalived_track_files": [{"name": "ready", "file": "/run/ready"}],
                "keepalived_vrrp_scripts": [{"name": "disk", "script": "/usr/local/bin/disk", "weight": -20}],
                "keepalived_track_processes": [{"name": "bird", "process": "bird"}],
            },
            {
                "track_interface": ["eth1", {"name": "eth2", "weight": -20}],
                "track_file": ["ready", "nginx_crash", "nginx_probe", "nginx_stop", "cut_off_VI_1"],
                "track_script": ["disk"],
                "track_process": ["bird"],
            },
        ),
    ],
)
def test_variables_reach_the_instance(variables: Variables, expected: dict[str, t.Any]) -> None:
    [instance] = InventoryBuilder(variables).instances("lb1")["lb1"]
    assert {key: instance.get(key) for key in expected} == expected


def test_explicit_instances_are_taken_as_they_are_and_completed() -> None:
    instances = [
        {"name": "web", "vips": ["10.0.0.100/24", "10.0.0.102/24"], "preferred": "lb2", "timing": "standard"},
        {
            "name": "mail",
            "virtual_ipaddress": ["10.0.0.101/24", "10.0.0.103/24"],
            "virtual_ipaddress_excluded": ["10.0.0.104/24"],
            "virtual_router_id": 51,
            "nopreempt": True,
            "smtp_alert": True,
        },
    ]
    planned = InventoryBuilder({"keepalived_vips": None, "keepalived_instances": instances}).instances()
    assert [(one["name"], one["priority"]) for one in planned["lb1"]] == [("web", 240), ("mail", 250)]
    assert [(one["name"], one["priority"]) for one in planned["lb2"]] == [("web", 250), ("mail", 240)]
    web, mail = planned["lb1"]
    assert (web["virtual_router_id"], web["advert_int"], web["preempt_delay"]) == (100, 1.0, 60)
    assert (web["virtual_ipaddress"], web["virtual_ipaddress_excluded"]) == (["10.0.0.100/24"], ["10.0.0.102/24"])
    assert mail["virtual_ipaddress"] == ["10.0.0.101/24", "10.0.0.103/24"]
    assert mail["virtual_ipaddress_excluded"] == ["10.0.0.104/24"]
    assert (mail["virtual_router_id"], mail["nopreempt"], mail["smtp_alert"]) == (51, True, True)
    assert "preempt_delay" not in mail
    assert not {"vips", "preferred", "timing"} & (web.keys() | mail.keys())


def test_priorities_of_their_own_make_the_order() -> None:
    def own(priority: int) -> Variables:
        return {"keepalived_instances": [{"name": "VI_1", "vips": ["10.0.0.100/24"], "priority": priority}]}

    planned = InventoryBuilder(lb1=own(150), lb2=own(100)).instances()
    assert [planned[host][0]["priority"] for host in ("lb1", "lb2")] == [150, 100]


def test_spread_prefers_each_node_for_one_address() -> None:
    inventory = InventoryBuilder({"keepalived_vips": ["10.0.0.100/24", "10.0.0.101/24"], "keepalived_spread": True})
    planned = inventory.instances()
    assert {
        host: [(one["name"], one["virtual_router_id"], one["priority"]) for one in instances]
        for host, instances in planned.items()
    } == {
        "lb1": [("VI_1", 100, 250), ("VI_2", 101, 240)],
        "lb2": [("VI_1", 100, 240), ("VI_2", 101, 250)],
    }
    assert planned["lb1"][1]["virtual_ipaddress"] == ["10.0.0.101/24"]


@pytest.mark.parametrize("nodes", range(2, 8))
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_what_failed_nodes_held_is_spread_evenly(nodes: int, rounds: int) -> None:
    orders = [order(nodes, number) for number in range(nodes * rounds)]
    assert all(sorted(one) == list(range(nodes)) for one in orders)
    for gone in range(min(3, nodes)):
        for failed in itertools.combinations(range(nodes), gone):
            load = dict.fromkeys(set(range(nodes)) - set(failed), 0)
            for one in orders:
                load[next(node for node in one if node in load)] += 1
            assert max(load.values()) - min(load.values()) <= rounds


@pytest.mark.parametrize("count", [1, 2, 3, 10, 25, 26, 100, 250])
def test_priorities_are_distinct_and_leave_room_for_a_move(count: int) -> None:
    given = priorities(count)
    assert len(set(given)) == count
    assert given == sorted(given, reverse=True)
    assert given[0] == 250
    assert given[-1] >= 1


def test_a_third_node_changes_nothing_of_the_first_two() -> None:
    before = InventoryBuilder().instances()
    third = {"lb2": {"ansible_host": "10.0.0.12"}, "lb3": {"ansible_host": "10.0.0.13"}}
    after = InventoryBuilder(groups={"backup": third}).instances()
    assert after["lb3"][0]["priority"] == 230
    assert after["lb1"][0]["unicast_peer"] == ["10.0.0.12", "10.0.0.13"]
    for host in ("lb1", "lb2"):
        assert {**after[host][0], "unicast_peer": None} == {**before[host][0], "unicast_peer": None}


def pairs(*addresses: str) -> InventoryBuilder:
    """One cluster for each of these addresses."""
    masters, backups = {}, {}
    for number, address in enumerate(addresses):
        own: Variables = {"keepalived_cluster": f"c{number}", "keepalived_vips": [address], "keepalived_interface": "e"}
        first = address.partition("/")[0].rpartition(".")[0]
        masters[f"a{number}"] = {**own, "keepalived_address": f"{first}.{2 * number + 1}"}
        backups[f"b{number}"] = {**own, "keepalived_address": f"{first}.{2 * number + 2}"}
    return InventoryBuilder(groups={"master": masters, "backup": backups})


def ids(inventory: InventoryBuilder) -> list[int]:
    planned = inventory.instances()
    assert all(
        planned[f"a{at}"][0]["virtual_router_id"] == planned[f"b{at}"][0]["virtual_router_id"] for at in range(2)
    )
    return [planned[host][0]["virtual_router_id"] for host in inventory.groups["master"]]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        pytest.param(["10.0.0.100/24", "10.0.0.101/24"], [100, 101], id="last byte"),
        pytest.param(["10.0.0.100/24", "10.0.1.100/24"], [100, 100], id="the same on two segments"),
        pytest.param(["10.0.0.100/24", "10.0.0.51/24"], [100, 51], id="51 where the address says so"),
    ],
)
def test_router_ids_are_the_last_byte_of_the_address(addresses: list[str], expected: list[int]) -> None:
    assert ids(pairs(*addresses)) == expected


def test_router_ids_do_not_clash_on_a_segment() -> None:
    given = ids(pairs("10.0.0.100/16", "10.0.1.100/16", "10.0.2.100/16", "10.0.3.0/16"))
    assert given[0] == 100
    assert len(set(given)) == 4
    assert all(1 <= number <= 255 and number != 51 for number in given)


def test_a_segment_has_room_for_all_ids_but_everybodys() -> None:
    vips = [Vip.parse(f"10.0.{number}.0/16", "") for number in range(256)]
    given = list(allocate([Claim(("", str(vip.address)), vip) for vip in vips], segments(vips)).values())
    assert sorted(given[:254]) == [number for number in range(1, 256) if number != 51]
    assert given[254:] == [0, 0]


def test_router_ids_of_addresses_without_prefix_count_in_their_segment() -> None:
    assert len(set(ids(pairs("10.0.0.100/16", "10.0.1.100")))) == 2
    assert ids(pairs("10.0.0.100", "10.0.1.100")) == [100, 100]


def test_router_ids_stay_when_clusters_are_added() -> None:
    addresses = [f"10.0.{number % 3}.{100 + number % 7}/16" for number in range(21)]
    before = ids(pairs(*addresses))
    after = ids(pairs(*addresses, "10.0.9.100/16", f"10.0.9.{before[7]}/16"))
    assert after[:21] == before
    assert len(set(after)) == 23


def test_a_pinned_router_id_is_kept_free() -> None:
    inventory = pairs("10.0.0.100/24", "10.0.0.101/24")
    for host in ("a1", "b1"):
        inventory.hostvars[host]["keepalived_virtual_router_id"] = 100
    first, second = ids(inventory)
    assert second == 100
    assert first not in (0, 100)


InUse = t.Dict[str, t.Dict[str, int]]


@pytest.mark.parametrize(
    ("addresses", "in_use", "expected"),
    [
        pytest.param(["10.0.0.105/24", "10.0.0.101/24"], {}, [105, 101], id="nobody was looked at"),
        pytest.param(["10.0.0.105/24", "10.0.0.101/24"], {"b0": {"VI_1": 100}}, [100, 101], id="its address changed"),
        # The other one has the address that the first one's id was once derived from.
        pytest.param(
            ["10.0.0.105/24", "10.0.0.100/24"], {"a0": {"VI_1": 100}, "b0": {"VI_1": 100}}, [100, 0], id="taken"
        ),
        pytest.param(["10.0.0.105/24", "10.0.0.101/24"], {"a0": {"VI_1": 7}, "b0": {"VI_1": 8}}, [105, 101], id="torn"),
        pytest.param(["10.0.0.105/24", "10.0.0.101/24"], {"a0": {"VI_9": 7}}, [105, 101], id="of another instance"),
    ],
)
def test_a_router_id_that_is_in_use_stays(addresses: list[str], in_use: InUse, expected: list[int]) -> None:
    inventory = pairs(*addresses)
    plan = inventory.examine(in_use=in_use).plan
    given = [plan.instances[f"a{at}"][0].router_id for at in range(2)]
    assert [plan.instances[f"b{at}"][0].router_id for at in range(2)] == given
    assert given[0] == expected[0]
    assert given[1] == expected[1] or (expected[1] == 0 and given[1] not in (0, *given[:1]))
    # What the inventory pins goes before.
    for host in ("a0", "b0"):
        inventory.hostvars[host]["keepalived_virtual_router_id"] = 9
    assert inventory.examine(in_use=in_use).plan.instances["a0"][0].router_id == 9


def test_ipv6_members_speak_ipv6() -> None:
    hosts: dict[str, Variables] = {
        "lb1": {"ansible_host": "fd00::11"},
        "lb2": {"ansible_host": "10.0.0.12", "keepalived_address": "fd00::12"},
    }
    [instance] = InventoryBuilder({"keepalived_vips": ["fd00::100/64"]}, **hosts).instances("lb1")["lb1"]
    assert (instance["unicast_src_ip"], instance["unicast_peer"]) == ("fd00::11", ["fd00::12"])
    assert 1 <= instance["virtual_router_id"] <= 255


def test_an_instance_a_family() -> None:
    instances = [{"name": "VI_4", "vips": ["10.0.0.100/24"]}, {"name": "VI_6", "vips": ["fd00::64/64"]}]
    own: dict[str, Variables] = {"lb1": {"keepalived_address6": "fd00::11"}, "lb2": {"keepalived_address6": "fd00::12"}}
    four, six = InventoryBuilder({"keepalived_vips": None, "keepalived_instances": instances}, **own).instances()["lb1"]
    assert (four["unicast_src_ip"], six["unicast_src_ip"]) == ("10.0.0.11", "fd00::11")
    # The ids of the two families are different spaces.
    assert four["virtual_router_id"] == six["virtual_router_id"] == 100


@pytest.mark.parametrize(
    ("upstream", "hosts", "expected"),
    [
        (BLOG, {}, [{"address": "10.0.0.21", "port": 8080}, {"address": "10.0.0.22", "port": 8080}]),
        (
            {"name": "blog", "servers_from": "backend"},
            {"web1": {"backend_port": "81"}},
            [{"address": "10.0.0.21", "port": 81}, {"address": "10.0.0.22", "port": 8080}],
        ),
        (
            {**BLOG, "port": "9090"},
            {"web1": {"backend_port": 81}},
            [{"address": "10.0.0.21", "port": 9090}, {"address": "10.0.0.22", "port": 9090}],
        ),
        (
            {**BLOG, "weight": 4, "max_fails": "2", "fail_timeout": "30s", "max_conns": 100},
            {"web2": {"backend_weight": 1, "backend_max_conns": 0}},
            [
                {
                    "address": "10.0.0.21",
                    "port": 8080,
                    "weight": 4,
                    "max_fails": 2,
                    "fail_timeout": "30s",
                    "max_conns": 100,
                },
                {
                    "address": "10.0.0.22",
                    "port": 8080,
                    "weight": 1,
                    "max_fails": 2,
                    "fail_timeout": "30s",
                    "max_conns": 0,
                },
            ],
        ),
        (
            BLOG,
            {"web1": {"backend_down": True}, "web2": {"backend_down": False, "backend_backup": "yes"}},
            [
                {"address": "10.0.0.21", "port": 8080, "down": True},
                {"address": "10.0.0.22", "port": 8080, "backup": True},
            ],
        ),
        (
            {**BLOG, "servers": [{"address": "backup.example.com", "port": 80, "backup": True}]},
            {},
            [
                {"address": "10.0.0.21", "port": 8080},
                {"address": "10.0.0.22", "port": 8080},
                {"address": "backup.example.com", "port": 80, "backup": True},
            ],
        ),
        ({"name": "blog", "servers": [{"address": "10.9.9.9:80"}]}, {}, [{"address": "10.9.9.9:80"}]),
        (
            BLOG,
            {"web1": {"backend_address": "192.0.2.1"}, "web2": {"ansible_host": "fd00::22"}},
            [{"address": "192.0.2.1", "port": 8080}, {"address": "fd00::22", "port": 8080}],
        ),
    ],
)
def test_servers_come_from_the_group(
    upstream: dict[str, t.Any], hosts: dict[str, Variables], expected: list[dict[str, t.Any]]
) -> None:
    [resolved] = InventoryBuilder({"balancer_upstreams": [upstream]}, **hosts).slices("lb1")["lb1"][
        "balancer_upstreams"
    ]
    assert resolved == {"name": "blog", "servers": expected}


def test_all_else_of_an_upstream_is_kept() -> None:
    upstreams = [{**BLOG, "method": "ip_hash", "keepalive": 64}]
    [planned] = InventoryBuilder({"balancer_upstreams": upstreams}).slices("lb1")["lb1"]["balancer_upstreams"]
    assert (planned["method"], planned["keepalive"]) == ("ip_hash", 64)


def test_streams_have_upstreams_of_their_own() -> None:
    streams = {
        "balancer_stream_upstreams": [{"name": "blog", "servers_from": "database", "port": 3306}],
        "balancer_streams": [{"name": "db", "listen": ["3306"], "upstream": "blog"}],
    }
    planned = InventoryBuilder(streams, groups={"database": {"db1": {"ansible_host": "10.0.0.31"}}}).slices("lb1")[
        "lb1"
    ]
    assert planned["balancer_stream_upstreams"] == [
        {"name": "blog", "servers": [{"address": "10.0.0.31", "port": 3306}]}
    ]
    assert len(planned["balancer_upstreams"][0]["servers"]) == 2


def test_groups_of_other_names() -> None:
    groups = {
        "master": {},
        "backup": {},
        "backend": {},
        "front": {"lb1": {"ansible_host": "10.0.0.11"}},
        "spare": {"lb2": {"ansible_host": "10.0.0.12"}},
        "web": {"web1": {"ansible_host": "10.0.0.21"}},
    }
    everywhere = {"balancer_upstreams": [{**BLOG, "servers_from": "web"}]}
    examined = InventoryBuilder(everywhere, groups=groups).examine(
        roles={"master": "front", "backup": "spare", "backend": "web"}
    )
    assert examined.faults.findings() == []
    plan = examined.plan.slices(["lb1", "web1"])
    assert plan["lb1"]["members"] == ["lb1", "lb2"]
    assert plan["web1"]["address"] == "10.0.0.21"


def test_the_order_of_members_is_masters_then_backups_as_listed() -> None:
    groups: dict[str, dict[str, Variables]] = {
        "backup": {"z": {"ansible_host": "10.0.0.13"}, "c": {"ansible_host": "10.0.0.14"}},
        "master": {"y": {"ansible_host": "10.0.0.15"}, "b": {"ansible_host": "10.0.0.16"}},
    }
    assert InventoryBuilder(groups=groups).slices("z")["z"]["members"] == ["y", "b", "z", "c"]


def test_one_balancer_without_an_address_to_share_is_planned_without_keepalived() -> None:
    alone = {"master": {"lb1": {"ansible_host": "10.0.0.11"}}, "backup": {}}
    inventory = InventoryBuilder({"keepalived_vips": None}, groups=alone)
    [finding] = inventory.findings()
    assert (finding.rule, finding.severity, finding.where) == ("single-balancer", "warning", "lb1")
    assert finding.message.startswith(
        "shares no address and has no partner: nginx is set up here and keepalived is not"
    )
    plan = inventory.examine().plan.slices(["lb1"])["lb1"]
    assert (plan["vips"], plan["packages"], plan["asked_at"], plan["outage_sentence"]) == ([], [], ["10.0.0.11"], "")
    documents = inventory.documents("lb1")
    assert documents["keepalived"]["preflight"] == {}
    [(section, firewall)] = documents["keepalived"]["state"].items()
    assert (section, firewall["ports"], firewall["adverts"], firewall["guard"]) == ("firewall", ["80/tcp"], [], False)
    assert [one["name"] for one in documents["balancer"]["state"]["services"]["services"]] == ["nginx.service"]
    assert inventory.documents("web1")["backend"]["state"]["firewall"]["sources"] == ["10.0.0.11"]


def test_an_address_without_a_partner_is_refused() -> None:
    alone = {"master": {"lb1": {"ansible_host": "10.0.0.11"}}, "backup": {}}
    assert [one.rule for one in InventoryBuilder(groups=alone).findings()] == ["no-backup"]
    two = {"master": {"lb1": {"ansible_host": "10.0.0.11"}, "lb3": {"ansible_host": "10.0.0.13"}}, "backup": {}}
    rules = {one.rule for one in InventoryBuilder({"keepalived_vips": None}, groups=two).findings()}
    assert rules == {"no-backup", "no-address"}
