# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two paths that change places in one step. Private to this collection."""

from __future__ import annotations

import ctypes
import errno
import os

__all__ = ("aside_of", "exchange")

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
_UNKNOWN = (errno.ENOSYS, errno.EINVAL)


def exchange(one: str, other: str) -> None:
    """Let what is at one path and at the other change places, whatever they are; OSError where that fails.

    Where the C library (of before 2018) or the file system knows no such step, the second is away for a moment.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    code = errno.ENOSYS
    if renameat2 is not None:
        if not renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
            return
        code = ctypes.get_errno()
    if code not in _UNKNOWN:
        raise OSError(code, os.strerror(code), other)
    aside = aside_of(one)
    os.rename(other, aside)
    try:
        os.rename(one, other)
    except OSError:
        os.rename(aside, other)
        raise
    os.rename(aside, one)


def aside_of(one: str) -> str:
    """Return where the other path is for a moment where there is no such step."""
    return f"{one}-aside"
