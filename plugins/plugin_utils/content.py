# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sites of a host serve, read on the controller where it comes from there. Private to this collection."""

from __future__ import annotations

import io
import os
import typing as t
from collections.abc import Callable, Iterator, Mapping

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.members import (
    Member,
    archive_members,
    entries,
    folder_members,
    pack,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.backend_content import FORMS
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.planning import whole_path

__all__ = ("Sources",)

Tree = Mapping[str, t.Any]
TEMPLATE = ".j2"


class Sources:
    """Reads the sources of trees, as the section ``content`` of ``host_state`` has them, for one host.

    ``variables`` are those of the host, with the defaults of the roles.
    """

    def __init__(self, loader: DataLoader, templar: t.Any, variables: Mapping[str, t.Any]) -> None:
        self._loader, self._variables = loader, dict(variables)
        self._template = lookup_loader.get("template", loader=loader, templar=templar)

    def with_entries(self, trees: t.Iterable[Tree]) -> list[dict[str, t.Any]]:
        """Return the trees with what is in them; InputError for the first that cannot be brought."""
        return [
            dict(tree) if tree.get("remote_src") else {**tree, "entries": self._read(tree, entries)} for tree in trees
        ]

    def pack(self, tree: Tree, path: str) -> None:
        """Write what is in a tree into an archive; InputError where that cannot be."""

        def write(members: Iterator[Member]) -> None:
            pack(members, path)

        self._read(tree, write)

    def _read(self, tree: Tree, use: Callable[[Iterator[Member]], t.Any]) -> t.Any:
        form = next(form for form in FORMS if tree.get(form))
        source = str(tree[form])
        where = f"{tree['where']}.{form}"
        try:
            source = whole_path(
                self._loader, source, str(self._variables.get("inventory_dir") or ""), form != "archive"
            )
            if form == "archive":
                return use(archive_members(source, int(tree.get("strip_components") or 0)))
            members = folder_members(source)
            return use(self._rendered(source, members) if form == "template" else members)
        except InputError:
            raise
        except HoldfastError as error:
            raise InputError(where, f"{source} {error}") from None
        except OSError as error:
            raise InputError(where, f"{error.filename}: {error.strerror}" if error.filename else str(error)) from None
        except AnsibleError as error:
            told = " ".join(str(error).split())
            raise InputError(where, f"{source} cannot be rendered: {told}") from None

    def _rendered(self, folder: str, members: Iterator[Member]) -> Iterator[Member]:
        """Yield the members with those that end in TEMPLATE rendered, and without that ending."""
        for member in members:
            if member.read is None or not member.name.endswith(TEMPLATE):
                yield member
                continue
            path = os.path.join(folder, member.name)
            try:
                [text] = self._template.run([path], variables=self._variables)
            except Exception as error:  # what a template raises is the template's own
                raise HoldfastError(f"has {member.name}, which cannot be rendered: {_first_line(error)}") from None
            yield member._replace(name=member.name[: -len(TEMPLATE)], read=_opener(str(text).encode()))


def _opener(content: bytes) -> Callable[[], t.BinaryIO]:
    return lambda: io.BytesIO(content)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
