# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk-through of docs/developing/options.md: its changes applied to a copy of the tree, its commands run there."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from documented import ROOT

__all__ = ("PAGE", "Change", "Command", "apply", "changes", "commands", "copy_tree", "run")

PAGE = ROOT / "docs" / "developing" / "options.md"
BLOCK = re.compile(r"(?ms)^```(diff|console)\n(.*?)^```$")
NOT_COPIED = (".git", ".lab", ".venv", "cp", "tmp", "__pycache__", ".*_cache", ".hypothesis", "*.tar.gz")


class Change(t.NamedTuple):
    """A hunk: the file, the lines that are there, and those that come in their place."""

    file: str
    old: str
    new: str


class Command(t.NamedTuple):
    """A command, and the lines that it prints, as a pattern of fnmatch."""

    line: str
    printed: str


def _blocks(kind: str) -> t.Iterator[str]:
    yield from (text for found, text in BLOCK.findall(PAGE.read_text()) if found == kind)


def changes() -> list[Change]:
    """Return the changes of the page in their order."""
    found = []
    for text in _blocks("diff"):
        for of_a_file in re.split(r"(?m)^--- a/", text)[1:]:
            head, *hunks = re.split(r"(?m)^@@\n", of_a_file)
            file = re.findall(r"(?m)^\+\+\+ b/(.+)$", head)[0]
            for hunk in hunks:
                lines = hunk.split("\n")[:-1]
                old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
                new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
                found.append(Change(file, old, new))
    return found


def commands(prefix: str) -> list[Command]:
    """Return the commands of the page that begin so."""
    found = []
    for text in _blocks("console"):
        for part in re.split(r"(?m)^\$ ", text)[1:]:
            line, _newline, printed = part.partition("\n")
            if line.startswith(prefix):
                found.append(Command(line, re.sub(r"([\[\]*?])", r"[\1]", printed.strip()).replace("...", "*")))
    return found


def copy_tree(folder: Path) -> Path:
    """Copy the tree into this folder, without what tools have made, and return the copy."""
    copy = folder / "nginx_ha"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return copy


def apply(wanted: t.Iterable[Change], tree: Path) -> None:
    """Apply these changes; each must fit in exactly one place, and nothing of it be there already."""
    for change in wanted:
        path = tree / change.file
        text = path.read_text()
        assert text.count(change.old) == 1, (
            f"{PAGE.relative_to(ROOT)} changes lines of {change.file} that are not there as they stand on the page; "
            f"make the page follow the file:\n{change.old}"
        )
        path.write_text(text.replace(change.old, change.new))


def run(command: Command, tree: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page in a copy of the tree and return what became of it; its output is in ``stdout``."""
    own = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(tree / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(tree.parent / "local"),
        "PAGER": "cat",
        "PYTEST_ADDOPTS": "",
    }
    # What is run there finds its own copy, writes no report instead of this run, and prints without colours.
    for name in (
        "ANSIBLE_FORCE_COLOR",
        "ANSIBLE_NOCOLOR",
        "NO_COLOR",
        "COLUMNS",
        "PYTHONPATH",
        "PYTEST_XDIST_WORKER",
        "PYTEST_CURRENT_TEST",
    ):
        own.pop(name, None)
    line = " ".join([command.line, *more])
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tree,
        env=own,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if command.printed:
        assert fnmatch.fnmatchcase(done.stdout, f"*{command.printed.strip('*')}*"), f"$ {line}\n{done.stdout}"
    return done
