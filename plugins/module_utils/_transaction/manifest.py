# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files on this host belong to the collection, and what they held when it wrote them. Private to it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import is_plain

__all__ = ("Entry", "Manifest")

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """An owned file: the module that owns it, and the SHA-256 of what that wrote."""

    owner: str
    digest: str


@dataclass(frozen=True)
class Manifest:
    """Owned files by their absolute path. Only what is in here is ever removed."""

    files: t.Mapping[str, Entry]

    @classmethod
    def load(cls, text: bytes | None, where: str) -> Manifest:
        """Read the manifest back; None (there is none yet) is an empty one."""
        if text is None:
            return cls({})
        try:
            data = json.loads(text.decode())
            if data["format"] != FORMAT:
                raise HoldfastError(f"{where} was written by a newer version of this collection: use that one")
            files = {path: Entry(entry["owner"], entry["sha256"]) for path, entry in data["files"].items()}
            if not all(is_plain(path) and isinstance(file.owner + file.digest, str) for path, file in files.items()):
                raise ValueError(f"{where} names what no module has written")
            return cls(files)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise HoldfastError(
                f"{where} is damaged: restore it from a backup, or remove it to adopt nothing"
            ) from None

    def dump(self) -> bytes:
        files = {path: {"owner": entry.owner, "sha256": entry.digest} for path, entry in sorted(self.files.items())}
        return (json.dumps({"format": FORMAT, "files": files}, indent=1, sort_keys=True) + "\n").encode()

    def owned_by(self, owner: str) -> list[str]:
        """Return the paths of this owner, sorted."""
        return sorted(path for path, entry in self.files.items() if entry.owner == owner)

    def replaced(self, *, written: t.Mapping[str, Entry], removed: t.Iterable[str]) -> Manifest:
        """Return the manifest after these files were written and removed."""
        files = dict(self.files)
        files.update(written)
        for path in removed:
            files.pop(path, None)
        return Manifest(files)
