# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every day of a fleet: its plan as files, who holds what, what differs, and a change in waves of whole clusters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.node import Node
from harness.playing import ROOT, play
from harness.waiting import eventually
from lab.inventory import DEFAULT_INVENTORY

INVENTORY = ("-i", str(DEFAULT_INVENTORY), "-i", str(ROOT / "molecule" / "rollout" / "inventory"))
CLUSTERS = {"one": ("lb1", "lb2"), "two": ("lb3", "lb4"), "three": ("lb5", "lb6")}
VIPS = {"one": "10.89.50.100", "two": "10.89.50.101", "three": "10.89.50.102"}
SITE = "/etc/nginx/conf.d/holdfast-60-server-blog.example.com.conf"
# What only the host knows: the nginx.conf of its package, the command line of its keepalived, and its limits.
OF_THE_HOST = (
    "etc/nginx/nginx.conf",
    "etc/systemd/system/keepalived.service.d/holdfast.conf",
    "etc/keepalived/holdfast.d/00-global_defs.conf",
)


def playbook(name: str, *arguments: str, fails: bool = False) -> str:
    return play(f"playbooks/{name}.yml", *INVENTORY, *arguments, fails=fails)


def header(value: str) -> tuple[str, str]:
    """Return the arguments by which every site gets a header of this value."""
    site = {"server_name": "blog.example.com", "upstream": "blog", "add_header": {"X-Release": value}}
    return "-e", json.dumps({"balancer_sites": [site]})


def released(value: str) -> list[str]:
    """Return the balancers whose nginx has been told of this header."""
    nodes = [node for members in CLUSTERS.values() for node in members]
    return [node for node in nodes if f"X-Release {value} always;" in Node(node).run(f"cat {SITE}")]


@pytest.mark.parametrize("host", ["lb1", "lb6", "web1", "web3"])
def test_the_plan_as_files_is_what_lies_on_the_host(host: str, tmp_path: Path) -> None:
    playbook("plan", "-e", f"plan_folder={tmp_path}", "--limit", host)
    folder = tmp_path / host / "files"
    planned = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert planned
    for path in planned:
        text = re.sub(r"INTERFACE_IN_[0-9./]+", "eth0", (folder / path).read_text())
        there = Node(host).run(f"cat /{path}") + "\n"
        if path not in OF_THE_HOST:
            assert there == text.rstrip("\n") + "\n", path


def test_one_screen_and_a_file_tell_who_holds_what(tmp_path: Path) -> None:
    printed = playbook("status", "-e", f"status_file={tmp_path / 'status.json'}")
    clusters = json.loads((tmp_path / "status.json").read_text())["clusters"]
    assert {name: one["addresses"] for name, one in clusters.items()} == {
        name: {vip: [CLUSTERS[name][0]]} for name, vip in VIPS.items()
    }
    assert [one["wrong"] for one in clusters.values()] == [[], [], []]
    for name, members in CLUSTERS.items():
        assert re.search(rf"^{name} +{members[0]} +{re.escape(VIPS[name])} +MASTER +20\S+Z +yes +2\.", printed, re.M)
        assert re.search(rf"^{name} +{members[1]} +- +BACKUP +20\S+Z +yes +2\.", printed, re.M)


def test_a_fleet_that_is_as_planned_has_no_drift(tmp_path: Path) -> None:
    printed = playbook("drift", "-e", f"drift_file={tmp_path / 'drift.json'}")
    assert json.loads((tmp_path / "drift.json").read_text())["as_planned"] is True
    assert "9 of 9 hosts are as planned." in printed


def test_what_somebody_has_changed_by_hand_is_found(tmp_path: Path) -> None:
    lb4, web1 = Node("lb4"), Node("web1")
    lb4.run(f"sed -i 's/proxy_connect_timeout 2s/proxy_connect_timeout 9s/' {SITE}")
    web1.run("echo >>/etc/nginx/nginx.conf")
    lb4.run("systemctl stop holdfast-detector")
    try:
        printed = playbook("drift", "-e", f"drift_file={tmp_path / 'drift.json'}", fails=True)
        hosts = json.loads((tmp_path / "drift.json").read_text())["hosts"]
        assert [host for host, one in hosts.items() if one["differs"] or one["error"]] == ["lb4", "web1"]
        assert f"nginx: {SITE} changed" in hosts["lb4"]["differs"]
        assert "services: start holdfast-detector.service" in hosts["lb4"]["differs"]
        assert "7 of 9 hosts are as planned." in printed
        # Nothing was changed.
        assert "9s" in lb4.run(f"grep proxy_connect_timeout {SITE}")
        assert lb4.attempt("systemctl is-active holdfast-detector").returncode != 0
    finally:
        playbook("site")
    playbook("drift")


def test_a_dead_balancer_stops_the_fleet_and_the_next_run_goes_on(tmp_path: Path) -> None:
    report = tmp_path / "rollout.json"
    lb4 = Node("lb4")
    lb4.kill()
    try:
        printed = playbook("rollout", *header("next"), "-e", f"rollout_file={report}", fails=True)
    finally:
        lb4.start()
    assert "lb4 cannot be reached" in printed
    states = {wave["clusters"][0]: wave["state"] for wave in json.loads(report.read_text())["waves"]}
    assert states == {"one": "done", "two": "begun", "three": "not begun"}
    assert released("next") == ["lb1", "lb2"]

    eventually(
        lambda: lb4.attempt("systemctl is-active keepalived").returncode == 0, within=30, saying="keepalived runs again"
    )
    printed = playbook("rollout", *header("next"), "-e", f"rollout_file={report}")
    waves = json.loads(report.read_text())["waves"]
    assert waves == [{"clusters": [name], "state": "done"} for name in CLUSTERS]
    at = [printed.index(line) for line in ("Wave 1 of 3: one.", "Wave 2 of 3: two.", "Wave 3 of 3: three.")]
    for number, members in enumerate(CLUSTERS.values()):
        changed = set(re.findall(r"\[(lb\d)\] nginx: ", printed[at[number] : at[number + 1] if number < 2 else None]))
        # What the run before has done is left as it is.
        assert changed == (set(members) if number else set())
    assert len(released("next")) == 6


def test_a_limit_that_parts_a_pair_is_refused() -> None:
    printed = playbook("rollout", "--limit", "lb1,lb3,lb4", fails=True)
    assert "lb2 of cluster `one` is left out of this run" in printed
    assert "Nothing was changed." in printed
