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
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.servers import OWN
from documented import ROOT, role_defaults, role_specs

from harness.playing import ansible_playbook

ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
FRONT_PAGES = ["README.md", *(f"roles/{role}/README.md" for role in ROLES)]
PLANNED_ROLES = ["balancer", "keepalived"]


def test_every_role_describes_its_variables() -> None:
    assert sorted(path.name for path in ROOT.glob("roles/*")) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_documented_defaults_are_those_of_the_role(role: str) -> None:
    specs = role_specs(role)
    assert {name: spec["default"] for name, spec in specs.items() if "default" in spec} == role_defaults(role)


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_has_a_use(role: str) -> None:
    files = [path for path in (ROOT / "roles" / role).rglob("*") if path.suffix in (".yml", ".j2")]
    files = [path for path in files if path.parent.name not in ("defaults", "meta")]
    files += [path for path in (ROOT / "plugins/plugin_utils/fleet").rglob("*.py") if path.name != "limits.py"]
    used = set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))
    # What a backend says for itself as a server is read by the names of its options.
    used |= {f"backend_{option}" for option in OWN}
    assert [name for name in role_specs(role) if name not in used] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_described(role: str) -> None:
    assert [name for name, spec in role_specs(role).items() if not (spec.get("description") and spec.get("type"))] == []


BESIDE = {"lb2": {"keepalived_preempt_delay": "5", "keepalived_vips": ["10.0.0.1/24"], "ansible_host": "10.0.0.8"}}


def played(folder: pathlib.Path, role: str, *arguments: str, **variables: t.Any) -> tuple[int, str]:
    """Hand a role what is planned for it, with these variables of the play; return the exit code and what was printed.

    The host has no Python, so that nothing is ever changed.
    """
    tasks = [{"holdfast.nginx_ha.fleet_plan": None}, {"holdfast.nginx_ha.host_state": {"roles": [role], "only": []}}]
    block = {"block": tasks, "vars": variables}
    play = {"hosts": "lb1", "gather_facts": False, "tasks": [block]}
    hosts = {"lb1": {"keepalived_preempt_delay": "5", "keepalived_vips": ["10.0.0.1/24"], "ansible_host": "10.0.0.9"}}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": "/bin/false"}
    inventory = {"all": {"vars": connection, "children": {"master": {"hosts": hosts}, "backup": {"hosts": BESIDE}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    return ansible_playbook(folder, "-i", "hosts.yml", "play.yml", *arguments)


def test_a_value_that_the_plan_was_made_without_is_refused(tmp_path: pathlib.Path) -> None:
    code, output = played(tmp_path, "keepalived", keepalived_vips=["10.0.0.2/24"], keepalived_cluster="blue")
    assert code != 0
    assert "keepalived_cluster, keepalived_vips: the value here is not that of the inventory" in output
    assert "Move it to group_vars or host_vars." in output


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("keepalived", {"keepalived_detector_interval": 0.1}),
        ("keepalived", {"keepalived_log_keep": -1}),
        ("balancer", {"balancer_drift": "keep"}),
        ("balancer", {"nginx_http": {"gzip": False}}),
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
    _code, output = played(tmp_path, "keepalived", "-e", "keepalived_spread=true", keepalived_timing="fast")
    assert "is not that of the inventory" not in output
    assert "TASK [holdfast.nginx_ha.host_state]" in output


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


MODULES = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
KNOWN = {name for each in ROLES for name in role_specs(each)}


def readme(role: str) -> str:
    return (ROOT / "roles" / role / "README.md").read_text()


@pytest.mark.parametrize("page", FRONT_PAGES)
def test_a_readme_names_only_variables_that_exist(page: str) -> None:
    named = re.findall(rf"`((?:{'|'.join(ROLES)})_\w+)`", (ROOT / page).read_text())
    assert sorted(set(named) - KNOWN - MODULES) == []


def test_the_readme_names_a_variable_for_every_feature() -> None:
    table = re.search(r"^## What you can set\n\n(.*?)\n\n", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert table
    for row in table[1].split("\n")[2:]:
        assert re.search(r"`\w+`[^|]*\|$", row), row


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


def entry_points() -> list[tuple[str, str]]:
    """Return role and entry point of whatever a playbook includes."""
    files = [path for path in ROOT.glob("playbooks/**/*.yml")]
    found = re.findall(
        r"name: holdfast\.nginx_ha\.(\w+)\n +tasks_from: (\w+)", "\n".join(path.read_text() for path in files)
    )
    return sorted(set(found))


@pytest.mark.parametrize(("role", "entry"), entry_points(), ids=str)
def test_every_entry_point_of_a_playbook_is_described(role: str, entry: str) -> None:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    assert specs[entry]["short_description"]
    assert specs[entry]["description"]


def included(role: str, name: str = "main.yml") -> t.Iterator[tuple[str, t.Any]]:
    """Yield each task with its file that a run of the role may come to."""
    ahead = yaml.safe_load((ROOT / "roles" / role / "tasks" / name).read_text())
    while ahead:
        task = ahead.pop()
        ahead += task.get("block", [])
        yield name, task
        for action in ("import_tasks", "include_tasks"):
            other = task.get(f"ansible.builtin.{action}")
            if other:
                yield from included(role, other["file"] if isinstance(other, dict) else other)


@pytest.mark.parametrize("role", ROLES)
def test_the_tasks_of_a_role_have_its_name_as_a_tag(role: str) -> None:
    [block] = yaml.safe_load((ROOT / "roles" / role / "tasks" / "main.yml").read_text())
    assert block["tags"] == [role]
    # A tag reaches what is imported. What is included runs under every tag under which it was included.
    for name, task in included(role):
        for action in ("include_tasks", "include_role"):
            dynamic = task.get(f"ansible.builtin.{action}")
            if dynamic:
                assert dynamic["apply"] == {"tags": ["always"]}, f"{name}: {task['name']}"
