# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/lab on machines that lack something: one sentence, before anything is changed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.command import ROOT

# What a Debian without anything of ours has, as far as the doorway calls it.
BASIC = ("bash", "dirname", "env", "mktemp", "rm", "sed", "sort", "tail")
NOBODY = "65534"


@dataclass
class Bare:
    """A clone's doorway on a machine with hardly a program on it."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.chmod(0o755)
        for path in ("bin/lab", "tests/lab/setup.sh", "requirements-dev.txt"):
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.folder / path)
        (self.folder / "path").mkdir()
        for name in BASIC:
            program = shutil.which(name)
            assert program, name
            (self.folder / "path" / name).symlink_to(program)

    def program(self, name: str, text: str) -> None:
        """Put a program on this machine."""
        path = self.folder / "path" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def source(self, command: str, *, as_nobody: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of the doorway's own functions."""
        words = [
            "bash",
            "-c",
            f"set -euo pipefail; . {self.folder}/tests/lab/setup.sh; PATH={self.folder}/path; {command}",
            "lab",
        ]
        if as_nobody and os.geteuid() == 0:
            words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words]
        return subprocess.run(words, check=False, capture_output=True, text=True)


@pytest.fixture
def bare() -> t.Iterator[Bare]:
    """Outside pytest's own folder, which other users cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bare-"))
    yield Bare(folder)
    shutil.rmtree(folder)


def test_without_root_and_sudo(bare: Bare) -> None:
    done = bare.source("need_root", as_nobody=True)
    assert done.returncode == 1
    assert done.stderr == (
        "lab: the lab needs root for its containers, and there is no sudo here: run this as root, or install sudo.\n"
    )


def test_where_sudo_refuses(bare: Bare) -> None:
    bare.program("sudo", "exit 1")
    done = bare.source("need_root", as_nobody=True)
    assert done.returncode == 1
    assert "sudo refuses this user: run this as root, or allow the user to use sudo." in done.stderr


def test_without_a_container_runtime_and_apt(bare: Bare) -> None:
    done = bare.source("need_packages")
    assert done.returncode == 1
    assert done.stderr.startswith("lab: the container runtime of the lab: ")
    assert "podman" in done.stderr
    assert "there is no apt-get here: install the equivalents" in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_apt_cannot_install(bare: Bare) -> None:
    bare.program("apt-get", "echo 'E: Unable to locate package podman'; exit 100")
    bare.program("sudo", '"$@"')
    done = bare.source("need_packages")
    assert done.returncode == 1
    said = done.stderr.strip().split("\n")
    assert said[0].startswith("lab: installing ")
    assert said[1] == "E: Unable to locate package podman"
    assert said[-1].endswith("put its package source right, or install them by hand, then run this again.")


def test_nothing_is_installed_where_all_is_there(bare: Bare) -> None:
    bare.program("apt-get", "echo called >&2; exit 1")
    for name in ("podman", "runc", "crun", "ssh-keygen", "iptables", "ip", "gpg", "gpg-agent"):
        bare.program(name, "")
    done = bare.source("have_helper() { true; }; [[ -e /etc/ssl/certs/ca-certificates.crt ]] || exit 0; need_packages")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("script", "usable"),
    [
        (f'exec {sys.executable} "$@"', True),
        ("exit 1", False),  # without venv or ensurepip, or of another version
        ("echo 'pyenv: python3: command not found' >&2; exit 127", False),
    ],
)
def test_a_python_is_taken_only_where_it_can_make_the_environment(bare: Bare, script: str, usable: bool) -> None:
    bare.program("python3", script)
    assert (bare.source("usable_python python3").returncode == 0) is usable


def test_without_a_usable_python_and_apt(bare: Bare) -> None:
    done = bare.source("find_python() { return 1; }; need_venv")
    assert done.returncode == 1
    assert done.stderr.startswith("lab: Python and its venv module: python3 python3-venv cannot be installed")


def test_an_environment_that_is_up_to_date_is_left_alone(bare: Bare) -> None:
    (bare.folder / ".venv/bin").mkdir(parents=True)
    python = bare.folder / ".venv/bin/python"
    python.write_text("#!/bin/bash\necho called >&2; exit 1\n")
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements-dev.txt", bare.folder / ".venv/.requirements")
    assert bare.source("need_venv").returncode == 0
    (bare.folder / "requirements-dev.txt").write_text("other==1\n")
    bare.program("python3", "exit 1")
    assert bare.source("find_python() { return 1; }; need_venv").returncode == 1


def test_pip_that_fails_is_not_taken_for_done(bare: Bare) -> None:
    (bare.folder / ".venv/bin").mkdir(parents=True)
    python = bare.folder / ".venv/bin/python"
    python.write_text(
        '#!/bin/bash\n[[ $* == *--version* ]] && exit 0\necho "ERROR: No matching distribution" >&2; exit 1\n'
    )
    python.chmod(0o755)
    done = bare.source("find_python() { echo python3; }; need_venv")
    assert done.returncode == 1
    assert "ERROR: No matching distribution" in done.stderr
    assert "put the network or pip's package index right" in done.stderr
    assert not (bare.folder / ".venv/.requirements").exists()
