# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of this clone, played by a test on the lab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ("play",)

ROOT = Path(__file__).parents[2]
LIMIT = 600


def play(playbook: str, *arguments: str, fails: bool = False) -> str:
    """Play it and return what it printed; it must succeed, or must fail."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments],
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
