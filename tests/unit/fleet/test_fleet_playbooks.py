# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks of a fleet where no host can be reached: each says so in its report, and ends as it is to."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml

from harness.playing import ansible_playbook


def pair(name: str, network: int) -> dict[str, t.Any]:
    """Return the two hosts of a cluster, at which nobody listens."""
    return {
        f"{name}-lb{at}": {
            "ansible_host": f"127.0.{network}.1{at}",
            "keepalived_address": f"10.0.{network}.1{at}",
            "keepalived_cluster": name,
            "keepalived_vips": [f"10.0.{network}.100/24"],
        }
        for at in (1, 2)
    }


CLUSTERS = [pair(name, number) for number, name in enumerate(("shop", "blog", "data"), 1)]
INVENTORY = {
    "all": {
        "vars": {
            "ansible_port": 1,
            "balancer_upstreams": [{"name": "blog", "servers_from": "backend", "port": 8080}],
            "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
        }
    },
    "master": {"hosts": {name: own for one in CLUSTERS for name, own in one.items() if name.endswith("1")}},
    "backup": {"hosts": {name: own for one in CLUSTERS for name, own in one.items() if name.endswith("2")}},
    "backend": {"hosts": {"web1": {"ansible_host": "127.0.9.21", "backend_address": "10.0.9.21"}}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(INVENTORY, sort_keys=False))
    return tmp_path


def played(folder: Path, name: str, *arguments: str) -> tuple[int, str, t.Any]:
    """Return exit code, output and report of a playbook."""
    report = folder / "report.json"
    said = ("-e", f"{name}_file={report}", *arguments)
    code, output = ansible_playbook(folder, "-i", "hosts.yml", f"holdfast.nginx_ha.{name}", *said)
    return code, output, json.loads(report.read_text()) if report.exists() else None


def test_the_status_shows_those_that_it_cannot_see(folder: Path) -> None:
    code, output, report = played(folder, "status")
    assert code == 0, output
    assert list(report["clusters"]) == ["shop", "blog", "data"]
    assert "shop: shop-lb1 cannot be reached: " in output
    assert "shop: 10.0.1.100 is held by nobody that was seen" in output


def test_the_status_of_a_part_says_that_it_is_one(folder: Path) -> None:
    _code, output, report = played(folder, "status", "--limit", "shop-lb2")
    assert list(report["clusters"]) == ["shop"]
    assert "shop: shop-lb1 was not looked at" in output


def test_who_cannot_be_looked_at_is_no_host_as_planned(folder: Path) -> None:
    code, output, report = played(folder, "drift")
    assert code == 2
    assert report["as_planned"] is False
    assert all(one["error"].startswith("cannot be reached: ") for one in report["hosts"].values())
    assert "0 of 7 hosts are as planned." in output


def test_a_rollout_ends_at_the_first_cluster_that_cannot_be_reached(folder: Path) -> None:
    code, output, report = played(folder, "rollout")
    assert code == 2
    assert report["waves"] == [
        {"clusters": ["shop"], "state": "begun"},
        {"clusters": ["blog"], "state": "not begun"},
        {"clusters": ["data"], "state": "not begun"},
    ]
    assert "Wave 1 of 3: shop." in output
    assert "Not begun: blog, data." in output
    assert "blog-lb1 cannot be reached" not in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--limit", "shop-lb1:blog-lb1:blog-lb2"), "shop-lb2 of cluster `shop` is left out of this run"),
        (("-e", '{"holdfast_waves": ["all"]}'), "holdfast_waves[0]: `all` is no size"),
    ],
    ids=["a limit that parts a pair", "a wrong size"],
)
def test_a_rollout_that_cannot_be_is_refused_before_it_begins(
    folder: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, output, report = played(folder, "rollout", *arguments)
    assert code == 2
    assert told in output
    assert report is None
