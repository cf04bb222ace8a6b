# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a balancer asks whether it is cut off."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder


def asked(variables: t.Any = None, **more: t.Any) -> dict[str, t.Any]:
    [detected] = InventoryBuilder(variables or {}, **more).slices("lb1")["lb1"]["detected"]
    return {key: detected[key] for key in ("witnesses", "gateways", "track_file")}


def test_the_first_eight_backends_and_the_gateways() -> None:
    hosts = [f"10.0.0.{number}" for number in range(21, 41)]
    found = asked(groups={"backend": {f"web{host}": {"ansible_host": host} for host in hosts}})
    assert found["witnesses"] == hosts[:8]
    assert found["gateways"] is True


def test_those_of_the_inventory_alone_each_for_its_family() -> None:
    said = {"keepalived_witnesses": ["10.0.0.1", "fd00::1"]}
    assert asked(said) == {
        "witnesses": ["10.0.0.1"],
        "gateways": False,
        "track_file": "/run/holdfast/track/cut_off_VI_1",
    }


def test_nobody_and_it_never_gives_way() -> None:
    config = InventoryBuilder({"keepalived_witnesses": []}).documents("lb1")["keepalived"]["state"]["keepalived"]
    assert asked({"keepalived_witnesses": []}) == {"witnesses": [], "gateways": False, "track_file": ""}
    assert not [one["name"] for one in config["track_files"] if one["name"].startswith("cut_off")]
    assert config["instances"][0]["track_file"] == ["nginx_crash", "nginx_probe", "nginx_stop"]


@pytest.mark.parametrize("wrong", ["gateway.example.com", "127.0.0.1", 1])
def test_what_is_no_address(wrong: t.Any) -> None:
    assert [str(one) for one in InventoryBuilder({"keepalived_witnesses": ["10.0.0.1", wrong]}).findings()] == [
        f"lb1, lb2: keepalived_witnesses[1]: `{wrong}` is no address of another host: write one, for names are never "
        "looked up [input]"
    ]


def test_a_tracker_of_that_name_is_the_collections() -> None:
    said = {"keepalived_track_files": [{"name": "cut_off_VI_1", "file": "/run/x"}]}
    assert "`cut_off_VI_1` is the name of a tracker of this collection as well" in str(
        InventoryBuilder(said).findings()[0]
    )
