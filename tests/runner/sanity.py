# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-test sanity` needs: the collection as it is published, where it wants it, and pip, offline."""

from __future__ import annotations

import re
import shutil
import typing as t
from pathlib import Path

from lab.command import LAB_DIRECTORY, LabError, run
from runner.archive import install
from runner.controllers import controller

__all__ = ("Sanity", "prepare")

# ansible-test fetches a script that installs pip into each of its environments, unless it has the script already; the
# environments are made by venv, whose Python has pip on board.
BOOTSTRAP = "import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n"


class Sanity(t.NamedTuple):
    """The program, the folder in which it is started, and the home in which it keeps its environments."""

    program: Path
    folder: Path
    home: Path


def prepare(version: str, archive: Path) -> Sanity:
    """Unpack an archive for the ansible-test of an ansible-core."""
    programs = controller(version)
    home = LAB_DIRECTORY / "sanity" / version
    shutil.rmtree(home / ".ansible" / "collections", ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    folder = install(archive, home, str(programs / "ansible-galaxy")) / "ansible_collections" / "holdfast" / "nginx_ha"
    # It asks git which files there are, and the repository of this clone would say: none, all of them are ignored.
    run("git", "init", "--quiet", str(folder))
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{_pip(programs.parent).replace('.', '_')}.py").write_text(BOOTSTRAP)
    return Sanity(programs / "ansible-test", folder, home)


def _pip(environment: Path) -> str:
    """Return the version of pip that this ansible-test wants."""
    for source in environment.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"):
        found = re.search(r"\bpip='([\d.]+)'", source.read_text())
        if found:
            return found[1]
    raise LabError(f"ansible-test in {environment} does not say which pip it wants.")
