# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dpkg's diversion of nginx.conf, so that an upgrade of the package asks nobody about it. Private to this collection.

dpkg then reads and writes the file of the package beside ours, and keeps that as new as the package. rpm needs nothing
of the kind: it never replaces this file, nor asks.
"""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run

__all__ = ("DATABASE", "settle")

DATABASE = "/var/lib/dpkg/diversions"


def settle(path: str, beside: str, *, wanted: bool, check: bool, runner: Runner = run) -> bool:
    """Divert what a package has for this path, or no longer; return whether that was, or in check mode is, to be done.

    False where there is no dpkg. HoldfastError where dpkg refuses, and where somebody else diverts the path.
    """
    try:
        with open(DATABASE, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except OSError:
        return False
    # Three lines for each: from, to, and by which package; ":" is none.
    diversions = {lines[at]: (lines[at + 1], lines[at + 2]) for at in range(0, len(lines) - 2, 3)}
    there = diversions.get(path)
    if there and there != (beside, ":"):
        if not wanted:
            return False
        raise HoldfastError(
            f"{path} is diverted to {there[0]} already, and not by this collection: remove that "
            f"(dpkg-divert --remove {path}) or leave nginx.conf to the package (nginx_conf: package)"
        )
    if bool(there) == wanted:
        return False
    if not check:
        what = ("--divert", beside, "--add") if wanted else ("--divert", beside, "--remove")
        done = runner("dpkg-divert", "--quiet", "--local", "--no-rename", *what, path)
        if done.rc:
            raise HoldfastError(
                f"the new configuration is in force, but dpkg does not keep its hands off {path} yet ({done.output}): "
                "run this again"
            )
    return True
