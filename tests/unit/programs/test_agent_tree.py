# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent consists of what its parts import, comes to a host whole, and each part loads no more than it needs."""

from __future__ import annotations

import ast
import compileall
import json
import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import parts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.delivery import (
    Delivery,
    deliver,
    units_of_agent,
    withdraw,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.tree import Tree
from delivered import part
from documented import ROOT

UTILS = ROOT / "plugins" / "module_utils"
TREE = Tree.of_this_collection()
OLDEST = (3, 7)
MAIN, PARTS = "__main__.py", "holdfast/_agent/parts.py"
WATCHER_ALONE = "holdfast/_agent/watcher/silence.py"
SHARED = "holdfast/_agent/service.py"
MODULES = {
    name: f"holdfast._agent.{name}.main" if (UTILS / "_agent" / name).is_dir() else f"holdfast._agent.{name}"
    for name in parts.__all__
}


def changed(path: str) -> Tree:
    """Return the agent of another version, which differs in one file."""
    return Tree({**TREE.files, path: TREE.files[path] + "# another version\n"}, TREE.parts)


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Delivery]:
    """Deliver a tree to a folder."""

    def bring(tree: Tree = TREE, *, check: bool = False) -> Delivery:
        monkeypatch.setattr(Tree, "of_this_collection", lambda: tree)
        return deliver(str(tmp_path / "lib"), check=check)

    return bring


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


# What it consists of


def test_every_file_of_the_agent_is_delivered() -> None:
    there = {f"holdfast/{path.relative_to(UTILS)}" for path in (UTILS / "_agent").rglob("*.py")}
    delivered = {path for path in TREE.files if path.startswith("holdfast/_agent/")}
    assert there - {"holdfast/_agent/start.py"} == delivered
    assert TREE.files[MAIN] == (UTILS / "_agent/start.py").read_text()
    assert {path: (UTILS / path.partition("/")[2]).read_text() for path in TREE.files if path != MAIN} == {
        path: text for path, text in TREE.files.items() if path != MAIN
    }


def test_of_the_rest_only_what_is_as_simple_comes_with_it() -> None:
    others = {path.split("/")[1] for path in TREE.files if path != MAIN and not path.startswith("holdfast/_agent/")}
    assert others == {"__init__.py", "_core", "_firewall", "_system", "_transaction", "_vrrp"}
    assert {path for path in TREE.files if path.startswith("holdfast/_transaction/")} == {
        "holdfast/_transaction/__init__.py",
        "holdfast/_transaction/settle.py",
    }


def modules_of(path: str) -> dict[str, list[int]]:
    """Return the modules that a file imports by their places, as Python understands it, and in which columns."""
    found: dict[str, list[int]] = {}
    for node in ast.walk(ast.parse(TREE.files[path])):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = [*path.split("/")[: -node.level], *(node.module or "").split(".")]
            for name in node.names:
                for module in ("/".join(filter(None, place)), "/".join([*filter(None, place), name.name])):
                    if f"{module}.py" in TREE.files:
                        found.setdefault(f"{module}.py", []).append(node.col_offset)
        assert not isinstance(node, ast.ImportFrom) or "ansible" not in (node.module or ""), path
    return found


MAY_IMPORT = {
    "_agent": {"_agent", "_core", "_firewall", "_system", "_transaction", "_vrrp"},
    "_system": {"_system"},
    "_firewall": {"_firewall", "_vrrp"},
    "_transaction": set(),
    "_core": {"_core"},
    "_vrrp": set(),
}


def test_imports_go_in_one_direction() -> None:
    for path in TREE.files:
        for other in modules_of(path):
            package, imported = (each.split("/")[1].partition(".")[0] for each in (path, other))
            assert imported in MAY_IMPORT[package], (path, other)
            inside = {each.split("/")[2] for each in (path, other) if each.count("/") == 3 and package == "_agent"}
            assert len(inside) < 2 or imported != "_agent", "no part imports from another"


def test_a_part_consists_of_what_it_imports() -> None:
    wanted: dict[str, set[str]] = {}
    for function in ast.parse(TREE.files[PARTS]).body:
        if isinstance(function, ast.FunctionDef):
            [node] = [node for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
            start = f"holdfast/_agent/{(node.module or '').replace('.', '/')}.py"
            found, ahead = {MAIN, PARTS}, [start]
            while ahead:
                path = ahead.pop()
                ahead += [one for one in modules_of(path) if one not in found]
                found.add(path)
            wanted[function.name] = found
    loaded = {name: {path for path in paths if not path.endswith("__init__.py")} for name, paths in TREE.parts.items()}
    assert loaded == wanted
    assert sorted(loaded) == sorted(parts.__all__)


@pytest.mark.parametrize("name", parts.__all__)
def test_a_part_loads_that_and_nothing_else(name: str) -> None:
    code = f"""if True:
        import json, sys
        sys.path.insert(0, sys.argv[1])
        import holdfast._agent.parts, {MODULES[name]}
        files = [one.__file__ for name, one in sys.modules.items() if name.partition(".")[0] == "holdfast"]
        print(json.dumps(files))
    """
    agent = part(name)[4]
    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code, agent], stdout=subprocess.PIPE, check=True)
    files = {os.path.relpath(path, agent) for path in json.loads(done.stdout)}
    assert files | {MAIN} == set(TREE.parts[name])


def test_what_runs_imports_nothing_of_its_own_later() -> None:
    """By then its tree may be gone."""
    for path in TREE.files:
        columns = [column for found in modules_of(path).values() for column in found]
        assert path == PARTS or not any(columns), path


@pytest.mark.parametrize("path", sorted(TREE.files))
def test_an_old_python_reads_it(path: str) -> None:
    ast.parse(TREE.files[path], feature_version=OLDEST)


# How it is started


def test_a_part_of_another_name_is_refused() -> None:
    done = subprocess.run(part("no_such_part"), stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"agent detector|fetcher|firewall|guard|notifier|publisher|restore|supervisor|watcher" in done.stderr


def test_a_part_imports_from_one_tree_though_the_link_is_moved(
    tmp_path: Path, bring: t.Callable[..., Delivery]
) -> None:
    link, other = str(tmp_path / "lib" / "agent"), str(tmp_path / "other")
    moves = f"import annotations\nimport os\nos.replace({other!r}, {link!r})\n"
    text = TREE.files[PARTS].replace("import annotations\n", moves)
    bring(Tree({**TREE.files, PARTS: text}, TREE.parts))
    (tmp_path / "other").symlink_to("nowhere")
    done = subprocess.run([sys.executable, "-I", "-S", "-B", link, "supervisor", "0", "true"], check=False)
    assert done.returncode == 0
    assert os.readlink(link) == "nowhere"


# How it comes to a host


def test_it_is_brought_whole_and_then_nothing_is_done(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    first = bring()
    assert (first.changed, sorted(first.parts), first.before) == (True, sorted(parts.__all__), "")
    tree = tmp_path / "lib" / TREE.name
    assert os.readlink(tmp_path / "lib" / "agent") == TREE.name
    there = {str(path.relative_to(tree)): path for path in tree.rglob("*.py")}
    assert {path: file.read_text() for path, file in there.items()} == dict(TREE.files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in there.values()} == {0o644}
    assert all(Path(path).is_file() for paths in first.paths.values() for path in paths)
    before = listing(tmp_path)
    again = bring()
    assert (again.changed, again.parts, again.paths) == (False, [], first.paths)
    assert listing(tmp_path) == before


def test_who_only_asks_changes_nothing(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    asked = bring(check=True)
    assert list(tmp_path.iterdir()) == []
    assert asked == bring()
    before = listing(tmp_path)
    asked = bring(changed(WATCHER_ALONE), check=True)
    assert listing(tmp_path) == before
    assert asked == bring(changed(WATCHER_ALONE))


@pytest.mark.parametrize(
    ("path", "loaded"),
    [
        (WATCHER_ALONE, ["watcher"]),
        ("holdfast/_vrrp/frames.py", ["detector"]),
        (SHARED, ["detector", "fetcher", "firewall", "notifier", "publisher", "restore", "watcher"]),
        (MAIN, list(parts.__all__)),
    ],
)
def test_a_part_is_named_when_something_that_it_loads_has_changed(
    bring: t.Callable[..., Delivery], path: str, loaded: list[str]
) -> None:
    bring()
    delivery = bring(changed(path))
    assert list(delivery.parts) == loaded
    lines = set(delivery.before.split("\n")) ^ set(delivery.after.split("\n"))
    assert {line.split()[0] for line in lines} == {path}


def test_what_has_not_changed_keeps_its_time(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    """So a service is stale only where something that it loads is newer than its start."""
    delivery = bring()
    for path in delivery.paths["watcher"]:
        os.utime(path, (1000, 1000))
    bring(changed(WATCHER_ALONE))
    new = {path for path in delivery.paths["watcher"] if os.stat(path).st_mtime != 1000}
    assert new == {str(tmp_path / "lib" / "agent" / WATCHER_ALONE)}
    bring()
    assert {path for path in delivery.paths["watcher"] if os.stat(path).st_mtime != 1000} == new, "back, and new again"


def test_two_trees_are_kept(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    for path in (WATCHER_ALONE, SHARED, MAIN):
        bring(changed(path))
    (tmp_path / "lib" / "of_somebody_else").mkdir()
    bring()
    assert {path.name for path in (tmp_path / "lib").iterdir()} == {
        "agent",
        TREE.name,
        changed(MAIN).name,
        "of_somebody_else",
    }


def test_damage_is_put_right(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    bring()
    tree = tmp_path / "lib" / TREE.name
    (tree / WATCHER_ALONE).write_text("# edited by hand\n")
    (tree / "holdfast/_transaction/settle.py").unlink()
    (tree / "json.py").write_text("")
    assert list(bring(check=True).parts) == ["detector", "watcher"]
    assert list(bring().parts) == ["detector", "watcher"]
    assert not bring().changed
    assert {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")} == dict(TREE.files)


def test_what_is_compiled_holds_as_long_as_its_source(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    bring()
    supervisor = tmp_path / "lib" / "agent" / "holdfast/_agent/supervisor.py"
    assert list((supervisor.parent / "__pycache__").glob("supervisor.*.pyc"))
    command = [sys.executable, "-I", "-S", "-B", str(tmp_path / "lib" / "agent"), "supervisor", "0", "true"]
    assert subprocess.run(command, check=False).returncode == 0
    times = os.stat(supervisor)
    supervisor.write_text(supervisor.read_text() + "raise SystemExit(7)\n")
    os.utime(supervisor, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert subprocess.run(command, check=False).returncode == 7


def test_a_delivery_that_was_cut_short_is_made_anew(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    bring()
    half = tmp_path / "lib" / changed(SHARED).name / "holdfast"
    half.mkdir(parents=True)
    (half / "half.py").write_text("")
    bring(changed(SHARED))
    assert not (half / "half.py").exists()
    assert (tmp_path / "lib" / "agent" / SHARED).read_text().endswith("# another version\n")


class Killed(BaseException):
    """As by a signal, between two steps."""


@pytest.mark.parametrize("step", ["rename", "link", "compile_dir", "fsync", "symlink"])
def test_one_that_is_killed_leaves_a_whole_tree_and_is_finished_by_the_next(
    tmp_path: Path, bring: t.Callable[..., Delivery], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_args: object, **_more: object) -> None:
        raise Killed

    bring()
    wanted = changed(SHARED)
    with monkeypatch.context() as patch:
        patch.setattr(compileall if step == "compile_dir" else os, step, killed)
        with pytest.raises(Killed):
            bring(wanted)
    tree = (tmp_path / "lib" / "agent").resolve()
    there = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")}
    assert there == dict(TREE.files)
    bring(wanted)
    tree = (tmp_path / "lib" / "agent").resolve()
    assert {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")} == dict(wanted.files)


def test_what_is_in_the_way_is_named(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    (tmp_path / "lib" / "agent" / "of_somebody").mkdir(parents=True)
    with pytest.raises(HoldfastError, match="lib/agent is no symbolic link to the agent: move it away"):
        bring()


def test_a_folder_has_to_be_said_from_the_root() -> None:
    with pytest.raises(HoldfastError, match="folder: programs is no absolute path"):
        deliver("programs", check=False)


def test_it_goes_when_nothing_starts_it(tmp_path: Path, bring: t.Callable[..., Delivery]) -> None:
    bring()
    units = tmp_path / "units"
    units.mkdir()
    link = str(tmp_path / "lib" / "agent")
    (units / "holdfast-watcher.service").write_text(f"[Service]\nExecStart=/usr/bin/python3 {link} watcher\n")
    (units / "holdfast-notify.socket").write_text("[Socket]\n")
    assert units_of_agent(str(tmp_path / "lib"), str(units)) == {"holdfast-watcher.service"}
    assert withdraw(str(tmp_path / "lib"), check=True) == [link]
    assert os.path.exists(link)
    assert withdraw(str(tmp_path / "lib"), check=False) == [link]
    assert not (tmp_path / "lib").exists()
    assert withdraw(str(tmp_path / "lib"), check=False) == []
