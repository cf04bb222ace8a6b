# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several labs side by side: each has a number, and its names, state and network follow from it.

Lab 0 is on the machine's own network. Every other has a network namespace of its own, so all of them use the same
addresses, and an inventory or a test need not know in which one it works.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab.command import LAB_DIRECTORY, ROOT, LabError, run

__all__ = ("HOME", "LABEL", "NAME", "NUMBER", "enter", "inside", "leave", "name_of", "outside", "variables")

VARIABLE = "HOLDFAST_LAB"
NAMESPACES = Path("/run/netns")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 100):
        sys.exit(f"lab: {VARIABLE}={text}: the number of a lab is 0 to 99; set it to one of these, or not at all.")
    return int(text)


def name_of(number: int) -> str:
    """Return the name of a lab, with which its containers, network, namespace and lock begin."""
    return f"holdfast-lab-{number}" if number else "holdfast-lab"


NUMBER = _number(os.environ.get(VARIABLE, "0"))
NAME = name_of(NUMBER)
LABEL = f"holdfast.lab-{NUMBER}" if NUMBER else "holdfast.lab"
# What a lab keeps in the clone beside what all of them share.
HOME = LAB_DIRECTORY / f"lab-{NUMBER}" if NUMBER else LAB_DIRECTORY


def variables(number: int = NUMBER) -> dict[str, str]:
    """Return the environment in which Ansible and Molecule work in a lab without meeting another's connections."""
    home = LAB_DIRECTORY / f"lab-{number}" / "ansible" if number else ROOT / ".ansible"
    # The same address is another host in each lab: a connection that is kept open must not be found by another lab.
    return {VARIABLE: str(number), "ANSIBLE_HOME": str(home), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp")}


def inside(number: int = NUMBER) -> bool:
    """Whether this process is where the addresses of the lab are reached."""
    namespace = NAMESPACES / name_of(number)
    own = Path("/proc/self/ns/net").stat()
    return not number or (namespace.exists() and namespace.stat().st_ino == own.st_ino)


def enter(number: int = NUMBER) -> tuple[str, ...]:
    """Return what a command line begins with to run where the lab's addresses are reached; nothing if that is here."""
    if inside(number):
        return ()
    if os.geteuid() != 0:
        raise LabError(f"lab {number} has a network namespace of its own, which takes root: run this as root.")
    name = name_of(number)
    if not (NAMESPACES / name).exists():
        run("ip", "netns", "add", name)
        run("ip", "-netns", name, "link", "set", "lo", "up")
        run("ip", "netns", "attach", f"{name}-outside", str(os.getpid()))
    return ("nsenter", f"--net={NAMESPACES / name}")


def outside() -> tuple[str, ...]:
    """Return what a command line begins with to run on the machine's own network, left by a numbered lab."""
    return ("nsenter", f"--net={NAMESPACES / NAME}-outside") if NUMBER and inside() else ()


def leave() -> None:
    """Remove the namespace of the lab, unless this process works inside: it, or who started it, may go on there."""
    if NUMBER and not inside():
        for name in (NAME, f"{NAME}-outside"):
            run("ip", "netns", "delete", name, check=False)
