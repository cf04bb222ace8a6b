# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived would read on this host: its main file and all that it includes. Private to this collection."""

from __future__ import annotations

import os
import stat

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.expand import Expanded, expand
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.glob3 import paths
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import Build

__all__ = ("file_text", "included", "read_tree")


def read_tree(main_file: str, build: Build | None = None) -> Expanded:
    """Return the configuration as it is in the files now; nothing where there is no main file.

    ConfigError where it would go on for ever.
    """
    text = file_text(main_file)
    return Expanded(()) if text is None else expand(text, main_file, included, os.uname().nodename.split(".")[0], build)


def included(pattern: str, folder: str) -> list[tuple[str, str | None]]:
    """Return (path, text) of what an include line of a file in this folder brings, in its order.

    The text is None where keepalived skips what is there.
    """
    return [(path, file_text(path)) for path in paths(pattern, folder)]


def file_text(path: str) -> str | None:
    """Return the text of a file, None where keepalived would not read it: not regular, or anybody may execute it."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) or mode & 0o111:
            return None
        # A carriage return ends no line for keepalived: inside one it is a blank.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None
