# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting programs, and what the lab says while it works."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

__all__ = ("LAB_DIRECTORY", "OWN_PROGRAMS", "ROOT", "LabError", "as_root", "environment", "run", "say")

ROOT = Path(__file__).resolve().parents[2]
LAB_DIRECTORY = ROOT / ".lab"
OWN_PROGRAMS = LAB_DIRECTORY / "bin"


class LabError(Exception):
    """What the lab cannot do; its text is one clear sentence for the person at the keyboard."""


def say(text: str) -> None:
    """Tell the person what is being done, at once and apart from any output proper."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """Return the environment for the programs that the lab starts: the clone's own tools first."""
    path = f"{OWN_PROGRAMS}:{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    variables = dict(os.environ, PATH=path, VIRTUAL_ENV=str(ROOT / ".venv"))
    variables.pop("PYTHONPATH", None)
    return variables


def as_root(*args: str) -> tuple[str, ...]:
    """Return the command line that runs these arguments as root."""
    return args if os.geteuid() == 0 else ("sudo", *args)


def run(*args: str, check: bool = True, timeout: float | None = None) -> str:
    """Run a program and return what it printed; LabError with its own last words when it fails and ``check``."""
    try:
        done = subprocess.run(
            args,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment(),
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise LabError(f"{args[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{_short(args)} did not end within {timeout:g} s") from error
    if check and done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "it said nothing").split("\n")
        raise LabError(f"{_short(args)} failed with {done.returncode}: " + " | ".join(words[-5:]))
    return done.stdout


def _short(args: t.Sequence[str]) -> str:
    """Return a command line as one reads it, without what only the machine needs and not too long."""
    words = [word for word in args if word not in ("sudo", "env") and not word.startswith("CONTAINERS_CONF=")]
    line = " ".join(words)
    return line if len(line) <= 100 else line[:97] + "..."
