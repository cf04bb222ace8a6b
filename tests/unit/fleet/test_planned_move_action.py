# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned move is understood from the plan of a real play, before any host is asked."""

from __future__ import annotations

import pathlib
import re
import typing as t

from test_fleet_action import play


def asked(folder: pathlib.Path, *arguments: str, seen: t.Any = None, **request: t.Any) -> tuple[int, str]:
    """Plan the fleet and ask for a move; return the exit code and what was printed, without line breaks."""
    options = dict(request, plan="{{ fleet.plan.hosts }}", **({"seen": seen} if seen else {}))
    tasks = [
        {"holdfast.nginx_ha.fleet_plan": None, "run_once": True, "register": "fleet"},
        {"holdfast.nginx_ha.planned_move": options, "run_once": True, "register": "move"},
        {"ansible.builtin.debug": {"msg": "{{ move.members }} {{ move.moves | default([]) }}"}, "run_once": True},
    ]
    code, output, _plans = play(
        folder, *arguments, play={"hosts": "master:backup", "gather_facts": False, "tasks": tasks}
    )
    return code, re.sub(r"\s+", " ", output)


def node(**changes: t.Any) -> dict[str, t.Any]:
    """Return a node that is well and stands by."""
    info = {"running": True, "instances": [{"name": "VI_1", "state": "BACKUP"}], "held": [], "trackers": {}}
    return {"reachable": True, "info": dict(info, **changes), "drift": "", "mute": "", "marks": {}}


def test_a_request_names_the_nodes_that_it_is_about(tmp_path: pathlib.Path) -> None:
    code, output = asked(tmp_path, to="lb2")
    assert code == 0, output
    assert "['lb1', 'lb2'] []" in output


def test_what_was_seen_becomes_a_move(tmp_path: pathlib.Path) -> None:
    code, output = asked(tmp_path, to="lb2", seen={"lb1": node(held=["10.0.0.100"]), "lb2": node()})
    assert code == 0, output
    assert "10.0.0.100 (VI_1): lb1 -> lb2" in output


def test_a_request_that_cannot_be_met_is_refused_in_its_own_words(tmp_path: pathlib.Path) -> None:
    code, output = asked(tmp_path, to="web1")
    assert code != 0
    assert "web1 is no balancer of this inventory: name one of lb1, lb2" in output


def test_a_part_of_a_cluster_is_not_moved(tmp_path: pathlib.Path) -> None:
    code, output = asked(tmp_path, "--limit", "lb2", to="lb2")
    assert code != 0
    assert "lb1 belongs to the cluster of lb2 and is left out of this play" in output
