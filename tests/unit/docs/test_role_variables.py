# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its variables is what it does with them, and what the planner takes them for."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import DEFAULTS, UNSET
from documented import ROOT, role_defaults, role_specs
from playing import ansible_playbook

ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
PLANNED_ROLES = ["balancer", "keepalived"]


def of_role(role: str, names: t.Iterable[str]) -> list[str]:
    """Return those of the names that begin as variables of this role do."""
    return sorted(name for name in names if name.startswith(f"{role}_"))


def test_every_role_describes_its_variables() -> None:
    assert sorted(path.name for path in ROOT.glob("roles/*")) == ROLES


def test_a_document_is_one_expression_whose_numbers_stay_numbers() -> None:
    """A template that is nothing but a number becomes text under ansible-core 2.18, and a number from 2.19 on."""
    for role in ROLES:
        file = ROOT / "roles" / role / "vars" / "main.yml"
        variables = yaml.safe_load(file.read_text()) if file.exists() else {}
        for tasks in (ROOT / "roles" / role / "tasks").glob("*.yml"):
            for name in re.findall(r"\{\{ (\w+)[^|}]*\| to_(?:nice_)?json", tasks.read_text()):
                assert isinstance(variables[name], str), f"{name} is a mapping with templates in it"


@pytest.mark.parametrize("role", ROLES)
def test_documented_defaults_are_those_of_the_role(role: str) -> None:
    specs = role_specs(role)
    derived = of_role(role, UNSET)
    assert {name: spec["default"] for name, spec in specs.items() if "default" in spec} == role_defaults(role)
    assert sorted(specs) == sorted([*role_defaults(role), *derived])


@pytest.mark.parametrize("role", ROLES)
def test_a_default_that_the_planner_reads_is_the_planners(role: str) -> None:
    shared = of_role(role, DEFAULTS)
    assert {name: role_defaults(role).get(name) for name in shared} == {name: DEFAULTS[name] for name in shared}


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_has_a_use(role: str) -> None:
    files = [path for path in (ROOT / "roles" / role).rglob("*") if path.suffix in (".yml", ".j2")]
    texts = [path.read_text() for path in files if path.parent.name not in ("defaults", "meta")]
    used = set(re.findall(r"\w+", " ".join(texts)))
    assert [name for name in role_specs(role) if name not in used and name not in (*DEFAULTS, *UNSET)] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_described(role: str) -> None:
    assert [name for name, spec in role_specs(role).items() if not (spec.get("description") and spec.get("type"))] == []


def played(folder: pathlib.Path, role: str, *arguments: str, **variables: t.Any) -> tuple[int, str]:
    """Run the comparison of a role with these variables of the play; return the exit code and what was printed."""
    task = {"ansible.builtin.include_role": {"name": f"holdfast.nginx_ha.{role}", "tasks_from": "planned"}}
    play = {"hosts": "lb1", "gather_facts": False, "vars": variables, "tasks": [task]}
    hosts = {"lb1": {"keepalived_preempt_delay": "5", "keepalived_vips": ["10.0.0.1/24"]}}
    inventory = {"all": {"vars": {"ansible_connection": "local"}, "hosts": hosts}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    return ansible_playbook(folder, "-i", "hosts.yml", "play.yml", *arguments)


def test_a_value_that_the_plan_was_made_without_is_refused(tmp_path: pathlib.Path) -> None:
    code, output = played(tmp_path, "keepalived", keepalived_vips=["10.0.0.2/24"], keepalived_cluster="blue")
    assert code != 0
    assert "keepalived_vips, keepalived_cluster: the value here is not that of the inventory" in output
    assert "Move it to group_vars or host_vars." in output


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("keepalived", {"keepalived_detector_interval": 0.1}),
        ("keepalived", {"keepalived_log_keep": -1}),
        ("balancer", {"balancer_drift": "keep"}),
    ],
    ids=str,
)
def test_a_value_that_the_plan_did_not_judge_is_refused(
    role: str, said: dict[str, t.Any], tmp_path: pathlib.Path
) -> None:
    code, output = played(tmp_path, role, **said)
    assert code != 0
    assert f"{next(iter(said))}: the value here is not that of the inventory" in output


def test_values_of_the_inventory_and_of_the_command_line_are_taken(tmp_path: pathlib.Path) -> None:
    # What the play says is the default, and what the command line says, the planner reads as well.
    code, output = played(tmp_path, "keepalived", "-e", "keepalived_spread=true", keepalived_timing="fast")
    assert code == 0, output


@pytest.mark.parametrize("role", ROLES)
def test_a_switch_is_read_as_one_however_it_is_written(role: str) -> None:
    # An INI inventory has texts, and the text "no" is true for Jinja. A module takes it as it is meant.
    switches = [name for name, spec in role_specs(role).items() if spec["type"] == "bool"]
    files = [path for path in (ROOT / "roles" / role).rglob("*") if path.suffix in (".yml", ".j2")]
    files = [path for path in [*files, ROOT / "site.yml"] if path.parent.name not in ("defaults", "meta")]
    handed_on = re.compile(r'\w+: "\{\{ (\w+) (?:\| default\(\w+\) )?\}\}"')
    misread = [
        (path.name, line.strip())
        for path in files
        for line in handed_on.sub("", path.read_text()).split("\n")
        for name in switches
        if re.search(rf"\b{name}\b(?! to true| (?:\| default\(\w+\) )?\| bool)", line)
    ]
    assert misread == []


def readme(role: str) -> str:
    return (ROOT / "roles" / role / "README.md").read_text()


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_names_only_variables_that_exist(role: str) -> None:
    named = re.findall(rf"`((?:{'|'.join(ROLES)})_\w+)`", readme(role))
    known = {name for each in ROLES for name in role_specs(each)}
    assert named
    assert sorted(set(named) - known) == []


@pytest.mark.parametrize("role", PLANNED_ROLES)
def test_the_example_of_the_readme_can_be_planned_and_played(role: str, tmp_path: pathlib.Path) -> None:
    plan = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"holdfast.nginx_ha.fleet_plan": None, "run_once": True}]}
    ]
    files = dict(re.findall(r"^`(\S+)`\n\n```yaml\n(.*?)^```$", readme(role), re.MULTILINE | re.DOTALL))
    for name, content in {**files, "plan.yml": yaml.safe_dump(plan)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    code, output = ansible_playbook(tmp_path, "-i", "inventory", "--syntax-check", "balancers.yml")
    assert code == 0, output
    code, output = ansible_playbook(tmp_path, "-i", "inventory", "plan.yml")
    assert code == 0, output
