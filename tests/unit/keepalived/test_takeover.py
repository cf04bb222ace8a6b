# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of somebody else are found wherever keepalived reads them, and only real clashes are reported."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.takeover import (
    Foreign,
    clashes,
    foreign_instances,
)


def instance(**more: t.Any) -> VrrpInstance:
    options = {"name": "VI_1", "interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.100/24"]}
    return VrrpInstance.from_options(dict(options, **more), "")


def foreign(**more: t.Any) -> Foreign:
    return Foreign("keepalived.conf:1", "OTHER", "eth0", "52", ("192.0.2.200",))._replace(**more)


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        ({}, {}, []),
        ({}, {"name": "VI_1"}, ["name"]),
        ({}, {"addresses": ("192.0.2.100",)}, ["virtual_ipaddress"]),
        ({"virtual_ipaddress_excluded": ["192.0.2.200"]}, {}, ["virtual_ipaddress"]),
        ({}, {"virtual_router_id": "51"}, ["virtual_router_id"]),
        ({}, {"virtual_router_id": "51", "interface": "eth1"}, []),
        ({}, {"virtual_router_id": "51", "addresses": ("2001:db8::1",)}, []),
        (
            {"virtual_ipaddress": ["2001:db8::2"]},
            {"virtual_router_id": "51", "addresses": ("2001:db8::1",)},
            ["virtual_router_id"],
        ),
        (
            {},
            {"name": "VI_1", "virtual_router_id": "51", "addresses": ("192.0.2.100",)},
            ["name", "virtual_ipaddress", "virtual_router_id"],
        ),
    ],
)
def test_what_no_two_instances_may_share(ours: t.Any, theirs: t.Any, options: list[str]) -> None:
    found = clashes(
        [instance(name="FIRST", virtual_router_id=9, virtual_ipaddress=["192.0.2.9"]), instance(**ours)],
        [foreign(**theirs)],
    )
    assert [one.where for one in found] == [f"instances[1].{option}" for option in options]
    assert {one.severity for one in found} <= {"error"}


def test_they_are_found_as_keepalived_reads_them(tmp_path: Path) -> None:
    main = tmp_path / "keepalived.conf"
    main.write_text(
        "$NUMBER=52\n@nobody include nowhere.conf\ninclude {a,b}/*.conf\ninclude holdfast.d/*.conf\n"
        "vrrp_instance MAIN {\n interface eth0\n virtual_router_id 51\n virtual_router_id $NUMBER\n"
        " virtual_ipaddress {\n  192.0.2.100/24 dev eth0\n  2001:DB8:0::1\n }\n}\n"
    )
    for folder, name in (("a", "IN_A"), ("b", "IN_B"), ("holdfast.d", "OURS"), ("a", "RUNNABLE")):
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / f"{name}.conf"
        path.write_text(f"# a line\nvrrp_instance {name} {{\n}}\n")
        path.chmod(0o755 if name == "RUNNABLE" else 0o644)
    found = foreign_instances(read_tree(str(main)).blocks, str(tmp_path / "holdfast.d"))
    assert [(one.name, one.where) for one in found] == [
        ("IN_A", f"{tmp_path}/a/IN_A.conf:2"),
        ("IN_B", f"{tmp_path}/b/IN_B.conf:2"),
        ("MAIN", f"{main}:5"),
    ]
    assert found[2][2:] == ("eth0", "52", ("192.0.2.100", "2001:db8::1"))


def test_a_carriage_return_inside_a_line_ends_it_as_little_as_it_does_for_keepalived(tmp_path: Path) -> None:
    main = tmp_path / "keepalived.conf"
    main.write_bytes(b"vrrp_instance A {\r\n\tinterface eth0\rvirtual_router_id 9\n\rpriority 7\n}\ninclude b.conf\n")
    (tmp_path / "b.conf").write_bytes(b"vrrp_instance\rB {\n}\n")
    first, second = read_tree(str(main)).blocks
    assert [(line.name, line.args, line.position.line) for line in first.children or ()] == [
        ("interface", ("eth0", "virtual_router_id", "9"), 2),
        ("priority", ("7",), 3),
    ]
    assert (second.name, second.args) == ("vrrp_instance", ("B",))


def test_a_host_without_a_main_file_has_none(tmp_path: Path) -> None:
    assert read_tree(str(tmp_path / "keepalived.conf")).blocks == ()
