# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""glob(3) of the C library, which keepalived asks for the files of an include. Private to this collection.

Python's own knows no braces, no backslash and no ``[[:digit:]]``, and takes ``[]y]`` for another set.
"""

from __future__ import annotations

import ctypes
import re

__all__ = ("paths",)

# From glob.h of glibc; musl has no braces, for keepalived neither.
GLOB_MARK = 1 << 1
GLOB_BRACE = 1 << 10
_SIGNS = re.compile(r"[*?\[\]{}\\]")


class _Found(ctypes.Structure):
    """glob_t: how many paths, the paths, and what is not asked for here."""

    _fields_ = (
        ("count", ctypes.c_size_t),
        ("paths", ctypes.POINTER(ctypes.c_char_p)),
        ("offset", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("functions", ctypes.c_void_p * 5),
    )


def paths(pattern: str, folder: str) -> list[str]:
    """Return what a pattern finds, seen from a folder, in the order of glob(3); a folder ends in a slash."""
    if folder and not pattern.startswith("/"):
        pattern = _SIGNS.sub(r"\\\g<0>", folder.rstrip("/")) + "/" + pattern
    result = _Found()
    libc = ctypes.CDLL(None)
    libc.glob(
        ctypes.c_char_p(pattern.encode(errors="surrogateescape")), GLOB_MARK | GLOB_BRACE, None, ctypes.byref(result)
    )
    try:
        return [result.paths[index].decode(errors="surrogateescape") for index in range(result.count)]
    finally:
        libc.globfree(ctypes.byref(result))
