# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-core of another version, whole and in an environment of its own, as somebody else has it."""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path

from lab.command import LAB_DIRECTORY, run
from runner.interpreters import search_path

__all__ = ("CORES", "controller", "python_of")

CORES: dict[str, str] = {"2.17": "ansible-core==2.17.*", "newest": "ansible-core"}
"""The oldest ansible-core that the collection supports, and the newest that there is, as pip is asked for it."""

PYTHONS: dict[str, tuple[str, ...]] = {"2.17": ("3.12", "3.11", "3.10"), "newest": ("3.14", "3.13", "3.12")}
"""The Pythons on which a controller of this version runs, the best first."""


def controller(version: str) -> Path:
    """Return the folder with the programs of this ansible-core; made where it is not there.

    Where this machine has no Python for the newest one, that is the newest that its Python can run.
    """
    home = LAB_DIRECTORY / "controllers" / version
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(home.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            run(_interpreter(version), "-m", "venv", str(home))
            pip = (str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            run(*pip, CORES[version], timeout=300)
            (home / "complete").touch()
    return home / "bin"


def python_of(version: str) -> str:
    """Return the version of the Python that this controller has, such as 3.12."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return run(str(controller(version) / "python"), "-c", code).strip()


def _interpreter(version: str) -> str:
    programs = (shutil.which(f"python{one}", path=search_path()) for one in PYTHONS[version])
    return next(filter(None, programs), sys.executable)
