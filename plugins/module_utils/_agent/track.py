# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The track files, in which keepalived reads whether this node is fit: who writes one does it like this."""

from __future__ import annotations

import os
import socket

from .._system.addresses import family_of, packed

FIT, UNFIT = b"0\n", b"1\n"


class Folder:
    """The folder of the track files, held so that another one of its name is told from it."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = -1

    def replaced(self) -> bool:
        """Whether it is not there, or another one has its place: keepalived sees nothing of what is written there."""
        try:
            there, held = os.stat(self.path), os.fstat(self._descriptor)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)


def is_here(address: str) -> bool:
    """Whether this host has an address: it is the source of what goes there. Nothing is sent."""
    family = family_of(address)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.connect((address, 9))
            source = connection.getsockname()[0].partition("%")[0]
            return packed(source) == packed(address)
    except OSError:
        return False


def put(path: str, content: bytes) -> None:
    """Write a track file in place, in one write of always the same length: at no instant is it empty or half."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe there holds up nobody
    descriptor = os.open(path, flags, 0o644)
    try:
        os.pwrite(descriptor, content, 0)
        if os.fstat(descriptor).st_size != len(content):
            os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)


def content(path: str) -> bytes:
    """Return the content of a track file, nothing where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
