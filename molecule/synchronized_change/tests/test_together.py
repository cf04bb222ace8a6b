# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a live pair is changed on both nodes or on none, and at no time do two nodes hold the address."""

from __future__ import annotations

import os
import random
import re
import secrets
import signal
import subprocess
import time
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest

from harness.client import client
from harness.holders import watching
from harness.node import Node
from harness.waiting import eventually

ROOT = Path(__file__).parents[3]
VIP, SITE = "10.89.50.100", "blog.example.com"
INSTANCE = "/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"


SEED = os.environ.get("HOLDFAST_SEED") or str(secrets.randbelow(10**6))
WITHIN = 30  # seconds in which a change has to be confirmed in these tests
# Where the controller or a node dies: tasks of the playbook, in their order.
STEPS = (
    "Deploy the configuration of keepalived",
    "Compare the clocks",
    "Tell every node the other nodes of the change",
    "Commit the change on all nodes at the same instant",
    "Wait as long as the replacement of a silent holder takes",
    "Check that every address has exactly one holder",
    "Confirm the change",
)
VICTIMS = ("controller", "lb1", "lb2")


def drawn() -> list[tuple[str, str, float]]:
    """Return who dies at which step, and how many seconds after it began: all of them, or two by the run's seed."""
    chance = random.Random(SEED)
    cases = [(victim, step, round(chance.uniform(0, 2), 2)) for victim in VICTIMS for step in STEPS]
    if os.environ.get("HOLDFAST_ALL"):
        return cases
    return [chance.choice(cases[: len(STEPS)]), chance.choice(cases[len(STEPS) :])]


def command_of(playbook: str, password: str) -> list[str]:
    """Return the playbook as a person would run it, with another password than the inventory's."""
    command = ["ansible-playbook", playbook, "--diff"]
    for inventory in ("inventory/lab", "molecule/synchronized_change/inventory"):
        command += ["--inventory", inventory]
    return [*command, "--extra-vars", f"keepalived_auth_pass={password} holdfast_confirm_within={WITHIN}"]


def change_together(password: str) -> subprocess.CompletedProcess[str]:
    command = command_of("playbooks/together.yml", password)
    # Ansible waits 12 s for sudo by default, which a busy machine has been seen to exceed.
    own = {**os.environ, "ANSIBLE_TIMEOUT": "30"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=own)


def interrupted(password: str, victim: str, step: str, later: float) -> str:
    """Begin the change, let the controller die at a step, or a node and come back; return what was printed."""
    command = command_of("playbooks/together.yml", password)
    printed = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as play:
        assert play.stdout is not None
        for line in play.stdout:
            printed.append(line)
            if line.startswith("TASK [") and step in line:
                break
        time.sleep(later)
        if victim != "controller":
            Node(victim).kill()
            Node(victim).start()
            # A connection to a node that died is not missed by ssh.
            with suppress(subprocess.TimeoutExpired):
                play.wait(WITHIN)
        with suppress(ProcessLookupError):
            os.killpg(play.pid, signal.SIGKILL)
        printed += play.stdout
    return "".join(printed)


def leftovers(node: Node) -> str:
    """Return what a change that is over must not leave; a staged one that was never begun waits for the next.

    What a controller has begun goes on after its death: it may wait for the moment that was agreed.
    """
    return node.run(
        "pgrep -f '[B]ECOME-SUCCESS'; "
        "ls -d /var/lib/holdfast/keepalived/journal* /run/holdfast-keepalived.armed 2>/dev/null; "
        "find /etc/systemd/system /etc/keepalived -name 'holdfast-undo*' -o -name '*holdfast-new*'; "
        "systemctl list-units --failed --plain --no-legend 2>&1 || true"  # it may be about to be started
    ).strip()


def password_on(node: Node) -> str:
    return node.run(f"sed -n 's/ *auth_pass //p' {INSTANCE}").strip()


@pytest.fixture
def nodes() -> t.Iterator[list[Node]]:
    nodes = [Node("lb1"), Node("lb2")]
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")
    yield nodes
    for node in nodes:
        node.run("iptables --flush OUTPUT")
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")


def test_the_password_changes_and_two_holders_are_never_seen(nodes: list[Node]) -> None:
    old, new = password_on(nodes[0]), "later"
    assert password_on(nodes[1]) == old != new
    with watching(VIP, nodes) as holders, client(VIP, SITE) as window:
        done = change_together(new)
        window.settle(5.0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [password_on(node) for node in nodes] == [new, new]
    assert holders.longest(at_least=2) == 0
    assert holders.longest(at_most=0) == 0
    assert holders.moves() == 0
    seen = window.summary()
    print(f"MEASURED password changed: gap {seen['gap_ms']} ms, {seen['failed_total']} failed, {seen['slow']} slow")
    assert seen["failed_total"] == 0
    assert new not in done.stdout
    assert old not in done.stdout


def test_nodes_that_do_not_hear_each_other_go_back_to_what_they_had(nodes: list[Node]) -> None:
    had = [password_on(node) for node in nodes]
    for node in nodes:
        # What blocks what comes in would be mended by the role at once.
        node.run("iptables --insert OUTPUT --protocol 112 --jump DROP")
    done = change_together("never")
    assert done.returncode != 0
    assert "The change was undone on all nodes" in done.stdout
    assert [password_on(node) for node in nodes] == had
    for node in nodes:
        assert node.run("ls /var/lib/holdfast/keepalived").split() == ["manifest.json"]
        assert leftovers(node) == ""


@pytest.mark.parametrize(("victim", "step", "later"), drawn())
def test_whoever_dies_on_the_way_both_nodes_end_alike(nodes: list[Node], victim: str, step: str, later: float) -> None:
    print(f"HOLDFAST_SEED={SEED}: {victim} dies {later} s into `{step}`")
    had = [password_on(node) for node in nodes]
    new = f"n{secrets.token_hex(3)}"
    printed = interrupted(new, victim, step, later)
    eventually(
        lambda: not any(leftovers(node) for node in nodes) and len({password_on(node) for node in nodes}) == 1,
        within=2 * WITHIN + 90,
        saying=f"both nodes have the old or both the new, and nothing is left behind\n{printed}",
    )
    assert password_on(nodes[0]) in (had[0], new), printed
    eventually(lambda: nodes[0].holds(VIP) and not nodes[1].holds(VIP), within=30, saying=f"lb1 alone holds {VIP}")
    again = change_together("after")
    assert again.returncode == 0, again.stdout + again.stderr
    for node in nodes:
        assert password_on(node) == "after"
        assert node.run("ls /var/lib/holdfast/keepalived").split() == ["manifest.json"]


def test_node_by_node_it_is_refused_before_anything_is_changed(nodes: list[Node]) -> None:
    had = [password_on(node) for node in nodes]
    command = command_of("site.yml", "bynode")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "VI_1: authentication" in done.stdout
    assert "run the playbook holdfast.nginx_ha.together" in done.stdout
    assert "changed=0" in done.stdout
    assert not re.search(r"changed=[1-9]", done.stdout)
    assert "bynode" not in done.stdout
    assert [password_on(node) for node in nodes] == had
