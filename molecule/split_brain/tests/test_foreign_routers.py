# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is in no inventory has the address, or speaks for it: nobody calls that well, and all name it."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from contextlib import contextmanager

import pytest

from harness.cluster import SITE, VIP, Cluster
from harness.playing import doctor, playbook

THIRD = "10.89.50.21"
QUICK = ("--extra-vars", '{"keepalived_prove_trackers": false}')


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook; its sentences are not wrapped."""
    return playbook(name, *arguments, result_format="json")


def site(*arguments: str) -> tuple[int, str]:
    """Run the part of site.yml that finds out and changes nothing; warnings, which are wrapped, are in one line."""
    done = run("site.yml", "--tags", "always", *arguments)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def mac(pair: Cluster) -> str:
    return pair.third.run("cat /sys/class/net/eth0/address").strip()


@contextmanager
def also_on_third(pair: Cluster) -> t.Iterator[None]:
    pair.third.run(f"ip address add {VIP}/24 dev eth0")
    try:
        yield
    finally:
        pair.third.run(f"ip address del {VIP}/24 dev eth0")


def test_a_host_that_has_the_address_is_named_by_all(pair: Cluster) -> None:
    with also_on_third(pair):
        pair.raised(pair.lb1, "split_brain", "foreign_host", within=20)
        code, findings, text = doctor()
        assert code != 0, text
        assert len(findings) == 1, findings
        assert findings[0].startswith(
            f"{THIRD} ({mac(pair)}) is no balancer of this inventory and answers for {VIP} of VI_1 as well, noticed by "
        )
        assert "arping" not in findings[0]
        print(f"SAID {findings[0]}")
        code, text = site()
        assert code != 0, text
        assert f"{VIP} of VI_1 belongs to another host: {mac(pair)} answers for it on eth0" in text
        assert "Nothing was changed." in text
        proof = run("playbooks/prove.yml", *QUICK)
        assert proof.returncode != 0, proof.stdout
        assert "is no balancer of this inventory and answers for" in proof.stdout


def test_a_balancer_that_left_the_inventory_is_named_by_all(pair: Cluster) -> None:
    router_id = json.loads(pair.lb1.run("cat /etc/holdfast/detector.json"))["instances"][0]["router_id"]
    with pair.foreign_router(240, "10.89.50.11", "10.89.50.12"):
        for node in pair.balancers:
            pair.raised(node, "foreign_adverts", "router_id_clash", within=30)
        code, findings, text = doctor()
        assert code != 0, text
        assert len(findings) == 1, findings
        assert findings[0].startswith(
            f"{THIRD} ({mac(pair)}) is no balancer of this inventory and acts as a holder of {VIP} of VI_1: it sends "
            f"adverts with router id {router_id} and priority 240, noticed by lb1 and lb2 since "
        )
        assert "Stop keepalived there for good" in findings[0]
        print(f"SAID {findings[0]}")
        # Anybody can forge adverts, and must not keep the pair from being changed.
        code, text = site()
        assert code == 0, text
        assert "find out who forges them" in text
        with also_on_third(pair):
            code, text = site()
        assert code != 0, text
        assert f"{THIRD} ({mac(pair)}) on eth0 is no member of the cluster and sends adverts" in text
        proof = run("playbooks/prove.yml", *QUICK)
        assert proof.returncode != 0, proof.stdout
        assert "acts as a holder of" in proof.stdout
    # It is silent now, and remembered for a while: the proof waits for that.
    assert run("playbooks/prove.yml", *QUICK).returncode == 0


# By when the connection is refused, Ansible has words of its own before those of ssh.
UNREACHABLE = r"lb2 cannot be reached: .*ssh: connect to host 10\.89\.50\.12 port 22: Connection refused\. Nothing was"
BLOCK_SSH = "iptables --insert INPUT --protocol tcp --dport 22 --jump REJECT --reject-with tcp-reset"
FAILURES = {
    "bad status": (
        "playbooks/prove.yml",
        '{"keepalived_prove_trackers": false, "keepalived_prove_expect": [418]}',
        f"http://{SITE} at {VIP} port 80 gave 0 good answers to 50 requests (status; statuses: 200). Look at nginx",
    ),
    "no such package": (
        "site.yml",
        '{"nginx_package": "nginx-that-is-not"}',
        "nginx-that-is-not cannot be had from this host's package sources (",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_ends_in_a_sentence(pair: Cluster, name: str) -> None:
    playbook_name, variables, sentence = FAILURES[name]
    tags = ("--tags", "balancer", "--skip-tags", "prove") if playbook_name == "site.yml" else ()
    done = run(playbook_name, "--extra-vars", variables, *tags)
    assert done.returncode != 0, done.stdout
    assert sentence in done.stdout, done.stdout
    assert "Unknown error" not in done.stdout


def test_a_host_that_cannot_be_reached_is_told_by_all(pair: Cluster) -> None:
    pair.lb2.run(BLOCK_SSH)
    code, text = site()
    assert code != 0, text
    assert re.search(UNREACHABLE, text), text
    proof = run("playbooks/prove.yml", *QUICK)
    assert proof.returncode != 0, proof.stdout
    assert re.search(UNREACHABLE, proof.stdout), proof.stdout
    code, findings, text = doctor()
    assert code != 0, text
    assert findings[0].startswith("lb2 cannot be reached ("), findings
