# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file of configuration is as its package brought it. Private to this collection."""

from __future__ import annotations

import hashlib
import os

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.release import RED_HAT, of_this_host

__all__ = ("is_as_packaged",)


def is_as_packaged(path: str, package: str, runner: Runner = run) -> bool:
    """Return whether nobody has changed a file that is of this package; a link is somebody's."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        content = file.read()
    if of_this_host().family == RED_HAT:
        listed = "[%{FILENAMES} %{FILEDIGESTS}\\n]"
        shown = runner("rpm", "--query", "--queryformat", listed, package).stdout
        digest = hashlib.sha256(content).hexdigest()
    else:
        shown = runner("dpkg-query", "--show", "--showformat=${Conffiles}", package).stdout
        digest = hashlib.md5(content).hexdigest()  # noqa: S324  what dpkg knows of a file
    return [path, digest] in [line.split()[:2] for line in shown.split("\n")]
