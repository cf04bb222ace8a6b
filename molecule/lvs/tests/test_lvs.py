# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two directors and two real servers of LVS, with the files that were planned for them, and a client.

No kernel of the lab has IPVS, so they are network namespaces of an emulated machine. There is no watcher in it: the
track files say 0 for all the time. Emulation is slow, and so are the times that are allowed.
"""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.loopback import QUIET
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import loopback

from harness.playing import ROOT, play
from lab.vm import run_inside

FILES = ROOT / "molecule" / "lvs" / "files"


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """What was seen in the machine."""
    work = tmp_path_factory.mktemp("work")
    play("playbooks/plan.yml", "--inventory=inventory/reference/004-lvs", f"--extra-vars=plan_folder={work}/hosts")
    (work / "inside.py").write_text((FILES / "inside.py").read_text())
    for host in (work / "hosts").iterdir():
        if host.is_dir():
            plan = json.loads((host / "host.json").read_text())
            unit = loopback.render(plan.get("loopback_addresses") or [])
            plan["loopback"] = [line.split() for line in re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)]
            plan["sysctl"] = {setting.name: setting.value for setting in QUIET}
            (host / "host.json").write_text(json.dumps(plan))
    printed = run_inside(work, "inside.py", seconds=400)
    found = re.search(r"^OBSERVED (.*)$", printed, re.MULTILINE)
    assert found, printed[-6000:]
    return t.cast("dict[str, t.Any]", json.loads(found[1]))


def test_connections_go_to_both_real_servers_in_turn(observed: dict[str, t.Any]) -> None:
    assert observed["spread"] == {name: 10 for name in observed["backends"]}


def test_the_holder_alone_answers_for_the_address_that_real_servers_have_too(observed: dict[str, t.Any]) -> None:
    assert observed["neighbour"][1:] == ["lladdr", observed["holder_mac"]]


def test_a_dead_real_server_is_taken_out_and_comes_back(observed: dict[str, t.Any]) -> None:
    lost, left = observed["backends"]
    assert observed["without"] == {left: 20}
    assert observed["with"] == {lost: 10, left: 10}
    # A question every 2 s, and once again after 1 s; doubled for the emulation.
    assert observed["out"] <= 12
    assert observed["back"] <= 12


def test_the_other_director_takes_over(observed: dict[str, t.Any]) -> None:
    assert observed["holder"] == observed["second"]
    assert observed["gap"] <= 3
    assert observed["after"] == {name: 10 for name in observed["backends"]}
