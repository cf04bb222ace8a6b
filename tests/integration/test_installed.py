# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, installed under the oldest and the newest ansible-core: its plays and documents."""

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from runner.archive import build, install
from runner.controllers import CORES, controller

PLAYBOOKS = ("site", "prove", "together", "doctor", "move", "plan", "status", "drift", "rollout")
INVENTORY: dict[str, t.Any] = {
    "all": {
        "vars": {
            "holdfast_groups": {"master": "front", "backup": "standby", "backend": "web"},
            "ansible_connection": "local",
            "keepalived_vips": ["10.0.0.100/24"],
            # Numbers as a template, a text and a number: some versions make texts of them.
            "keepalived_preempt_delay": "5",
            "keepalived_log_keep": "{{ 3 + 4 }}",
            "served": 8080,
            "balancer_upstreams": [{"name": "blog", "servers_from": "web", "port": "{{ served }}", "weight": "4"}],
            "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog", "listen": ["80"]}],
        },
        "children": {
            "front": {"hosts": {"one": {"keepalived_address": "10.0.0.11"}}},
            "standby": {"hosts": {"two": {"keepalived_address": "10.0.0.12"}}},
            "web": {"hosts": {"three": {"backend_address": "10.0.0.21"}}},
        },
    }
}
DOCUMENTS = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [
        {"holdfast.nginx_ha.fleet_plan": None, "run_once": True},
        {
            "ansible.builtin.shell": 'sha256sum "$ANSIBLE_LOCAL_TEMP"/ansible-local-*/holdfast_plan/*.json',
            "delegate_to": "localhost",
            "run_once": True,
            "register": "sums",
        },
        {"ansible.builtin.debug": {"var": "sums.stdout_lines"}, "run_once": True},
    ],
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    archive = build(tmp_path_factory.mktemp("built"))
    found = {}
    for version in CORES:
        home = tmp_path_factory.mktemp("home")
        install(archive, home, str(controller(version) / "ansible-galaxy"))
        (home / "hosts.yml").write_text(yaml.safe_dump(INVENTORY))
        (home / "documents.yml").write_text(yaml.safe_dump([DOCUMENTS]))
        found[version] = home
    return found


def played(version: str, home: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(controller(version) / "ansible-playbook"), "-i", "hosts.yml", *words],
        cwd=home,
        env={
            "PATH": f"{controller(version)}:/usr/bin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(home / "temporary"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize("version", CORES)
def test_a_playbook_is_found_by_its_name_and_finds_groups_of_other_names(
    homes: dict[str, Path], version: str, playbook: str
) -> None:
    wrong = ("-e", "keepalived_virtual_router_id=256", "-e", "to=two")
    code, printed = played(version, homes[version], f"holdfast.nginx_ha.{playbook}", *wrong)
    assert code != 0
    assert "256 is out of range" in printed


def test_every_core_writes_the_same_documents(homes: dict[str, Path]) -> None:
    found = {}
    for version in CORES:
        code, printed = played(version, homes[version], "documents.yml")
        assert code == 0, printed
        found[version] = re.findall(r"([0-9a-f]{64}) .*/(\w+)\.json", printed)
    oldest, newest = found.values()
    assert sorted(name for _sum, name in oldest) == ["one", "three", "two"]
    assert oldest == newest
