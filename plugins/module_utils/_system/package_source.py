# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository as a source of packages: what its files on a host are. Private to this collection."""

from __future__ import annotations

import abc
import contextlib
import typing as t
from dataclasses import dataclass

__all__ = ("OWNED", "PackageSource", "text_of")

OWNED = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"


@dataclass(frozen=True)
class PackageSource(abc.ABC):
    """Where a source is, with the system that it is for, and the public key that signs it, armored."""

    url: str
    suite: str
    key: str

    KEY: t.ClassVar[str]
    """The file of the key on a host."""
    FILES: t.ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def entry(self, key: str) -> str:
        """Return what the package manager reads of it; ``key`` is the path of the key."""

    def preferences(self) -> str:
        """Return what puts its packages before those of the distribution, where that is a file of its own."""
        return ""

    @abc.abstractmethod
    def files(self) -> dict[str, str]:
        """Return the text of each of its files."""

    def is_added(self) -> bool:
        """Tell whether this host has it."""
        return all(text_of(path) == text for path, text in self.files().items())


def text_of(path: str) -> str:
    """Return the text of a file, nothing where there is none."""
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        return file.read()
    return ""
