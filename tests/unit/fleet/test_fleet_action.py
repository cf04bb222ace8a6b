# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner as a play sees it: through ansible-playbook, on inventories that no host stands behind."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]

SHOWN = re.compile(r"PLAN (\S+) ([A-Za-z0-9+/=]+)")

INVENTORY: dict[str, t.Any] = {
    "master": {"hosts": {"lb1": {"ansible_host": "10.0.0.11"}}},
    "backup": {"hosts": {"lb2": {"ansible_host": "10.0.0.12"}}},
    "backend": {"hosts": {"web1": {"ansible_host": "10.0.0.21"}, "web2": {"ansible_host": "10.0.0.22"}}},
    "all": {
        "vars": {
            "vip": "10.0.0.100/24",
            "keepalived_vips": ["{{ vip }}"],
            "balancer_upstreams": [{"name": "blog", "servers_from": "backend", "port": 8080}],
            "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
        }
    },
}

PLAY: dict[str, t.Any] = {
    "hosts": "master:backup:backend",
    "gather_facts": False,
    "tasks": [
        {"holdfast.nginx_ha.fleet_plan": None, "run_once": True, "register": "fleet"},
        # In letters that no callback wraps, and in which no password can be read.
        {
            "ansible.builtin.debug": {
                "msg": "PLAN {{ inventory_hostname }} {{ fleet.plan.hosts[inventory_hostname] | to_json | b64encode }}"
            },
        },
    ],
}


def play(
    folder: pathlib.Path, *arguments: str, inventory: t.Any = None, play: t.Any = None
) -> tuple[int, str, dict[str, t.Any]]:
    """Run a play; return the exit code, all that it printed, and by host what the plan says of it."""
    if not isinstance(inventory, pathlib.Path):
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory or INVENTORY))
        inventory = "hosts.yml"
    (folder / "play.yml").write_text(yaml.safe_dump([play or PLAY]))
    done = subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "play.yml", *arguments],
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    plans = {host: json.loads(base64.b64decode(plan)) for host, plan in SHOWN.findall(done.stdout)}
    return done.returncode, done.stdout, plans


def changed(**variables: t.Any) -> dict[str, t.Any]:
    return {**INVENTORY, "all": {"vars": {**INVENTORY["all"]["vars"], **variables}}}


def test_a_play_gets_its_plan_and_a_part_of_it_under_limit(tmp_path: pathlib.Path) -> None:
    code, output, plans = play(tmp_path, "--check")
    assert code == 0, output
    assert plans["lb1"]["keepalived_instances"][0]["virtual_ipaddress"] == ["10.0.0.100/24"]
    assert [server["address"] for server in plans["lb2"]["balancer_upstreams"][0]["servers"]] == [
        "10.0.0.21",
        "10.0.0.22",
    ]
    assert plans["web1"]["address"] == "10.0.0.21"
    code, output, limited = play(tmp_path, "--limit", "lb2")
    assert code == 0, output
    assert limited == {"lb2": plans["lb2"]}


@pytest.mark.parametrize(
    "seen", [{"router_ids": {"VI_1": 90}}, {"results": [{"item": "lb2", "router_ids": {"VI_1": 90}}, {"item": "lb9"}]}]
)
def test_a_router_id_that_was_seen_on_a_node_stays(tmp_path: pathlib.Path, seen: dict[str, t.Any]) -> None:
    look = {"ansible.builtin.set_fact": {"__keepalived_in_use": seen}, "when": "inventory_hostname == 'lb1'"}
    code, output, plans = play(tmp_path, play={**PLAY, "tasks": [look, *PLAY["tasks"]]})
    assert code == 0, output
    assert [plans[host]["keepalived_instances"][0]["virtual_router_id"] for host in ("lb1", "lb2")] == [90, 90]
    assert plans["lb1"]["detected"][0]["router_id"] == 90


def test_faults_are_one_message_a_line_each_with_their_place_in_the_inventory(tmp_path: pathlib.Path) -> None:
    inventory = changed(keepalived_timing="quick", nginx_pakage="nginx")
    inventory["master"] = {"hosts": {"lb1": {"ansible_host": "lb1.example.com"}}}
    code, output, plans = play(tmp_path, inventory=inventory)
    assert code != 0
    assert plans == {}
    assert "The inventory has 3 faults; no host was touched." in output
    lines = [" ".join(line.split()) for line in output.split("\n") if line.strip().startswith("- lb")]
    line = 1 + (tmp_path / "hosts.yml").read_text().split("\n").index("    keepalived_timing: quick")
    assert any(f"lb1, lb2: keepalived_timing (hosts.yml:{line}): `quick` is no profile" in one for one in lines)
    assert any("lb1: keepalived_address: is missing, and `lb1.example.com`" in one for one in lines)
    assert any("nginx_pakage" in one and "did you mean nginx_package?" in one for one in lines)


def test_hosts_that_run_ahead_are_refused(tmp_path: pathlib.Path) -> None:
    code, output, plans = play(
        tmp_path,
        play={
            **PLAY,
            "strategy": "ansible.builtin.free",
            "hosts": "lb1",
            "tasks": [{"holdfast.nginx_ha.fleet_plan": None}],
        },
    )
    assert code != 0
    assert "The strategy is ansible.builtin.free" in output
    assert plans == {}


PASSWORD = "h1dd3n/+"
SECRET = {"keepalived_timing": {"version": 2}, "keepalived_auth_pass": PASSWORD}


def test_a_plan_holds_no_password_and_is_shown(tmp_path: pathlib.Path) -> None:
    code, output, plans = play(tmp_path, "-vvv", inventory=changed(**SECRET))
    assert code == 0, output
    [instance] = plans["lb1"]["keepalived_instances"]
    assert "authentication" not in instance
    assert PASSWORD not in output
    assert "censored" not in output


def test_the_finished_plan_is_there_for_the_run_alone_and_nobody_else_can_read_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "local"
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(folder))
    look: dict[str, t.Any] = {
        "ansible.builtin.command": {"argv": ["find", str(folder), "-mindepth", "1", "-printf", "%m %P\n"]},
        "delegate_to": "localhost",
        "run_once": True,
        "register": "looked",
    }
    show = {"ansible.builtin.debug": {"msg": "{{ looked.stdout_lines }}"}, "run_once": True}
    code, output, _plans = play(
        tmp_path,
        *("-e", "ansible_connection=local"),
        inventory=changed(**SECRET),
        play={**PLAY, "tasks": [PLAY["tasks"][0], look, show]},
    )
    assert code == 0, output
    modes = {path.partition("/")[2]: mode for mode, path in re.findall(r'"([0-7]{3}) (ansible-local-[^"]+)"', output)}
    kept = {f"holdfast_plan/{host}.json": "600" for host in ("lb1", "lb2", "web1", "web2")}
    assert {path: mode for path, mode in modes.items() if path.startswith("holdfast_plan")} == {
        "holdfast_plan": "700",
        **kept,
    }
    assert list(folder.rglob("*.json")) == []


def test_a_short_password_hides_no_part_of_the_plan(tmp_path: pathlib.Path) -> None:
    mail = {"to": ["a@example.com"], "from": "b@example.com", "host": "localhost", "user": "lb", "password": "lb"}
    said = {"keepalived_timing": {"version": 2}, "keepalived_auth_pass": "10.0", "keepalived_mail": mail}
    code, output, plans = play(tmp_path, "-vvv", inventory=changed(**said))
    assert code == 0, output
    assert plans["lb1"]["members"] == ["lb1", "lb2"]
    assert "10.0.0.100/24" in output
    assert "censored" not in output


def test_what_is_undefined_or_wrong_for_a_role_is_one_fault_each(tmp_path: pathlib.Path) -> None:
    said = {"keepalived_vips": ["{{ nowhere }}"], "keepalived_log_keep": "many", "keepalived_prove_trackers": "no"}
    code, output, plans = play(tmp_path, inventory=changed(**said))
    assert code != 0
    assert plans == {}
    assert "The inventory has 2 faults; no host was touched." in output
    words = " ".join(output.split())
    assert "lb1, lb2: keepalived_vips: cannot be resolved from the inventory alone:" in words
    assert "): must be a whole number, not `many` [input]" in words


@pytest.mark.parametrize(
    "check",
    [
        {"command": "/usr/local/bin/app-well h1dd3n/+"},
        {"url": "http://app.example.com/well?h1dd3n/+", "allow_no_holder": True},
    ],
)
def test_a_plan_with_words_of_a_command_or_a_query_is_not_shown(tmp_path: pathlib.Path, check: dict[str, str]) -> None:
    code, output, _plans = play(tmp_path, "-vvv", inventory=changed(keepalived_checks=[{"name": "app", **check}]))
    assert code == 0, output
    assert "h1dd3n" not in output


def test_the_example_of_one_pair_is_the_topology_of_its_document(tmp_path: pathlib.Path) -> None:
    code, output, plans = play(tmp_path, inventory=ROOT / "inventory/single_pair")
    assert code == 0, output
    assert {host: plan["address"] for host, plan in plans.items()} == {
        "mg-nginx-01": "172.29.19.19",
        "mg-nginx-02": "172.29.19.20",
        "mg-nginx-03": "172.29.23.45",
        "mg-nginx-04": "172.29.23.46",
        "mg-nginx-05": "172.29.23.48",
        "mg-nginx-06": "172.29.23.49",
    }
    for host in ("mg-nginx-01", "mg-nginx-02"):
        assert plans[host]["members"] == ["mg-nginx-01", "mg-nginx-02"]
        assert plans[host]["vips"] == ["172.29.19.18"]
        [upstream] = plans[host]["balancer_upstreams"]
        assert upstream["servers"] == [
            {"address": plans[backend]["address"], "port": 8080, "weight": 4, "max_fails": 2, "fail_timeout": "30s"}
            for backend in ("mg-nginx-03", "mg-nginx-04", "mg-nginx-05", "mg-nginx-06")
        ]


def test_the_example_of_two_active_nodes_prefers_each_for_one_address(tmp_path: pathlib.Path) -> None:
    code, output, plans = play(tmp_path, inventory=ROOT / "inventory/two_way")
    assert code == 0, output
    preferred = {
        instance["virtual_ipaddress"][0]: host
        for host in ("lb1", "lb2")
        for instance in plans[host]["keepalived_instances"]
        if instance["priority"] == 250
    }
    assert preferred == {"192.0.2.100/24": "lb1", "192.0.2.101/24": "lb2"}


@pytest.mark.parametrize(("said", "shown"), [([], False), (["-e", "holdfast_no_log=false"], True)], ids=str)
def test_a_plan_with_secrets_is_shown_to_who_asks_for_it(tmp_path: pathlib.Path, said: list[str], shown: bool) -> None:
    options = {"notify_master": "/usr/local/bin/tell opensesame"}
    code, output, _plans = play(tmp_path, "-v", *said, inventory=changed(keepalived_instance_options=options))
    assert code == 0, output
    assert ("opensesame" in output) is shown
    assert ("censored" in output) is not shown
