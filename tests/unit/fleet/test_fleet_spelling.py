# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A misspelt variable is refused, and one that belongs to somebody else is not."""

from __future__ import annotations

import random
import typing as t

import pytest
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.spelling import OF_OTHER_ROLES, distance
from documented import ROOT
from inventory_builder import SPECS, InventoryBuilder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("keepalived_vip", "did you mean keepalived_vips?"),
        ("keepalive_vips", "did you mean keepalived_vips?"),
        ("ngnix_package", "did you mean nginx_package?"),
        ("holdfast_group", "did you mean holdfast_groups?"),
        ("backend_wieght", "did you mean backend_weight?"),
        ("nginx_pakage", "did you mean nginx_package?"),
        ("balancer_upstream", "did you mean balancer_upstreams?"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, words: str) -> None:
    [finding] = InventoryBuilder({name: 1}).findings()
    assert (finding.rule, finding.where) == ("unknown-variable", f"lb1, lb2, web1 and 1 more: {name}")
    assert words in finding.message
    assert "holdfast_foreign_variables" in finding.message


def test_variables_of_others_are_left_alone() -> None:
    inventory = InventoryBuilder({"nginx_exporter_port": 9113, "haproxy_x": 1, "nginx_package": "nginx-full"})
    assert inventory.findings(foreign=["nginx_exporter_*"]) == []
    [finding] = inventory.findings()
    assert finding.severity == "warning"
    assert finding.message.startswith("nginx_exporter_port: no variable of this collection")


FOREIGN: dict[str, list[str]] = yaml.safe_load((ROOT / "tests/support/foreign_variables.yml").read_text())


@pytest.mark.parametrize("repository", FOREIGN)
def test_the_variables_of_a_public_role_keep_nothing_from_running(repository: str) -> None:
    variables = {name: "x" for name in FOREIGN[repository] if name not in SPECS}
    findings = InventoryBuilder(variables).findings()
    assert [str(one) for one in findings if one.severity == "error"] == []
    assert len(findings) == (len(variables) > 0)


def test_those_that_look_like_a_slip_are_few() -> None:
    """What is near a name of ours and belongs to a public role is an exception, not the rule."""
    names = {name for names in FOREIGN.values() for name in names}
    assert len(FOREIGN) >= 28
    assert len(names) > 400
    assert names >= OF_OTHER_ROLES
    assert len(OF_OTHER_ROLES) < 6


def test_the_faults_of_a_name_are_told_once_for_all_hosts() -> None:
    many = {f"nginx_of_somebody_{number}": 1 for number in range(20)}
    [finding] = InventoryBuilder({**many, "backend_db_url": "x", "keepalived_exporter_version": 1}).findings()
    assert "backend_db_url, keepalived_exporter_version, nginx_of_somebody_0" in str(finding)
    assert "and 10 more" in str(finding)


@pytest.mark.parametrize("name", ["keepalived_address4", "backend_path", "balancer_maps_of_others", "__keepalived_vip"])
def test_what_is_as_near_to_two_names_or_another_word_passes(name: str) -> None:
    assert [one for one in InventoryBuilder({name: 1}).findings() if one.severity == "error"] == []


def slips(name: str, chance: random.Random) -> t.Iterator[str]:
    """Yield a name with a letter less, one twice, another one, two in the wrong order."""
    place = chance.randrange(len(name) - 1)
    for middle in ("", name[place] * 2, "q"):
        yield name[:place] + middle + name[place + 1 :]
    yield name[:place] + name[place + 1] + name[place] + name[place + 2 :]


@pytest.mark.parametrize("name", sorted(SPECS))
def test_one_slip_in_a_name_is_found(name: str) -> None:
    for slip in slips(name, random.Random(name)):
        others = [known for known in SPECS if known != name and distance(slip, known) <= 1]
        if slip not in SPECS and not others:
            told = [str(one) for one in InventoryBuilder({slip: 1}).findings() if one.rule == "unknown-variable"]
            assert [f"did you mean {name}?" in one for one in told] == [True], slip
