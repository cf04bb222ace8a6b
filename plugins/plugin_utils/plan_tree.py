# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of planned files on the controller, and what differs from one of before. Private to this collection.

Beside the files of the plan others may lie in the folder, such as those of a repository: an index has what is ours.
"""

from __future__ import annotations

import json
import os
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan_files import SUMMARY

__all__ = ("INDEX", "Change", "PlanTree")

INDEX = "holdfast-plan.json"


class Change(t.NamedTuple):
    """A file by its path in the tree, and its text before and after; None where it was not there, or goes."""

    path: str
    before: str | None
    after: str | None


class PlanTree:
    """The folder at this path, with the index that it has, or none yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._index: dict[str, list[str]] = json.loads(self._text(INDEX) or '{"hosts": {}}')["hosts"]
        except (ValueError, KeyError, TypeError):
            raise HoldfastError(
                f"{folder / INDEX} cannot be read as the index of a plan: remove it together with what was planned, or "
                "name another folder in plan_folder"
            ) from None

    @property
    def hosts(self) -> list[str]:
        """The hosts that are in the tree."""
        return list(self._index)

    def router_ids(self) -> dict[str, dict[str, int]]:
        """Return the router ids of this plan, by host and instance: one that is in use stays."""
        found: dict[str, dict[str, int]] = {}
        for host in self._index:
            try:
                summary = json.loads(self._text(f"{_name(host)}/{SUMMARY}") or "{}")
                instances = summary.get("instances") or {}
                found[host] = {name: int(one["router_id"]) for name, one in instances.items()}
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # edited by hand: it is written anew
        return found

    def changes(self, planned: Mapping[str, Mapping[str, str]], gone: Iterable[str]) -> list[Change]:
        """Return what differs for these hosts, whose files are by their paths below the folder of each.

        ``gone`` are hosts that are planned no longer. HoldfastError for a file in the way that is none of the plan.
        """
        index = {**self._index, **{host: list(files) for host, files in planned.items()}}
        wanted: dict[str, str | None] = {}
        for host in (*gone, *planned):
            wanted.update({f"{_name(host)}/{path}": None for path in self._index.get(host, ())})
        for host in gone:
            index.pop(host, None)
        ours = {*wanted, INDEX}
        for host, files in planned.items():
            wanted.update({f"{_name(host)}/{path}": text for path, text in files.items()})
        wanted[INDEX] = json.dumps({"hosts": dict(sorted(index.items()))}, indent=4) + "\n"
        found = [Change(path, self._text(path), text) for path, text in wanted.items()]
        for one in found:
            if one.before is not None and one.path not in ours:
                raise HoldfastError(
                    f"{self.folder / one.path} is there, and no plan has written it: move it away, or name another "
                    "folder in plan_folder"
                )
        return [one for one in found if one.before != one.after]

    def write(self, changes: Iterable[Change]) -> None:
        """Make these changes, the index last; raises HoldfastError."""
        for one in sorted(changes, key=lambda change: change.path == INDEX):
            path = self.folder / one.path
            try:
                if one.after is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    new = path.with_name(f".{path.name}.new")
                    new.write_text(one.after, encoding="utf-8")
                    new.replace(path)
                    continue
                path.unlink()
                for folder in path.parents:
                    if folder == self.folder or any(folder.iterdir()):
                        break
                    folder.rmdir()
            except OSError as error:
                raise HoldfastError(f"{path} cannot be written: {error.strerror}") from None

    def _text(self, path: str) -> str | None:
        try:
            return (self.folder / path).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HoldfastError(f"{self.folder / path} cannot be read: {os.strerror(error.errno or 0)}") from None


def _name(host: str) -> str:
    """Return the name of a host's folder, which is a single one below the tree whatever the host is called."""
    name = quote(host, safe=":@,+=")
    return f"%2E{name[1:]}" if name.startswith(".") else name
