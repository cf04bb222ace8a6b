# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom, and that no public name is left that nobody uses."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COLLECTION = "ansible_collections.holdfast.nginx_ha."
UTILS = "plugins.module_utils."
# A package imports only from those in a column before its own.
COLUMNS = (
    ("_core",),
    ("_system", "_schema"),
    ("_transaction", "_vrrp", "_probe"),
    ("_nginx", "_keepalived", "_firewall"),
    ("_agent",),
    ("_delivery", "_httpd", "_content"),
    ("_firewall_setup",),
    ("_host",),
)
MAY: dict[str, set[str]] = {
    name: {other for column in COLUMNS[:index] for other in column}
    for index, column in enumerate(COLUMNS)
    for name in column
}
MAY["_agent"] -= {
    "_schema",
    "_nginx",
    "_httpd",
    "_content",
    "_keepalived",
    "_probe",
}  # it has to be small, and starts with every host
SOURCES = sorted(path for path in (ROOT / "plugins").rglob("*.py") if "__pycache__" not in path.parts)
# Whatever may use a public name: product, tests, tasks and templates.
USERS = {
    path: set(re.findall(r"\w+", path.read_text()))
    for folder in ("plugins", "roles", "tests", "molecule", "playbooks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".yml", ".j2") and "__pycache__" not in path.parts
}


def imported(path: Path) -> t.Iterator[str]:
    """Yield the dotted name, below the collection, of every module that a file imports from it."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                yield ".".join([*package[: -node.level], *filter(None, [module])])
            elif module.startswith(COLLECTION):
                yield module[len(COLLECTION) :]


def room(dotted: str) -> str:
    """Return the package of module_utils that a dotted name is in, empty where it is elsewhere."""
    return dotted[len(UTILS) :].partition(".")[0] if dotted.startswith(UTILS) else ""


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_package_imports_only_from_those_before_it(name: str) -> None:
    for path in (ROOT / "plugins" / "module_utils" / name).rglob("*.py"):
        for dotted in imported(path):
            assert room(dotted) in {name, *MAY[name]}, f"{path.relative_to(ROOT)} imports {dotted}"


def test_every_package_has_its_place() -> None:
    folders = {path.name for path in (ROOT / "plugins" / "module_utils").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(MAY)


@pytest.mark.parametrize("folder", ["modules", "action", "filter"])
def test_no_plugin_imports_another(folder: str) -> None:
    for path in (ROOT / "plugins" / folder).glob("*.py"):
        for dotted in imported(path):
            assert dotted.startswith((UTILS, "plugins.plugin_utils.")), f"{path.relative_to(ROOT)} imports {dotted}"


def test_what_runs_on_hosts_imports_nothing_of_the_controller() -> None:
    for folder in ("modules", "module_utils"):
        for path in (ROOT / "plugins" / folder).rglob("*.py"):
            for dotted in imported(path):
                assert not dotted.startswith("plugins.plugin_utils"), f"{path.relative_to(ROOT)} imports {dotted}"


def public(path: Path) -> list[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if public(path)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_public_name_is_used_elsewhere(path: Path) -> None:
    unused = [name for name in public(path) if not any(name in words for user, words in USERS.items() if user != path)]
    assert not unused, f"take it out of __all__, or away: {', '.join(unused)}"


@pytest.mark.parametrize("page", ["architecture.md", "architecture.svg"])
def test_the_architecture_shows_every_package(page: str) -> None:
    text = re.sub(r"</text>\s*<text[^>]*>(?=_setup)", "", (ROOT / "docs" / "developing" / page).read_text())
    shown = set(re.findall(r"(?<![\w/])_[a-z]+(?:_[a-z]+)*\b", text))
    assert shown == set(MAY)
