# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as it is published: built from this clone, and installed as somebody else does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.command import ROOT

__all__ = ("build", "install")

GALAXY = str(Path(sys.executable).parent / "ansible-galaxy")


def build(folder: Path) -> Path:
    """Build the collection into a folder and return the archive."""
    _galaxy(folder, "build", str(ROOT), "--force", f"--output-path={folder}")
    [archive] = folder.glob("holdfast-nginx_ha-*.tar.gz")
    return archive


def install(archive: Path, folder: Path, program: str = GALAXY) -> Path:
    """Install an archive for a user whose home this folder is; return the collections path.

    ``program`` may be the ansible-galaxy of another ansible-core.
    """
    _galaxy(folder, "install", "--offline", str(archive), program=program)
    return folder / ".ansible" / "collections"


def _galaxy(home: Path, *arguments: str, program: str = GALAXY) -> None:
    done = subprocess.run(
        [program, "collection", *arguments],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"ansible-galaxy collection {' '.join(arguments)}:\n{done.stdout}")
