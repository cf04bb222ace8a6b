# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon adds to its log from a moment on. Private to this collection."""

from __future__ import annotations

import os

__all__ = ("length", "read_from")

MOST = 65536
"""Bytes that are read of what was added."""


def length(path: str | None) -> int:
    """Return the length of a log in bytes, 0 where there is none."""
    return os.path.getsize(path) if path and os.path.exists(path) else 0


def read_from(path: str | None, offset: int) -> str:
    """Return what a log holds from ``offset`` on, all of it where it was rotated meanwhile; empty where none is."""
    if path is None:
        return ""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(offset if file.tell() >= offset else 0)
            return file.read(MOST).decode(errors="replace")
    except OSError:
        return ""
