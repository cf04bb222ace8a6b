# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are planted wherever the inventory takes one, all plays are run, and nobody can find them again.

This file comes last: it leaves a pair behind that serves with them.
"""

from __future__ import annotations

import os
import secrets
import typing as t
from pathlib import Path

import pytest
import yaml

from harness.node import Node
from harness.planted import Planted, sampled
from harness.playing import play
from harness.waiting import eventually

VIP = "10.89.50.100"
INVENTORIES = ("-i", "inventory/lab", "-i", "molecule/synchronized_change/inventory")
COMMAND_FAILED = "/usr/bin/false for VI_1 master failed"
VERBOSE = ("-vvv", "--diff")
LATER = ("-e", "holdfast_lead=10")  # so much output takes its time

# The only files that hold any: what the daemons and services read, as root.
INSTANCE = "/etc/keepalived/holdfast.d/30-vrrp_instance-VI_1.conf"
HOLDERS = {
    INSTANCE,
    "/etc/holdfast/notify.json",
    "/etc/holdfast/watcher.json",
    "/etc/nginx/conf.d/holdfast-20-map-client.conf",
    "/etc/nginx/conf.d/holdfast-60-server-blog.example.com.conf",
}
# It holds the commands that still wait.
WAITING = "/var/lib/holdfast/notify/state.json"


def made(length: int) -> str:
    """Return a secret in which JSON, URLs and base64 differ from the plain text, and that keepalived can read."""
    return f"{secrets.token_hex(length)[: length - 3]}/+#"


PASSWORD, MAIL, TOKEN, WEBHOOK, LOGIN, KEY = (made(length) for length in (8, 20, 20, 20, 20, 20))
QUERY = TOKEN.replace("#", "!")

SETTINGS: dict[str, t.Any] = {
    "keepalived_auth_pass": PASSWORD,
    "keepalived_mail": {
        **{"to": ["ops@example.com"], "from": "lb@example.com", "host": "localhost", "port": 2525},
        **{"user": "lb", "password": MAIL},
    },
    # Nobody reads the arguments of a program that ends at once; the journal would tell that it failed.
    "keepalived_notify_commands": {"any": [["/usr/bin/false", f"--token={WEBHOOK}"]]},
    "keepalived_checks": [
        {"name": "app", "url": f"http://health.holdfast.invalid/holdfast-health?token={QUERY}", "interval": 0.5},
    ],
    "balancer_maps": [
        {
            "source": "$http_x_api_key",
            "variable": "$client",
            "default": "",
            "entries": [
                {"match": KEY, "value": "known"},
            ],
        }
    ],
    "balancer_sites": [
        {
            "server_name": "blog.example.com",
            "upstream": "blog",
            "proxy_set_header": {"Authorization": f"Basic {LOGIN}"},
        },
    ],
}


@pytest.fixture
def nodes() -> list[Node]:
    nodes = [Node("lb1"), Node("lb2")]
    eventually(lambda: any(node.holds(VIP) for node in nodes), within=30, saying=f"a node holds {VIP}")
    return nodes


def written(folder: Path, name: str, **variables: t.Any) -> tuple[str, str]:
    """Write an inventory with these variables of both balancers, and return the words that name it.

    Those of a host win over group_vars/all, which those of a group in an inventory do not.
    """
    (folder / name).write_text(yaml.safe_dump({"lab": {"hosts": {"lb1": variables, "lb2": variables}}}))
    return "-i", str(folder / name)


@pytest.mark.skipif(not os.environ.get("HOLDFAST_ALL"), reason="it plays eight plays: only `bin/test --all` does that")
def test_no_secret_is_found_outside_the_files_that_must_hold_it(nodes: list[Node], tmp_path: Path) -> None:
    password = written(tmp_path, "password.yml", keepalived_auth_pass=PASSWORD)
    everything = written(tmp_path, "everything.yml", **SETTINGS)
    wrong = written(tmp_path, "wrong.yml", **{**SETTINGS, "keepalived_auth_pass": f"{PASSWORD}{PASSWORD}"})
    absent = [{"name": "gone", "command": ["/usr/bin/is-not-there", f"--token={WEBHOOK}"]}]
    unfit = written(tmp_path, "unfit.yml", **{**SETTINGS, "keepalived_checks": absent})
    target = next(node for node in nodes if not node.holds(VIP))
    printed = []
    with sampled(nodes):
        printed.append(play("playbooks/together.yml", *INVENTORIES, *password, *VERBOSE, *LATER))
        printed.append(play("site.yml", *INVENTORIES, *wrong, *VERBOSE, fails=True))
        printed.append(play("site.yml", *INVENTORIES, *unfit, *VERBOSE, fails=True))
        printed.append(
            play(
                "site.yml", *INVENTORIES, *everything, *VERBOSE, "--check", "--tags", "balancer", "--skip-tags", "prove"
            )
        )
        printed.append(
            play("site.yml", *INVENTORIES, *everything, *VERBOSE, "--tags", "balancer", "--skip-tags", "prove")
        )
        printed.append(play("playbooks/move.yml", *INVENTORIES, *everything, *VERBOSE, "-e", f"to={target}"))
        printed.append(play("playbooks/doctor.yml", *INVENTORIES, *everything, *VERBOSE))
    assert "keepalived would cut the rest" in printed[1]
    assert "/usr/bin/is-not-there does not exist" in printed[2]
    # They have arrived, and were used: the command was run, and failed.
    assert PASSWORD in target.run(f"cat {INSTANCE}")
    eventually(
        lambda: COMMAND_FAILED in target.run("journalctl -u holdfast-notify --no-pager"),
        within=10,
        saying=COMMAND_FAILED,
    )
    planted = Planted(PASSWORD, MAIL, QUERY, WEBHOOK, LOGIN, KEY)
    for number, output in enumerate(printed):
        assert planted.within(output) == [], f"play {number}"
    for node in nodes:
        assert planted.told_by(node) == "", f"the journal of {node.name}"
        lines = planted.started_on(node).split("\n")
        assert [line for line in lines if line and "/usr/bin/false " not in line] == []
        files = planted.on(node)
        assert {one.path for one in files} - {WAITING} == HOLDERS, node.name
        assert [one for one in files if one.owner != "root" or one.mode & 0o027] == [], node.name
