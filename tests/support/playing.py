# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that a test plays: those of this clone on the lab, and its own with nothing but this collection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ("ansible_playbook", "play")

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "ansible-playbook")
LIMIT = 600
CLONE = ROOT / ".ansible" / "collections"


def play(playbook: str, *arguments: str, fails: bool = False) -> str:
    """Play it and return what it printed; it must succeed, or must fail."""
    done = subprocess.run(
        [PROGRAM, playbook, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{playbook} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def ansible_playbook(folder: Path, *arguments: str, collections: Path = CLONE) -> tuple[int, str]:
    """Run ansible-playbook in a folder with nothing but this collection, that of the clone or one that was installed.

    Return the exit code and what was printed.
    """
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout
