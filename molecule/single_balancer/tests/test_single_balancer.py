# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One balancer alone serves from its backends, without anything of keepalived, and the plan says what that means."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from harness.node import Node

ROOT = Path(__file__).parents[3]
SITE = "blog.example.com"


@pytest.fixture(scope="module")
def lb1() -> Node:
    return Node("lb1")


def play(name: str, *arguments: str) -> subprocess.CompletedProcess[t.Any]:
    command = ["ansible-playbook", f"playbooks/{name}.yml", "--inventory", "molecule/single_balancer/inventory"]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_serves_from_its_backends(lb1: Node) -> None:
    web1 = Node("web1")
    answers = {
        web1.run(f"curl --silent --fail --header 'Host: {SITE}' http://10.89.50.11/").strip() for _request in range(8)
    }
    assert len(answers) == 2, answers
    assert lb1.run("systemctl is-enabled nginx").strip() == "enabled"


def test_nothing_of_keepalived_is_there(lb1: Node) -> None:
    assert lb1.run("ls /usr/sbin/keepalived /etc/systemd/system/holdfast-* 2>/dev/null || true") == ""


def test_the_plan_says_what_that_means() -> None:
    done = play("site")
    assert done.returncode == 0, done.stdout
    assert "shares no address and has no partner" in " ".join((done.stdout + done.stderr).split())


def test_it_is_proven_by_its_own_address(lb1: Node) -> None:
    assert play("prove").returncode == 0
    doctor = play("doctor")
    assert doctor.returncode == 0, doctor.stdout
    lb1.run("systemctl stop nginx")
    proof, doctor = play("prove"), play("doctor")
    assert proof.returncode != 0
    assert f"http://{SITE} at 10.89.50.11 port 80 gave 0 good answers" in " ".join(proof.stdout.split())
    assert "nginx does not run on lb1" in doctor.stdout
    done = play("site")
    assert done.returncode == 0, done.stdout
    assert lb1.run("systemctl is-active nginx").strip() == "active"
