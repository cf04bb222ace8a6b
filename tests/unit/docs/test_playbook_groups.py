# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped playbooks find their hosts, whatever the inventory calls the groups."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.waves import MOST

from harness.playing import ansible_playbook
from runner.archive import build, install

ROOT = Path(__file__).parents[3]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
INVENTORY: dict[str, t.Any] = {
    "all": {
        "vars": {
            "holdfast_groups": {"master": "front", "backup": "standby", "backend": "web", "issuer": "acme"},
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "keepalived_vips": ["10.0.0.100/24"],
            "keepalived_virtual_router_id": 256,
        },
        "children": {
            "front": {"hosts": {"one": {"keepalived_address": "10.0.0.11"}}},
            "standby": {"hosts": {"two": {"keepalived_address": "10.0.0.12"}}},
            "web": {"hosts": {"three": {"backend_address": "10.0.0.21"}}},
            "acme": {"hosts": {"five": {}}},
            "elsewhere": {"hosts": {"four": {}}},
        },
    }
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a user's own, with an inventory and the collection as it is installed from its archive."""
    folder = tmp_path_factory.mktemp("groups")
    install(build(folder), folder)
    (folder / "inventory.yml").write_text(yaml.safe_dump(INVENTORY))
    return folder


def played(folder: Path, *arguments: str) -> tuple[int, str]:
    return ansible_playbook(folder, *arguments, collections=folder / ".ansible" / "collections")


def test_each_host_joins_the_groups_of_what_it_is(folder: Path) -> None:
    shown = {
        "hosts": "holdfast_master:holdfast_backup:holdfast_backend:holdfast_issuer",
        "gather_facts": False,
        "tasks": [
            {"debug": {"msg": "{{ inventory_hostname }} {{ group_names | select('match', 'holdfast_(?!is_)') }}"}}
        ],
    }
    (folder / "shown.yml").write_text(yaml.safe_dump([{"import_playbook": "holdfast.nginx_ha.groups"}, shown]))
    code, printed = played(folder, "-i", "inventory.yml", "shown.yml")
    assert code == 0, printed
    for words in (
        "one ['holdfast_master']",
        "two ['holdfast_backup']",
        "three ['holdfast_backend']",
        "five ['holdfast_issuer']",
    ):
        assert words in printed
    assert "four [" not in printed


@pytest.mark.parametrize(
    "playbook",
    [str(ROOT / "site.yml"), *(f"holdfast.nginx_ha.{path.stem}" for path in PLAYBOOKS if path.stem != "groups")],
)
def test_every_playbook_reaches_the_hosts_of_groups_with_other_names(folder: Path, playbook: str) -> None:
    code, printed = played(folder, "-i", "inventory.yml", playbook, "-e", "to=two")
    assert code != 0
    assert "256 is out of range" in printed, printed


def test_an_inventory_without_any_of_the_groups_is_refused(folder: Path) -> None:
    (folder / "other.yml").write_text("web:\n  hosts:\n    one:\n")
    code, printed = played(folder, "-i", "other.yml", "holdfast.nginx_ha.site")
    assert code != 0
    assert "No host of this run is in the groups master, backup, backend." in printed


def test_certificates_are_fetched_from_one_issuer_and_by_all(folder: Path) -> None:
    own = {**INVENTORY["all"]["vars"]["holdfast_groups"], "issuer": "nobody"}
    said = ("-e", json.dumps({"holdfast_groups": own, "keepalived_virtual_router_id": 51}))
    code, printed = played(folder, "-i", "inventory.yml", "holdfast.nginx_ha.certificates", *said)
    assert code != 0
    told = " ".join(printed.split())
    assert "The group issuer has to have one host, and has 0 in this run." in told
    assert "Balancers that are left out: none." in told
    part = ("-e", "keepalived_virtual_router_id=51", "--limit", "one,five")
    code, printed = played(folder, "-i", "inventory.yml", "holdfast.nginx_ha.certificates", *part)
    assert code != 0
    assert "Balancers that are left out: two." in " ".join(printed.split())


def hosts(play: dict[str, t.Any]) -> str:
    """Return the pattern of a play, but for the wave of a rollout."""
    return str(play["hosts"]).removesuffix("{{ __site_wave | default('') }}")


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: str(path.name))
def test_no_play_names_a_group_of_the_inventory(path: Path) -> None:
    known = {
        "holdfast_master",
        "holdfast_backup",
        "holdfast_backend",
        "holdfast_issuer",
        *(f"holdfast_wave_{at + 1}" for at in range(MOST)),
    }
    plays = [play for play in yaml.safe_load(path.read_text()) if "hosts" in play]
    assert plays
    for play in plays:
        assert (path.name, hosts(play)) == ("groups.yml", "all") or set(hosts(play).split(":")) <= known


def test_a_rollout_has_what_each_wave_does_and_none_reaches_another() -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / "rollout.yml").read_text())
    suffixes = [play["vars"]["__site_wave"] for play in plays if "vars" in play]
    assert suffixes == [f":&holdfast_wave_{at + 1}" for at in range(MOST)]
    for name in ("groups", "site"):
        reached = [play for play in yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text()) if "hosts" in play]
        assert [play["name"] for play in reached if hosts(play) == play["hosts"]] == []


def test_who_runs_a_part_of_the_plays_that_change_balancers_gets_the_proof() -> None:
    plays = [play for play in yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text()) if "hosts" in play]
    [proof] = [play for play in plays if play["name"] == "Prove"]
    changing = {tag for play in plays for tag in play["tags"] if hosts(play) != "holdfast_backend"}
    assert set(proof["tags"]) == changing - {"always"}
