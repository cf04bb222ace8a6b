# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that was planned and tested, and waits on the host for its instant. Private to this collection."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    is_plain,
    prepare,
    prepared_path,
    read_state,
)

__all__ = ("Pending",)

NAME = "staged.json"


@dataclass(frozen=True)
class Pending:
    """The files to write (None: to remove), the digests of what they replace, and the manifest afterwards."""

    changes: t.Mapping[str, Wanted | None]
    replaces: t.Mapping[str, str | None]
    manifest: bytes

    def save(self, folder: str) -> None:
        """Keep it in the state folder, readable for root alone; one that waited there is replaced."""
        data = {
            "changes": {
                path: None
                if change is None
                else {"content": base64.b64encode(change.content).decode(), "mode": change.mode, "gid": change.gid}
                for path, change in self.changes.items()
            },
            "replaces": dict(self.replaces),
            "manifest": self.manifest.decode(),
        }
        path = os.path.join(folder, NAME)
        prepare(path, Wanted(json.dumps(data).encode(), 0o600))
        os.rename(prepared_path(path), path)

    @classmethod
    def load(cls, folder: str) -> Pending:
        """Return what waits; HoldfastError where nothing does, or what does is damaged."""
        path = os.path.join(folder, NAME)
        content = read_state(path).content
        if content is None:
            raise HoldfastError("nothing is staged on this host: stage the change first")
        try:
            data = json.loads(content.decode())
            changes = {path: _wanted(change) for path, change in data["changes"].items()}
            replaces = {path: data["replaces"][path] for path in changes}
            if not all(map(is_plain, changes)) or not all(
                isinstance(replace, (str, type(None))) for replace in replaces.values()
            ):
                raise ValueError(f"{path} names what no module has staged")
            return cls(changes, replaces, data["manifest"].encode())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise HoldfastError(f"{path} is damaged, nothing was changed: stage the change again") from None

    @staticmethod
    def exists(folder: str) -> bool:
        return os.path.exists(os.path.join(folder, NAME))

    @staticmethod
    def remove(folder: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, NAME))


def _wanted(item: t.Any) -> Wanted | None:
    if item is None:
        return None
    mode = item["mode"]
    if not isinstance(mode, int) or isinstance(mode, bool) or not 0 <= mode <= 0o7777:
        raise ValueError(f"{mode!r} is no mode of a file")
    gid = item.get("gid")
    if gid is not None and (not isinstance(gid, int) or isinstance(gid, bool) or gid < 0):
        raise ValueError(f"{gid!r} is no group of a file")
    return Wanted(base64.b64decode(item["content"], validate=True), mode, gid)
