# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a task of the roles and playbooks can fail ends in a sentence of ours.

Modules and plugins of this collection fail in sentences. Others do not: their tasks stand in a block whose rescue makes
one of what they say. What judges a result has its own words, and `failed_when` and `until`, which have none
("Unknown error"), judge nothing.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml"), ROOT / "site.yml"])
KEYWORDS = {
    "any_errors_fatal become changed_when check_mode delegate_to diff failed_when ignore_unreachable loop loop_control",
    "name no_log notify register retries delay run_once tags until vars when ignore_errors environment timeout",
}
NOT_MODULES = {word for line in KEYWORDS for word in line.split()}
# They do nothing that can fail but for a template, of which Ansible names file, line and variable.
HARMLESS = {"debug", "set_fact", "group_by", "pause", "import_playbook", "include_role", "import_role", "meta"}
INCLUDES = ("include_tasks", "import_tasks")
# Where the rescue is no fail task, the failure is judged by what follows.
JUDGED_LATER = {
    "roles/keepalived/tasks/move_look.yml": "a node that cannot be tested takes no address: planned_move says why",
}
NOT_RUN = {
    (
        "roles/keepalived/tasks/stage.yml",
        "Tell the watcher what to watch",
    ): "nothing is written while a change is staged",
}

Task = t.Dict[str, t.Any]


class Found(t.NamedTuple):
    """A task, the file it stands in, the entry by which it is run, and whether its failure becomes a sentence."""

    task: Task
    file: str
    entry: str
    rescued: bool

    @property
    def action(self) -> str:
        return next(name for name in self.task if name not in NOT_MODULES)

    def __str__(self) -> str:
        return f"{self.file}: {self.task.get('name')}"


def module(task: Task) -> str:
    return next(name for name in task if name not in NOT_MODULES)


def short(task: Task) -> str:
    return module(task).removeprefix("ansible.builtin.")


def says(rescue: list[Task]) -> bool:
    """Whether a rescue ends in a sentence."""
    return any(short(task) == "fail" and len(task[module(task)].get("msg", "")) > 20 for task in rescue)


def walk(tasks: list[Task], file: Path, entry: str, rescued: bool) -> t.Iterator[Found]:
    name = str(file.relative_to(ROOT))
    for task in tasks:
        if "block" in task:
            covered = rescued or says(task.get("rescue", [])) or ("rescue" in task and name in JUDGED_LATER)
            yield from walk(task["block"], file, entry, covered)
            for part in ("rescue", "always"):
                yield from walk(task.get(part, []), file, entry, rescued)
        elif short(task) in INCLUDES:
            included = task[module(task)]
            other = file.parent / (included["file"] if isinstance(included, dict) else included)
            yield from walk(yaml.safe_load(other.read_text()), other, entry, rescued)
        else:
            yield Found(task, name, entry, rescued)


def entries() -> t.Iterator[tuple[list[Task], Path]]:
    """Yield what is run as a whole: plays, the main file of each role, and those that include_role names."""
    named = {"main"}
    for file in FILES:
        data = yaml.safe_load(file.read_text())
        text = file.read_text()
        named |= {line.split(":")[1].strip() for line in text.split("\n") if "tasks_from:" in line}
        if file.parent.name != "tasks":
            for play in data:
                for part in ("pre_tasks", "tasks", "post_tasks"):
                    yield play.get(part, []), file
    for file in FILES:
        if file.parent.name == "tasks" and file.stem in named:
            yield yaml.safe_load(file.read_text()), file


ALL = [found for tasks, file in entries() for found in walk(tasks, file, str(file.relative_to(ROOT)), False)]


def test_every_file_of_tasks_is_looked_at() -> None:
    roles = ("backend/tasks/main", "keepalived/tasks/main", "keepalived/tasks/prove", "keepalived/tasks/stage")
    only_includes = {"site.yml", *(f"roles/{name}.yml" for name in roles)}
    named = {str(file.relative_to(ROOT)) for file in FILES}
    assert named - {found.file for found in ALL} <= only_includes
    assert len(ALL) > 100


@pytest.mark.parametrize("found", ALL, ids=str)
def test_a_failure_ends_in_a_sentence(found: Found) -> None:
    task, action = found.task, short(found.task)
    assert "until" not in task, f"{found}: until ends without a word; let a module wait and say what it waited for"
    assert "ignore_errors" not in task, f"{found}: what is ignored is printed as a failure"
    assert task.get("failed_when", False) is False, f"{found}: failed_when judges without a word; use assert"
    if action == "assert":
        assert len(task[module(task)].get("fail_msg", "")) > 10, f"{found} has no fail_msg"
    elif action == "fail":
        assert len(task[module(task)].get("msg", "")) > 20, f"{found} has no msg"
    elif action in HARMLESS or action.startswith("holdfast.nginx_ha."):
        pass
    elif task.get("failed_when") is False or (task.get("ignore_unreachable") and "register" in task):
        pass  # it is judged by what follows
    else:
        known = found.rescued or (found.entry, task["name"]) in NOT_RUN
        assert known, f"{found} fails in the words of {action}: put it into a block with a rescue that says a sentence"


TOLD = sorted([*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")])
PLAYBOOK = re.compile(rf"(?:playbooks/)?\b(?:{'|'.join(path.stem for path in ROOT.glob('playbooks/*.yml'))})\.yml\b")


@pytest.mark.parametrize("file", TOLD, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_playbook_is_told_by_the_name_that_can_be_typed(file: Path) -> None:
    """Who has installed the collection sees no folder of playbooks; holdfast.nginx_ha.NAME works in a clone as well."""
    lines = [line for line in file.read_text().split("\n") if not line.lstrip().startswith("#")]
    # A file of tasks may be called as a playbook is.
    text = "\n".join(line for line in lines if not re.search(r"(import_playbook|_tasks|file): ", line))
    assert PLAYBOOK.findall(text) == []
    assert not re.search(r"\bdocs/[\w/]+\.md\b", text), "the folder docs is not where the person is"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_failed_is_told_in_one_line(file: Path) -> None:
    """A message that quotes another one does so through the filter, which makes a line of whatever it is."""
    for line in file.read_text().split("\n"):
        if "ansible_failed_result" in line:
            assert ".msg" not in line, f"{file.name}: {line.strip()}"
