# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After every change the kernel has what the files say, whatever keepalived's reload did not bring."""

from __future__ import annotations

import json
import random
import typing as t

import pytest
from real_hosts import ADDRESS, PEER, Args, Host

NET = "10.89.77."
ROUTE = f"via {NET}12 dev eth0"
RULE = "from 10.1.2.0/24 table 77 priority 9"
BACKUP = {"advert_int": 40}
"""Nobody answers, and yet it waits for two minutes before it would take over."""
# What only the code before had: the files are swapped and keepalived reloads, and nobody asks the kernel.
UNASKED = (
    "from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon;"
    "KeepalivedDaemon._settle = lambda *_: None"
)


def instance(name: str, number: int, *vips: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the options of an instance; an address is its last byte, or all of its line."""
    lines = [f"{NET}{vip}/24" if vip.isdigit() else vip for vip in vips]
    options = {"name": name, "virtual_router_id": number, "unicast_src_ip": ADDRESS, "unicast_peer": [PEER]}
    return dict(options, virtual_ipaddress=lines[:1], virtual_ipaddress_excluded=lines[1:], **more)


def config(*instances: Args, **more: t.Any) -> dict[str, t.Any]:
    return dict(more, instances=list(instances))


def places(host: Host) -> set[str]:
    """Return every shared address as ``interface address/prefix``, with its label or lifetime where it has one."""
    found = set()
    for link in json.loads(host.run("ip -json address show")):
        for one in link["addr_info"]:
            if one["local"] == ADDRESS or one["scope"] == "host" or one["local"].startswith("fe80"):
                continue
            words = [link["ifname"], f"{one['local']}/{one['prefixlen']}"]
            words += ["label", one["label"]] if one.get("label", link["ifname"]) != link["ifname"] else []
            words += ["brd", one["broadcast"]] if "broadcast" in one else []
            words += ["scope", one["scope"]] if one["scope"] != "global" else []
            words += ["deprecated"] if one.get("deprecated") else []
            found.add(" ".join(words))
    return found


def routes(host: Host) -> list[str]:
    """Return the routes and rules of keepalived."""
    lines = host.run("ip route show table all proto keepalived; ip rule show | grep keepalived || true").split("\n")
    return sorted(" ".join(line.split()) for line in lines if line.strip())


def states(host: Host) -> set[str]:
    return {one["state"] for one in host.states().values()}


def run(host: Host, before: Args, after: Args, *, state: str = "MASTER") -> Args:
    """Have keepalived run a configuration and change it to another; return what the change said."""
    host.ok("keepalived_config", before)
    host.run("systemctl start keepalived")
    host.eventually(lambda: states(host) == {state}, f"every instance is {state}")
    return host.ok("keepalived_config", after)


@pytest.fixture
def clean(host: Host) -> Host:
    """A host without the routes and interfaces of the test before; keepalived does not run."""
    host.run(
        "ip route flush table all proto keepalived; ip rule flush proto keepalived;"
        "ip -6 address flush dev eth0 scope global; for one in /sys/class/net/vrrp*; do ip link del ${one##*/}; done"
        " 2>/dev/null; true"
    )
    return host


TWO = (instance("a", 10, "100"), instance("b", 11, "101"))
VMAC: Args = {"use_vmac": [], "vmac_xmit_base": True}
CASES: dict[str, tuple[Args, Args, set[str]]] = {
    "an address moves up": (
        config(instance("a", 10, "100"), instance("b", 11, "101", "102")),
        config(instance("a", 10, "100", "102"), instance("b", 11, "101")),
        {f"eth0 {NET}{number}/24" for number in (100, 101, 102)},
    ),
    "router ids are swapped": (
        config(*TWO),
        config(instance("a", 11, "100"), instance("b", 10, "101")),
        {f"eth0 {NET}100/24", f"eth0 {NET}101/24"},
    ),
    "names are swapped": (
        config(*TWO),
        config(instance("b", 10, "100"), instance("a", 11, "101")),
        {f"eth0 {NET}100/24", f"eth0 {NET}101/24"},
    ),
    "addresses are swapped, with prefixes and labels": (
        config(instance("a", 10, f"{NET}100/24 label eth0:a"), instance("b", 11, f"{NET}101/25")),
        config(instance("a", 10, f"{NET}101/26 label eth0:b"), instance("b", 11, "100")),
        {f"eth0 {NET}101/26 label eth0:b", f"eth0 {NET}100/24"},
    ),
    "broadcast and scope": (
        config(instance("a", 10, "100", "10.89.78.101/24")),
        config(instance("a", 10, f"{NET}100/24 brd +", "10.89.78.101/24 scope link")),
        {f"eth0 {NET}100/24 brd {NET}255", "eth0 10.89.78.101/24 scope link"},
    ),
    "an interface of its own": (
        config(instance("a", 10, "100", "102")),
        config(instance("a", 10, "100", "102", **VMAC)),
        {f"vrrp.10 {NET}100/24", f"vrrp.10 {NET}102/24"},
    ),
    "no interface of its own": (
        config(instance("a", 10, "100", "102", **VMAC)),
        config(instance("a", 10, "100", "102")),
        {f"eth0 {NET}100/24", f"eth0 {NET}102/24"},
    ),
    "IPv6, from usual to deprecated and back": (
        config(instance("a", 10, "100", "fd00::100/64 preferred_lft forever", "fd00::101/64")),
        config(instance("a", 10, "100", "fd00::100/64", "fd00::101/64 preferred_lft forever")),
        {f"eth0 {NET}100/24", "eth0 fd00::100/64 deprecated", "eth0 fd00::101/64"},
    ),
}


@pytest.mark.parametrize(("before", "after", "there"), CASES.values(), ids=CASES)
def test_what_a_reload_does_not_bring_is_brought(clean: Host, before: Args, after: Args, there: set[str]) -> None:
    run(clean, before, after)
    assert places(clean) == there
    assert states(clean) == {"MASTER"}
    again = clean.ok("keepalived_config", after)
    assert (again["changed"], again.get("warnings", [])) == (False, [])


def test_an_address_is_held_by_a_master_on_the_interface_where_it_belongs(clean: Host) -> None:
    made = config(instance("a", 10, "100", **VMAC))
    run(clean, made, made)
    clean.eventually(lambda: places(clean) == {f"vrrp.10 {NET}100/24"}, "it holds the address")
    found = clean.ok("vrrp_info", {})
    assert (found["instances"][0]["interface"], found["held"], found["amiss"]) == ("vrrp.10", [f"{NET}100"], [])
    interfaces = clean.ok("vrrp_doctor", {"addresses": [f"{NET}100"]})["facts"]["interfaces"]
    assert (interfaces["vrrp.10"]["below"], interfaces["eth0"]["below"]) == ("eth0", "")
    # The same reload without a look at the kernel: MASTER, with its address on the wrong interface or on none.
    clean.ok("keepalived_config", config(instance("a", 10, "100")), prelude=UNASKED)
    found = clean.ok("vrrp_info", {})
    assert (found["instances"][0]["state"], found["held"]) == ("MASTER", [])
    assert found["amiss"] == [f"a is MASTER, and {NET}100/24 is not on eth0"]
    assert clean.ok("vrrp_doctor", {"addresses": [f"{NET}100"]})["facts"]["amiss"] == found["amiss"]


def test_routes_and_rules_move_between_instances(clean: Host) -> None:
    before = config(
        instance("a", 10, "100", virtual_routes=[f"10.1.0.0/24 {ROUTE}", "10.1.1.0/24 dev eth0 table 77"]),
        instance("b", 11, "101", virtual_routes=[f"10.1.2.0/24 {ROUTE}"], virtual_rules=[RULE]),
        static_addresses=[f"{NET}150/24 dev eth0"],
        static_routes=[f"10.2.0.0/24 {ROUTE}"],
    )
    after = config(
        instance("a", 10, "100", virtual_routes=[f"10.1.2.0/24 {ROUTE}"], virtual_rules=[RULE]),
        instance("b", 11, "101", virtual_routes=["10.1.1.0/24 dev eth0 table 78"]),
        static_addresses=[f"{NET}151/24 dev eth0"],
        static_routes=[f"10.2.1.0/24 {ROUTE}"],
    )
    run(clean, before, after)
    assert routes(clean) == [
        "10.1.1.0/24 dev eth0 table 78",
        f"10.1.2.0/24 {ROUTE}",
        f"10.2.1.0/24 {ROUTE}",
        "9: from 10.1.2.0/24 lookup 77 proto keepalived",
    ]
    assert places(clean) == {f"eth0 {NET}{number}/24" for number in (100, 101, 151)}


def shuffled(seed: int) -> Args:
    """Return two or three instances between which eight addresses, and the router ids, are spread."""
    chance = random.Random(seed)
    names = ["a", "b", "c"][: chance.choice((2, 3))]
    vips, ids = [str(number) for number in range(100, 108)], chance.sample(range(10, 13), len(names))
    chance.shuffle(vips)
    chance.shuffle(names)
    cuts = sorted(chance.sample(range(1, len(vips)), len(names)))
    lists = [vips[start:end] for start, end in zip([0, *cuts], cuts)]
    return config(*(instance(name, number, *some) for name, number, some in zip(names, ids, lists)))


def addresses(wanted: Args) -> set[str]:
    lines = (
        line for one in wanted["instances"] for line in one["virtual_ipaddress"] + one["virtual_ipaddress_excluded"]
    )
    return {f"eth0 {line}" for line in lines}


def test_addresses_and_ids_move_in_all_directions(clean: Host) -> None:
    run(clean, shuffled(0), shuffled(1))
    for seed in range(2, 14):
        clean.ok("keepalived_config", shuffled(seed))
        clean.eventually(lambda: states(clean) == {"MASTER"}, f"every instance of seed {seed} is MASTER")
        assert places(clean) == addresses(shuffled(seed)), f"seed {seed}"


def test_nothing_is_left_on_a_node_that_stands_by(clean: Host) -> None:
    def standing_by(seed: int) -> Args:
        return config(*(dict(one, **BACKUP) for one in shuffled(seed)["instances"]))

    run(clean, standing_by(0), standing_by(1), state="BACKUP")
    for seed in range(2, 6):
        done = clean.ok("keepalived_config", standing_by(seed))
        assert places(clean) == set(), f"seed {seed}"
        assert done.get("warnings", []) == []
    clean.run(f"ip address add {NET}100/24 dev eth0")
    assert clean.ok("keepalived_config", standing_by(5))["changed"]
    assert places(clean) == set()


def test_an_unchanged_run_heals_what_a_former_one_left_wrong(clean: Host) -> None:
    before, after, there = CASES["an address moves up"]
    clean.ok("keepalived_config", before)
    clean.run("systemctl start keepalived")
    clean.eventually(lambda: places(clean) == there, "all addresses are there")
    clean.ok("keepalived_config", after, prelude=UNASKED)
    assert places(clean) == there - {f"eth0 {NET}102/24"}
    for check in (True, False):
        healed = clean.ok("keepalived_config", after, check=check)
        assert (healed["changed"], healed["files"], healed["reloaded"]) == (True, [], False)
        assert f"a is MASTER, and {NET}102/24 is not on eth0" in healed["warnings"][0]
    assert places(clean) == there
    assert not clean.ok("keepalived_config", after, check=True)["changed"]


@pytest.mark.parametrize("by_itself", [False, True])
def test_a_change_that_is_taken_back_is_taken_back_in_the_kernel(clean: Host, by_itself: bool) -> None:
    def ids() -> dict[str, int]:
        return {one["name"]: one["virtual_router_id"] for one in clean.states().values()}

    before, after, there = CASES["router ids are swapped"]
    run(clean, before, dict(after, stage_only=True))
    clean.ok("staged_change", {"daemon": "keepalived", "state": "committed", "confirm_within": 3 if by_itself else 60})
    if not by_itself:
        clean.eventually(
            lambda: places(clean) == there and ids() == {"a": 11, "b": 10}, "the new one has its addresses"
        )
        clean.ok("staged_change", {"daemon": "keepalived", "state": "undone"})
    clean.eventually(lambda: ids() == {"a": 10, "b": 11}, "the old one is back", within=30)
    clean.eventually(lambda: states(clean) == {"MASTER"} and places(clean) == there, "it has its addresses again")
    assert not clean.ok("keepalived_config", before)["changed"]


def test_what_cannot_be_brought_is_undone_and_told(clean: Host) -> None:
    before, after, there = CASES["an address moves up"]
    impossible = config(
        *after["instances"][:1], dict(after["instances"][1], virtual_routes=["10.9.0.0/24 via 192.0.2.77 dev eth0"])
    )
    clean.ok("keepalived_config", before)
    clean.run("systemctl start keepalived")
    clean.eventually(lambda: places(clean) == there, "all addresses are there")
    words = clean.refused("keepalived_config", impossible)
    assert words.startswith(
        "keepalived did not take the new configuration, the old one was put back: "
        "b is MASTER, and its route 10.9.0.0/24 via inet 192.0.2.77 dev eth0 proto 18 is not there (`ip -4 route "
    )
    assert "Nexthop has invalid gateway" in words
    assert (places(clean), states(clean)) == (there, {"MASTER"})
    assert clean.states()["b"]["excluded_addresses"] == [f"{NET}102"]
