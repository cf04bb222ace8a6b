# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An include brings the files that glob(3) finds, in its order, from the folder of the file that has the line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import included, read_tree

NAMES = ["a", "b", "1", "[x]", "]", "y", "{a}", "a,b", "c d", "a*", ".hidden", "é", "B"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose own name is a pattern, with files of odd names."""
    made = tmp_path / "[ab]*{c,d}"
    (made / "sub").mkdir(parents=True)
    (made / ".sub").mkdir()
    (tmp_path / "aXc").mkdir()
    for name in (*NAMES, "sub/a", ".sub/a", "../aXc/wrong"):
        (made / f"{name}.conf").write_text("x\n")
    (made / "run.conf").touch(mode=0o755)
    return made


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.conf", ["a"]),
        ("?.conf", ["1", "B", "]", "a", "b", "y", "é"]),
        ("[a-b].conf", ["a", "b"]),
        ("[!a-z1].conf", ["B", "]", "é"]),
        ("[^a-z1].conf", ["B", "]", "é"]),
        ("[]y].conf", ["]", "y"]),
        ("[[:digit:]].conf", ["1"]),
        (r"\[x\].conf", ["[x]"]),
        (r"a\*.conf", ["a*"]),
        (r"\a.conf", ["a"]),
        ("[[]x[]].conf", ["[x]"]),
        ("{b,a}.conf", ["b", "a"]),
        ("{b,?}.conf", ["b", "1", "B", "]", "a", "b", "y", "é"]),
        ("{y,{b,1}}.conf", ["y", "b", "1"]),
        (r"\{a\}.conf", ["{a}"]),
        (r"a{\,b,}.conf", ["a,b", "a"]),
        ("c d.conf", ["c d"]),
        (".hidden.conf", [".hidden"]),
        (".*.conf", [".hidden"]),
        ("*/a.conf", ["sub/a"]),
        ("**/a.conf", ["sub/a"]),
        ("../aXc/*.conf", ["../aXc/wrong"]),
        ("none.conf", []),
        ("[a.conf", []),
    ],
)
def test_a_pattern_finds_what_glob_finds(folder: Path, pattern: str, names: list[str]) -> None:
    assert included(pattern, str(folder)) == [(f"{folder}/{name}.conf", "x\n") for name in names]


@pytest.mark.parametrize(("pattern", "path"), [("run.conf", "run.conf"), ("sub", "sub/"), ("{run.conf,x}", "run.conf")])
def test_what_keepalived_skips_has_no_text(folder: Path, pattern: str, path: str) -> None:
    assert included(pattern, str(folder)) == [(f"{folder}/{path}", None)]


@pytest.mark.parametrize(
    ("line", "rule", "ends"),
    [
        ("include none.conf", "include-empty", False),
        ("includer none.conf", "include-empty", False),
        ("includem none.conf", "include-empty", True),
        ("includew none.conf", "include-empty", True),
        ("includeb none.conf", "include-empty", False),
        ("includea none.conf", "include-empty", True),
        ("include none*.conf", "include-empty", False),
        ("includem none*.conf", "include-empty", False),
        ("includew none*.conf", "include-empty", True),
        ("includea none*.conf", "include-empty", True),
        ("include run.conf", "include-skipped", False),
        ("includer run.conf", "include-skipped", True),
        ("includeb sub", "include-skipped", True),
    ],
)
def test_an_include_that_must_bring_files_ends_the_reading(folder: Path, line: str, rule: str, ends: bool) -> None:
    text = f"{line}\nglobal_defs {{\nodd\n}}\nvrrp_instance A {{\nodd\n}}\n"
    found = [(one.rule, one.severity) for one in expand(text, f"{folder}/k.conf", included).findings]
    assert found[:2] == [(rule, "error" if ends else "warning"), ("keyword-unknown", "error")]
    assert len(found) == (2 if ends else 3)


def test_a_star_finds_no_hidden_file(folder: Path) -> None:
    found = [os.path.basename(path) for path, text in included("*.conf", str(folder)) if text is not None]
    assert found == sorted(f"{name}.conf" for name in NAMES if name != ".hidden")


def test_a_name_may_be_any_bytes(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.conf"
    with open(path, "w") as file:
        file.write("x\n")
    ((found, _text),) = included("*.conf", str(tmp_path))
    assert os.fsencode(found) == path


def test_a_pattern_of_many_braces_is_no_tower_of_calls(tmp_path: Path) -> None:
    (tmp_path / ("a" * 200)).write_text("x\n")
    assert len(included("{a}" * 200, str(tmp_path))) == 1


def test_a_pattern_is_seen_from_the_file_that_has_it(folder: Path) -> None:
    main = folder / "keepalived.conf"
    main.write_text("include sub/b.conf\n")
    (folder / "sub/b.conf").write_text("include {c,a}.conf\n")
    assert [str(block.position) for block in read_tree(str(main)).blocks] == [f"{folder}/sub/a.conf:1"]
