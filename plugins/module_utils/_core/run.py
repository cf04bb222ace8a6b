# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which this collection starts a program. Private to this collection."""

from __future__ import annotations

import os
import subprocess
import typing as t
from dataclasses import dataclass

__all__ = ("Completed", "Runner", "run")

TIMED_OUT = 124
NOT_FOUND = 127


@dataclass(frozen=True)
class Completed:
    """A program that has ended: exit code (124: time limit, 127: no such program), output and errors as text."""

    args: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything it printed, errors last."""
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)


Runner = t.Callable[..., Completed]


def run(*args: str, timeout: float = 30.0, stdin: str = "") -> Completed:
    """Run a program without a shell, in the C locale, and return what it did; never raises for its failure.

    ``timeout`` is in seconds; the program is killed when it is over.
    """
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            args,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        printed = (error.stderr or b"").decode(errors="replace")
        return Completed(args, TIMED_OUT, "", f"{printed}\n{args[0]} did not end within {timeout:g} s".strip())
    except FileNotFoundError:
        return Completed(args, NOT_FOUND, "", f"{args[0]} is not installed")
    return Completed(args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
