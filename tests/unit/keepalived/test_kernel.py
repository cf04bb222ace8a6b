# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived wants and the kernel has not, from the words of both."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.kernel import (
    Kernel,
    differences,
    own_interfaces,
    read_kernel,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState, states

FOREVER = 4294967295
PLAIN = "192.0.2.100/24 dev eth0 scope global set"


def instance(*lines: str, state: str = "MASTER", name: str = "a", **more: tuple[str, ...]) -> InstanceState:
    return InstanceState(name, state, "eth0", 51, 100, 100, 0.0, (), (), lines, **more)


def address(local: str, length: int = 24, **more: t.Any) -> dict[str, t.Any]:
    return dict({"local": local, "prefixlen": length, "scope": "global", "preferred_life_time": FOREVER}, **more)


def kernel(*found: dict[str, t.Any], **others: t.Sequence[dict[str, t.Any]]) -> Kernel:
    """A host with these addresses on eth0, and others on interfaces named by keyword."""
    links = [{"ifname": "eth0", "addr_info": list(found)}]
    links += [{"ifname": name.replace("_", "."), "addr_info": list(some)} for name, some in others.items()]
    return Kernel(links, [], [])


def commands(*args: t.Any, **more: t.Any) -> list[str]:
    """Return the commands that would mend what differs; ``restart`` where none does."""
    return [" ".join(one.command or ("restart",)) for one in differences(*args, **more)]


HERE = address("192.0.2.100", label="eth0")
V6 = "2001:db8::100/64 dev eth0 scope global"


@pytest.mark.parametrize(
    ("line", "there", "mended"),
    [
        (PLAIN, kernel(HERE), []),
        (PLAIN, kernel(), ["ip address add 192.0.2.100/24 scope global dev eth0"]),
        # The same address with another prefix is another address, for the kernel too.
        (
            PLAIN,
            kernel(address("192.0.2.100", 32)),
            ["ip address add 192.0.2.100/24 scope global dev eth0", "ip address del 192.0.2.100/32 dev eth0"],
        ),
        ("192.0.2.100/24 dev eth0 scope global label eth0:x set", kernel(HERE), ["restart"]),
        ("192.0.2.100/24 brd 192.0.2.255 dev eth0 scope global", kernel(HERE), ["restart"]),
        (PLAIN, kernel(dict(HERE, broadcast="192.0.2.255")), ["restart"]),
        ("192.0.2.100 peer 192.0.2.7/24 dev eth0 scope global", kernel(dict(HERE, address="192.0.2.7")), []),
        ("192.0.2.100 peer 192.0.2.7/24 dev eth0 scope global", kernel(dict(HERE, address="192.0.2.8")), ["restart"]),
        # On an interface that keepalived made: another MAC, so only keepalived can bring it.
        ("192.0.2.100/24 dev vrrp.51@eth0 scope global set", kernel(vrrp_51=[HERE]), []),
        (
            "192.0.2.100/24 dev vrrp.51@eth0 scope global set",
            kernel(HERE, vrrp_51=[]),
            ["restart", "ip address del 192.0.2.100/24 dev eth0"],
        ),
        (PLAIN.replace("eth0", "eth7"), kernel(), ["restart"]),
        (f"{V6} deprecated set", kernel(address("2001:db8::100", 64, preferred_life_time=0)), []),
        (
            f"{V6} deprecated set",
            kernel(address("2001:db8::100", 64)),
            ["ip address change 2001:db8::100/64 dev eth0 preferred_lft 0 valid_lft forever"],
        ),
        (f"{V6} preferred_lft 300", kernel(address("2001:db8::100", 64, preferred_life_time=120)), []),
        (
            f"{V6} preferred_lft forever set",
            kernel(),
            ["ip address add 2001:db8::100/64 scope global dev eth0 preferred_lft forever valid_lft forever nodad"],
        ),
    ],
)
def test_a_master_has_its_addresses_as_it_wants_them(line: str, there: Kernel, mended: list[str]) -> None:
    assert commands([instance(line)], there) == mended


@pytest.mark.parametrize("state", ["BACKUP", "FAULT", "INIT"])
def test_who_is_not_master_has_none(state: str) -> None:
    waits = instance(PLAIN, state=state)
    assert commands([waits], kernel()) == []
    assert commands([waits], kernel(HERE)) == ["ip address del 192.0.2.100/24 dev eth0"]
    # But for one that another instance holds, or that is there anyway.
    assert commands([waits, instance(PLAIN, name="b")], kernel(HERE)) == []
    assert commands([waits], kernel(HERE), spared={"192.0.2.100"}) == []


def test_what_an_instance_had_before_is_gone() -> None:
    before = [instance(PLAIN, "192.0.2.101/24 dev vrrp.51@eth0 scope global")]
    here = kernel(HERE, vrrp_51=[address("192.0.2.101")])
    assert commands([], here) == []  # an address of nobody that we know
    assert commands([], here, before=before) == [
        "ip address del 192.0.2.100/24 dev eth0",
        "ip address del 192.0.2.101/24 dev vrrp.51",
    ]


def test_an_address_that_comes_back_to_another_interface_needs_a_restart() -> None:
    before = [instance("192.0.2.100/24 dev vrrp.51@eth0 scope global set")]
    assert commands([instance(PLAIN)], kernel(), before=before) == ["restart"]


def test_routes_and_rules_are_those_of_the_masters() -> None:
    routes = (
        "prepend 198.51.100.0/24 via inet 192.0.2.1 dev eth0 proto 18 [installed ifindex 0]",
        "add blackhole 203.0.113.0/24 no_track",
        "prepend 0.0.0.0/0 via inet 192.0.2.1 dev eth0 table 78 proto 18",
        "prepend beyond our understanding",
    )
    rules = ("from 198.51.100.0/24 priority 1000 tos 0x0 protocol 18 lookup 77", "from all tos 0x0 lookup 78")
    one = instance(routes=routes, rules=rules)
    assert commands([one], kernel()) == [
        "ip -4 route prepend 198.51.100.0/24 via inet 192.0.2.1 dev eth0 proto 18",
        "ip -4 route add blackhole 203.0.113.0/24",
        "ip -4 route prepend 0.0.0.0/0 via inet 192.0.2.1 dev eth0 table 78 proto 18",
        "ip -4 rule add from 198.51.100.0/24 priority 1000 tos 0x0 protocol 18 lookup 77",
    ]
    full = Kernel(
        [],
        [
            {"family": 4, "dst": "198.51.100.0/24", "gateway": "192.0.2.1", "dev": "eth0", "flags": []},
            {"family": 4, "type": "blackhole", "dst": "203.0.113.0/24", "flags": []},
            {"family": 4, "dst": "default", "gateway": "192.0.2.1", "dev": "eth0", "table": "78"},
        ],
        [
            {"family": 4, "priority": 0, "src": "all", "table": "local"},
            {"family": 4, "priority": 1000, "src": "198.51.100.0", "srclen": 24, "table": "77"},
        ],
    )
    assert commands([one], full) == []
    left = commands([instance(state="BACKUP", routes=routes, rules=rules)], full)
    assert left == [
        "ip -4 route del unicast 198.51.100.0/24 table main protocol 18",
        "ip -4 route del blackhole 203.0.113.0/24 table main protocol 18",
        "ip -4 route del unicast default table 78 protocol 18",
        "ip -4 rule del priority 1000 from 198.51.100.0/24 lookup 77",
    ]
    assert commands([], full, before=[one], spared={"203.0.113.0/24"}) == [left[0], *left[2:]]


def test_the_interface_of_an_address_is_the_one_that_it_shall_be_on() -> None:
    lines = ["192.0.2.100\\/24 dev vrrp.51@eth0 scope global label x set", "2001:db8::1 dev eth0 scope global"]
    dump = (
        '[{"data": {"iname": "a", "state": 2, "vrid": 51, "base_priority": 100, "effective_priority": 100, '
        f'"vips": ["{lines[0]}"], "evips": ["{lines[1]}"]}}}}]'
    )
    assert own_interfaces(states(dump)[0]) == {"192.0.2.100": "vrrp.51", "2001:db8::1": "eth0"}


def test_a_kernel_without_a_family_has_nothing_of_it() -> None:
    def runner(*command: str, **_more: t.Any) -> Completed:
        entries = [{"dst": "default"}] if "route" in command else []
        return (
            Completed(command, 2, "", "no IPv6") if "-6" in command else Completed(command, 0, json.dumps(entries), "")
        )

    assert read_kernel(runner) == Kernel([], [{"dst": "default", "family": 4}], [])
    with pytest.raises(HoldfastError, match=r"ip is not installed\. Install iproute2"):
        read_kernel(lambda *command, **_more: Completed(command, 127, "", "ip is not installed"))
