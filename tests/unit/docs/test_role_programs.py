# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the keepalived role installs for a program are those that it imports, and run on an old Python."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest
import yaml
from documented import ROOT

FOLDER = ROOT / "roles" / "keepalived" / "files"
INSTALLED: dict[str, list[str]] = yaml.safe_load((ROOT / "roles/keepalived/vars/main.yml").read_text())[
    "__keepalived_program_files"
]
OLDEST = (3, 7)


def imported(file: str) -> set[str]:
    """Return the files beside this one that it needs, and those that they need."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((FOLDER / file).read_text())):
        names: t.Sequence[str] = ()
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        for name in names:
            if (FOLDER / f"{name}.py").exists():
                found |= {f"{name}.py"} | imported(f"{name}.py")
    return found


@pytest.mark.parametrize("program", sorted(INSTALLED))
def test_a_program_is_installed_with_all_that_it_imports(program: str) -> None:
    *modules, last = INSTALLED[program]
    assert last == f"holdfast-{program}.py"
    assert sorted(modules) == sorted(imported(last))


def test_nothing_is_installed_before_what_it_imports() -> None:
    order = list(dict.fromkeys(file for files in INSTALLED.values() for file in files))
    for number, file in enumerate(order):
        assert imported(file) <= set(order[:number]), file


def test_every_file_belongs_to_a_program() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == {file for files in INSTALLED.values() for file in files}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_an_old_python_reads_it(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=OLDEST)
