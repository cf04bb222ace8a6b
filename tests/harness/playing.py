# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that a test plays: those of this clone on the lab, and its own with nothing but this collection."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ("ROOT", "ansible_playbook", "doctor", "play", "playbook")

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "ansible-playbook")
LIMIT = 600
FINDING = re.compile(r'^\s+"\s+\d+\. (.*)",?$', re.MULTILINE)
CLONE = ROOT / ".ansible" / "collections"


def playbook(name: str, *arguments: str, result_format: str = "yaml") -> subprocess.CompletedProcess[str]:
    """Run a playbook on the lab as a person would, and return what became of it.

    Long sentences are not wrapped in the ``result_format`` json.
    """
    plain = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": result_format,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }
    return subprocess.run(
        [PROGRAM, name, *arguments],
        cwd=ROOT,
        env={**os.environ, **plain},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def play(name: str, *arguments: str, fails: bool = False) -> str:
    """Run a playbook that must succeed, or must fail, and return what it printed."""
    done = playbook(name, *arguments)
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def doctor(*arguments: str) -> tuple[int, list[str], str]:
    """Run the doctor; return its exit code, its findings, and all that it printed."""
    done = playbook("playbooks/doctor.yml", *arguments, result_format="json")
    return done.returncode, FINDING.findall(done.stdout), done.stdout + done.stderr


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
