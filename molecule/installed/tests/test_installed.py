# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as it is published does what its documents say, from a folder of a user's own.

The oldest ansible-core makes the pair, and the newest finds nothing to change in it: what is written on a host is the
same to the byte, whoever writes it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from lab.command import LAB_DIRECTORY
from lab.podman import containers, held
from runner.archive import build, install
from runner.controllers import CORES, controller

OLDEST, NEWEST = CORES
VIP = "10.89.50.100/24"
HOSTS = {
    "front": {"hosts": {"lb1": {"ansible_host": "10.89.50.11"}}},
    "standby": {"hosts": {"lb2": {"ansible_host": "10.89.50.12"}}},
    "web": {
        "hosts": {
            "web1": {"ansible_host": "10.89.50.21"},
            "web2": {"ansible_host": "10.89.50.22"},
            "web3": {"ansible_host": "10.89.50.23", "backend_server": "httpd"},
        }
    },
}
VARIABLES = {
    "holdfast_groups": {"master": "front", "backup": "standby", "backend": "web"},
    "keepalived_vips": [VIP],
    "keepalived_preempt_delay": 2,
    "balancer_upstreams": [{"name": "blog", "servers_from": "web", "port": 8080}],
    "balancer_sites": [{"server_name": "blog.example.com", "upstream": "blog"}],
    # Of roles beside these.
    "nginx_exporter_port": 9113,
    "backend_db_url": "postgresql://db.example.com",
    # How this lab is reached.
    "ansible_user": "ops",
    "ansible_become": True,
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_ssh_private_key_file": str(LAB_DIRECTORY / "id_ed25519"),
    "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
}


class User(t.NamedTuple):
    """Somebody with an ansible-core and a folder, who has installed the archive and nothing else."""

    programs: Path
    folder: Path

    def run(self, line: str, fails: bool = False) -> str:
        """Return what a command line prints; it must succeed, or must fail."""
        program, *arguments = shlex.split(line)
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={
                "PATH": f"{self.programs}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_NOCOLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{line}:\n{done.stdout}"
        return done.stdout

    def play(self, words: str, fails: bool = False) -> str:
        return self.run(f"ansible-playbook -i hosts.yml {words}", fails=fails)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> dict[str, User]:
    archive = build(tmp_path_factory.mktemp("built"))
    found = {}
    for version in CORES:
        user = User(controller(version), tmp_path_factory.mktemp("user"))
        install(archive, user.folder, str(user.programs / "ansible-galaxy"))
        (user.folder / "group_vars").mkdir()
        (user.folder / "hosts.yml").write_text(yaml.safe_dump(HOSTS))
        (user.folder / "group_vars" / "all.yml").write_text(yaml.safe_dump(VARIABLES))
        found[version] = user
    return found


def holders() -> list[str]:
    return [one.node for one in containers() if VIP in held(one)]


def changed(printed: str) -> dict[str, int]:
    """Return how many tasks changed each host, as the recap has it."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +: ok=\d+ +changed=(\d+)", printed, re.MULTILINE)}


def test_what_would_happen_is_shown_on_bare_hosts(users: dict[str, User]) -> None:
    printed = users[NEWEST].play("holdfast.nginx_ha.site --check --diff")
    assert "backend_db_url, nginx_exporter_port: no variable of this collection" in " ".join(printed.split())
    # What the agent runs is Python, and told in one line.
    assert "the agent, " in printed
    assert re.findall(r"^\+(?:def|class|import|from) .*", printed, re.MULTILINE) == []
    assert holders() == []


def test_the_oldest_core_makes_the_pair(users: dict[str, User]) -> None:
    printed = users[OLDEST].play("holdfast.nginx_ha.site")
    assert set(changed(printed)) >= {"lb1", "lb2", "web1", "web2", "web3"}
    assert holders() == ["lb1"]


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_no_core_changes_what_another_one_wrote(users: dict[str, User], version: str) -> None:
    found = changed(users[version].play("holdfast.nginx_ha.site --diff"))
    assert found
    assert set(found.values()) == {0}


@pytest.mark.parametrize("version", CORES)
def test_an_address_is_moved_and_brought_back_as_the_message_says(users: dict[str, User], version: str) -> None:
    user = users[version]
    user.play("holdfast.nginx_ha.move -e to=lb2")
    assert holders() == ["lb2"]
    printed = " ".join(user.play("holdfast.nginx_ha.site").split())
    [command] = set(re.findall(r"stays here until `ansible-playbook (.*?)`", printed))
    user.play(command)
    assert holders() == ["lb1"]


@pytest.mark.parametrize(
    ("version", "playbook"),
    [
        (NEWEST, "doctor"),
        (OLDEST, "doctor"),
        (OLDEST, "prove"),
        (NEWEST, "together"),
        (OLDEST, "status"),
        (NEWEST, "plan"),
    ],
)
def test_a_playbook_is_called_by_its_name(users: dict[str, User], version: str, playbook: str) -> None:
    users[version].play(f"holdfast.nginx_ha.{playbook}")
    assert holders() == ["lb1"]


def test_a_playbook_of_ones_own_can_import_them(users: dict[str, User]) -> None:
    user = users[OLDEST]
    (user.folder / "mine.yml").write_text("- import_playbook: holdfast.nginx_ha.doctor\n")
    user.play("mine.yml")


@pytest.mark.parametrize("version", CORES)
def test_the_documentation_can_be_read(users: dict[str, User], version: str) -> None:
    printed = users[version].run("ansible-doc --type module --list holdfast.nginx_ha")
    modules = re.findall(r"^(holdfast\.nginx_ha\.\w+)", printed, re.MULTILINE)
    assert "holdfast.nginx_ha.nginx_upstream" in modules
    assert "WARNING" not in users[version].run(f"ansible-doc {' '.join(modules)}")
    for role in ("nginx", "backend", "balancer", "keepalived"):
        assert "OPTIONS" in users[version].run(f"ansible-doc --type role holdfast.nginx_ha.{role}").upper()
