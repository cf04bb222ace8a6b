# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other Pythons of this machine, and the other versions of ansible-core, that the tests run with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from lab.command import LAB_DIRECTORY, ROOT, LabError, run

__all__ = ("CORES", "PYTHONS", "ensure_core", "ensure_python", "pythons")

PYTHONS = tuple(f"3.{minor}" for minor in range(7, 14))
"""What a managed host may have: from the oldest that ansible-core 2.17 supports there."""

CORES = {"2.17": "2.17.*", "newest": ""}
"""The oldest ansible-core that the collection supports, and the newest that there is."""


def pythons() -> dict[str, str]:
    """Return version and program of every Python of PYTHONS that this machine has and that runs."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {}
    for version in PYTHONS:
        programs = [shutil.which(f"python{version}"), *map(str, sorted(home.glob(f"{version}.*/bin/python")))]
        for program in filter(None, programs):
            if _is(program, version):
                found[version] = program
                break
    return found


def ensure_python(version: str, program: str) -> Path:
    """Return the interpreter of an environment of this Python with what the tests need; made where it is not there."""
    home = LAB_DIRECTORY / "pythons" / version
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        run(program, "-m", "venv", str(home))
        requirements = str(ROOT / "requirements-pythons.txt")
        run(str(python), "-m", "pip", "install", "--quiet", "--requirement", requirements, timeout=300)
        (home / "complete").touch()
    return python


def ensure_core(name: str) -> Path:
    """Return the package folder ``ansible`` of this ansible-core, taken out of its wheel.

    Only the modules' side of it is used, which needs nothing else, so any Python here can fetch it.
    """
    home = LAB_DIRECTORY / "cores" / name
    if not (home / "ansible" / "release.py").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        wanted = f"ansible-core=={CORES[name]}" if CORES[name] else "ansible-core"
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.13" if not CORES[name] else "--quiet"]
        run(sys.executable, "-m", "pip", "download", "--quiet", *options, f"--dest={home}", wanted, timeout=300)
        wheels = list(home.glob("ansible_core-*.whl"))
        if not wheels:
            raise LabError(f"{wanted} cannot be had from the package index")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(home)
    return home / "ansible"


def _is(program: str, version: str) -> bool:
    """Whether the program is a Python of this version; a shim of a version manager may be an empty promise."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return False
    return done.stdout.strip() == version
