# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes an inventory asks for, and what is wrong with one that cannot be built."""

from __future__ import annotations

import typing as t

import pytest

from lab.command import LabError
from lab.inventory import DEFAULT_INVENTORY, Node, hosts_of, nodes_of, read_inventory


def inventory(hosts: t.Mapping[str, t.Mapping[str, t.Any]], **groups: t.Any) -> dict[str, t.Any]:
    """Return what ansible-inventory prints for these hosts, all of them in the group all."""
    return {"_meta": {"hostvars": dict(hosts)}, "all": {"hosts": list(hosts)}, **groups}


def test_the_lab_of_this_collection() -> None:
    found = read_inventory([DEFAULT_INVENTORY])
    assert [(node.name, str(node.address)) for node in nodes_of(found)] == [
        ("lb1", "10.89.50.11"),
        ("lb2", "10.89.50.12"),
        ("web1", "10.89.50.21"),
        ("web2", "10.89.50.22"),
        ("web3", "10.89.50.23"),
    ]
    assert [hosts_of(found, group) for group in ("master", "backup", "backend")] == [
        ["lb1"],
        ["lb2"],
        ["web1", "web2", "web3"],
    ]


def test_only_the_group_lab_is_built_where_there_is_one() -> None:
    hosts = {"a": {"ansible_host": "10.89.50.11"}, "elsewhere": {"ansible_host": "192.0.2.1"}}
    assert [node.name for node in nodes_of(inventory(hosts, lab={"children": ["some"]}, some={"hosts": ["a"]}))] == [
        "a"
    ]


@pytest.mark.parametrize(
    ("variables", "release", "privileged"),
    [
        ({}, "12", True),
        ({"lab_debian": 13}, "13", True),
        ({"lab_privileged": False}, "12", False),
    ],
)
def test_a_host_says_what_kind_of_node_it_is(variables: dict[str, t.Any], release: str, privileged: bool) -> None:
    (node,) = nodes_of(inventory({"a": {"ansible_host": "10.89.50.11", **variables}}), debian="12")
    assert (node.debian, node.privileged) == (release, privileged)


def test_one_variable_changes_the_release_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEBIAN", "13")
    assert [node.debian for node in nodes_of(inventory({"a": {"ansible_host": "10.89.50.11"}}))] == ["13"]


def test_what_is_derived_from_an_address_ends_as_it_does() -> None:
    (node,) = nodes_of(inventory({"a": {"ansible_host": "10.89.50.100"}}))
    assert isinstance(node, Node)
    assert (str(node.address6), node.mac) == ("fd00:89:50::100", "02:89:50:00:00:64")


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({}, "the inventory holds no host, so there is no lab to bring up."),
        ({"a": {}}, "a: ansible_host '' is no IPv4 address; give the node one of 10.89.50.0/24."),
        (
            {"a": {"ansible_host": "a.example"}},
            "a: ansible_host 'a.example' is no IPv4 address; give the node one of 10.89.50.0/24.",
        ),
        (
            {"a": {"ansible_host": "192.0.2.1"}},
            "a: ansible_host 192.0.2.1 is no address for a node of 10.89.50.0/24; give it another of this subnet.",
        ),
        (
            {"a": {"ansible_host": "10.89.50.1"}},
            "a: ansible_host 10.89.50.1 is no address for a node of 10.89.50.0/24; give it another of this subnet.",
        ),
        (
            {"a": {"ansible_host": "10.89.50.11"}, "b": {"ansible_host": "10.89.50.11"}},
            "b: ansible_host 10.89.50.11 is also that of a; give it another.",
        ),
    ],
)
def test_an_inventory_that_cannot_be_built_is_refused(hosts: dict[str, dict[str, str]], expected: str) -> None:
    with pytest.raises(LabError) as caught:
        nodes_of(inventory(hosts))
    assert str(caught.value) == expected


def test_only_backends_do_without_real_time_priority() -> None:
    found = nodes_of(read_inventory([DEFAULT_INVENTORY]))
    assert [node.name for node in found if node.balancer] == ["lb1", "lb2"]
