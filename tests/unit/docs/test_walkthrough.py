# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who follows docs/developing/options.md gets two options that are rendered, refused when wrong, and documented."""

from __future__ import annotations

from pathlib import Path

import pytest
from walkthrough import Command, apply, changes, commands, copy_tree, run


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copy_tree(tmp_path_factory.mktemp("changed"))
    apply(changes(), tree)
    return tree


@pytest.mark.parametrize("command", commands("pytest tests/unit"), ids=lambda command: command.line)
def test_the_tests_pass_after_the_changes(changed: Path, command: Command) -> None:
    done = run(command, changed, "-q", "-n0")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", commands("ansible"), ids=lambda command: command.line)
def test_a_command_prints_what_the_page_shows(changed: Path, command: Command) -> None:
    run(command, changed)


@pytest.mark.parametrize("folder", ["plugins/module_utils/", "plugins/doc_fragments/"])
def test_no_change_of_the_product_can_be_left_out(tmp_path: Path, folder: str) -> None:
    tree = copy_tree(tmp_path)
    apply([change for change in changes() if not change.file.startswith(folder)], tree)
    assert run(Command("pytest tests/unit/docs/test_options_documented.py", ""), tree, "-q", "-n0").returncode == 1
