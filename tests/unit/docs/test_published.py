# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published is what a user needs, all of it and nothing else."""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from documented import ROOT

from harness.playing import ansible_playbook
from runner.archive import build

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
NEEDED = re.compile(
    r"""
    (MANIFEST|FILES)\.json | README\.md | LICENSE | CHANGELOG\.md | changelogs/changelog\.yaml
    | meta/(runtime|execution-environment)\.yml
    | playbooks/(tasks/)?\w+\.yml
    | plugins/(\w+/)+\w+\.py
    | roles/\w+/(README\.md | (defaults|handlers|meta|tasks|vars)/\w+\.yml | (templates|files)/[\w.-]+)
    | docs/[\w-]+\.svg | docs/using/[\w-]+\.(md|svg)
    # The examples, which can be copied.
    | inventory/(?!lab/)(reference/)?[\w-]+/(hosts\.yml | (group|host)_vars/(all/)?[\w-]+\.yml)
    """,
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the files of the archive."""
    with tarfile.open(build(tmp_path_factory.mktemp("built"))) as archive:
        return {member.name for member in archive.getmembers() if not member.isdir()}


def test_nothing_is_published_that_no_user_needs(names: set[str]) -> None:
    assert sorted(name for name in names if not NEEDED.fullmatch(name)) == []


def test_all_that_a_user_needs_is_published(names: set[str]) -> None:
    folders = ("docs", "inventory", "meta", "playbooks", "plugins", "roles")
    files = [str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert sorted(name for name in files if NEEDED.fullmatch(name) and name not in names) == []
    assert {"MANIFEST.json", "README.md", "playbooks/site.yml", "meta/execution-environment.yml"} <= names


def test_a_link_of_a_published_page_leads_to_what_is_published(names: set[str]) -> None:
    dead = []
    for name in sorted(name for name in names if name.endswith(".md")):
        text = re.sub(r"(?ms)^```.*?^```", "", (ROOT / name).read_text())
        for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", text):
            path = os.path.normpath(f"{os.path.dirname(name)}/{target}").lstrip("/")
            if path not in names and not any(other.startswith(f"{path}/") for other in names):
                dead.append(f"{name}: {target}")
    assert dead == []


def test_an_execution_environment_gets_no_packages(names: set[str]) -> None:
    # ansible-builder takes requirements.txt and bindep.txt from the root, and what the one file in meta names.
    assert names.isdisjoint({"requirements.txt", "bindep.txt", "test-requirements.txt"})
    assert not yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text())["dependencies"]


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"] == {"all": MODULES}


def test_defaults_for_all_modules_can_be_set_at_once(tmp_path: Path) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/holdfast.nginx_ha.all": {"name": "from the defaults"}},
        "tasks": [{"holdfast.nginx_ha.nginx_upstream": {"servers": [{"address": "192.0.2.1"}]}, "check_mode": True}],
        "vars": {"ansible_python_interpreter": sys.executable},
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    _code, printed = ansible_playbook(tmp_path, "play.yml")
    assert "from the defaults" in printed, printed
