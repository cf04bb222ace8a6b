# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab finds out about this machine, and what it says where the machine will not do."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest

from lab import fleet
from lab.command import LabError
from lab.fleet import CLONE, beside, keep, known, own
from lab.image import Mirrors, ensure_image, mirrors_of, sources
from lab.inventory import Node
from lab.machine import Facts, containers_conf
from lab.podman import Container, conflict

DEB822 = """\
Types: deb
# http://snapshot.example/
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://line.example/debian trixie main
deb-src http://source.example/debian trixie main
deb http://line.example/security trixie-security main contrib
"""
FOREIGN = """\
deb https://packages.example/apt tool-bookworm main

Types: deb
URIs: https://node.example
Suites: nodistro
Components: main
"""
OFFICIAL = Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([DEB822], Mirrors("http://mirror.example/debian", "http://mirror.example/security")),
        ([ONE_LINE], Mirrors("http://line.example/debian", "http://line.example/security")),
        ([FOREIGN, DEB822], Mirrors("http://mirror.example/debian", "http://mirror.example/security")),
        (
            [DEB822.replace("Types: deb\nURIs", "Enabled: no\nTypes: deb\nURIs")],
            ("http://mirror.example/debian", OFFICIAL[1]),
        ),
        ([FOREIGN], OFFICIAL),
        ([], OFFICIAL),
    ],
)
def test_nodes_get_packages_where_this_machine_does(texts: list[str], expected: tuple[str, str]) -> None:
    assert mirrors_of(texts) == expected


def test_sources_of_a_node_can_be_read_back() -> None:
    mirrors = Mirrors("http://mirror.example/debian", "http://mirror.example/security")
    assert mirrors_of([sources(mirrors, "trixie")]) == mirrors


def test_an_unknown_debian_release_is_refused() -> None:
    with pytest.raises(
        LabError, match=r"LAB_DEBIAN=9: the lab knows Debian 11, 12, 13, and el9; set it to one of these\."
    ):
        ensure_image("9")


@pytest.mark.parametrize(
    ("facts", "expected", "unexpected"),
    [
        (Facts(True, True, 1024, 1000), (), ("default_ulimits", "runtime")),
        (Facts(True, False, 20000, 32768), ('["nofile=20000:20000", "nproc=32768:32768"]',), ("runtime",)),
        (Facts(False, True, 1024, 1000), ('runtime = "runc"',), ("default_ulimits",)),
    ],
)
def test_podman_is_told_only_what_this_machine_needs(
    facts: Facts, expected: t.Sequence[str], unexpected: t.Sequence[str]
) -> None:
    text = containers_conf(facts)
    assert all(words in text for words in expected)
    assert not any(words in text for words in unexpected)


@pytest.mark.parametrize(
    ("networks", "addresses", "expected"),
    [
        ([], {"eth0": "192.0.2.7/24", "lo": "127.0.0.1/8"}, ""),
        ([], {"eth0": "10.89.49.7/24"}, ""),
        ([], {"eth1": "10.89.50.77/25"}, "the interface eth1 (10.89.50.77/25)"),
        ([], {"tun0": "10.8.0.1/8"}, "the interface tun0 (10.8.0.1/8)"),
        ([{"name": "podman", "subnets": [{"subnet": "10.88.0.0/16"}]}], {}, ""),
        (
            [{"name": "other", "subnets": [{"subnet": "fd00::/64"}, {"subnet": "10.89.50.0/24"}]}],
            {},
            "podman's network other (10.89.50.0/24)",
        ),
        ([{"name": "plain", "subnets": None}], {}, ""),
    ],
)
def test_whoever_has_the_subnet_is_named(
    networks: list[dict[str, t.Any]], addresses: dict[str, str], expected: str
) -> None:
    interfaces = [
        {"ifname": name, "addr_info": [{}, {"local": address.split("/")[0], "prefixlen": int(address.split("/")[1])}]}
        for name, address in addresses.items()
    ]
    assert conflict(networks, interfaces) == expected


def container(node: str, *, clone: str = CLONE, state: str = "running", spec: str = "wanted") -> Container:
    return Container(f"holdfast-lab-{node}", clone, node, "10.89.50.11", spec, state, "image")


def test_a_node_stays_that_is_alive_and_as_wanted() -> None:
    present = [
        container("good"),
        container("dead", state="exited"),
        container("frozen", state="paused"),
        container("outdated", spec="older"),
        container("surplus"),
    ]
    wanted = dict.fromkeys(("good", "dead", "frozen", "outdated", "new"), "wanted")
    assert keep(present, wanted) == {"good"}
    assert keep(present, wanted, fresh=True) == set()


LB3 = Node("lb3", ipaddress.IPv4Address("10.89.50.13"))


def test_nodes_of_another_inventory_stay_and_are_known() -> None:
    present = [container("lb1"), container("lb3"), container("gone", state="exited")]
    others = beside(present, [LB3])
    assert [node.name for node in others] == ["lb1"]
    assert known([*others, LB3], "{name}:{address}") == [
        "lb1:10.89.50.11",
        "lb1:fd00:89:50::11",
        "lb3:10.89.50.13",
        "lb3:fd00:89:50::13",
    ]


def test_an_address_that_another_node_has_is_refused() -> None:
    with pytest.raises(LabError, match="a: 10.89.50.11 is that of lb1"):
        beside([container("lb1")], [Node("a", ipaddress.IPv4Address("10.89.50.11"))])


def test_the_lab_of_another_clone_is_named() -> None:
    present = [container("lb1", clone="/home/ada/nginx_ha"), container("lb2", clone="/home/ada/nginx_ha")]
    with pytest.raises(LabError) as caught:
        own(present)
    assert str(caught.value).startswith("the lab of /home/ada/nginx_ha is up here (2 nodes)")
    assert "`bin/lab down` there" in str(caught.value)
    assert own(present, strict=False) == []


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([container("lb1"), container("lb2")], "there is no node lb9: this lab has lb1, lb2."),
        ([], "there is no node lb9: bring the lab up, `bin/lab up`."),
    ],
)
def test_an_unknown_node_is_refused(monkeypatch: pytest.MonkeyPatch, present: list[Container], expected: str) -> None:
    monkeypatch.setattr(fleet, "containers", lambda: present)
    with pytest.raises(LabError) as caught:
        fleet.node("lb9")
    assert str(caught.value) == expected
