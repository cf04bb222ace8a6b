# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the agent onto a host, whole. Private to this collection.

The tree is called after its content, and a symbolic link leads to it. A new one is complete before the link is moved,
so whoever starts meanwhile finds the old one or the new one. What both have is one file, with the time at which it was
written: a service is stale only if something that it imports is newer than its start.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.place import AGENT, FOLDER
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.tree import MAIN, Tree, manifest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    make_folders,
    naming_os_errors,
    point,
    prepare,
    prepared_path,
    read_state,
    refuse_unsafe,
    sync_folder,
)

__all__ = ("Delivery", "deliver", "units_of_agent", "withdraw")

UNITS, UNIT = "/etc/systemd/system", re.compile(r"holdfast-[a-z]+\.service")
MODE = 0o644
TREE = re.compile(r"agent-[0-9a-f]{16}")


@dataclass(frozen=True)
class Delivery:
    """What was done, or in check mode would be: the manifests before and after, and the parts that load another file.

    ``path`` is the link to the tree, and ``paths`` are those that each part loads, as they are reached through it.
    """

    path: str
    before: str
    after: str
    parts: t.Sequence[str]
    paths: t.Mapping[str, t.Sequence[str]]

    @property
    def changed(self) -> bool:
        return self.before != self.after


def deliver(folder: str = FOLDER, *, check: bool) -> Delivery:
    """Bring the agent of this collection into a folder; HoldfastError where it cannot be, and then the old one stays.

    The tree before this one is kept as well, for what has begun to start from it.
    """
    if not os.path.isabs(folder):
        raise InputError("folder", f"{folder} is no absolute path")
    folder = os.path.normpath(folder)
    tree = Tree.of_this_collection()
    link = os.path.join(folder, AGENT)
    if os.path.lexists(link) and not os.path.islink(link):
        raise HoldfastError(f"{link} is no symbolic link to the agent: move it away")
    old, new = _target(link), os.path.join(folder, tree.name)
    there = _read(old) if old else {}
    changed = [path for path, text in tree.files.items() if there.get(path) != text]
    delivery = Delivery(
        path=link,
        before=manifest(there),
        after=manifest(tree.files),
        parts=[name for name, paths in tree.parts.items() if not set(changed).isdisjoint(paths)],
        paths={name: [os.path.join(link, path) for path in paths] for name, paths in tree.parts.items()},
    )
    if not check and delivery.changed:
        refuse_unsafe(os.path.join(new, MAIN), "/")
        with naming_os_errors(new, "the agent is as it was"):
            _build(new, tree, changed, old)
            point(link, os.path.basename(new))
        with naming_os_errors(folder, "the new agent is in force"):
            _remove_trees_but(folder, {old, new})
    return delivery


def units_of_agent(folder: str = FOLDER, units: str = UNITS) -> set[str]:
    """Return the units of this collection that start a part of the agent."""
    result = set()
    for name in os.listdir(units) if os.path.isdir(units) else ():
        state = read_state(os.path.join(units, name)) if UNIT.fullmatch(name) else None
        if state and f" {os.path.join(folder, AGENT)} ".encode() in (state.content or b""):
            result.add(name)
    return result


def withdraw(folder: str = FOLDER, *, check: bool) -> list[str]:
    """Remove the agent, which nothing on this host starts any more, and return the link to it if it is there.

    HoldfastError where that fails.
    """
    link = os.path.join(folder, AGENT)
    if _target(link) is None:
        return []
    if not check:
        with naming_os_errors(folder, "the agent may be there in part, and nothing starts it"):
            os.unlink(link)
            _remove_trees_but(folder, ())
            if not os.listdir(folder):
                os.rmdir(folder)
    return [link]


def _build(new: str, tree: Tree, changed: t.Collection[str], old: str | None) -> None:
    """Write what has changed, link the rest from the old tree, compile it, and bring all of it to the disk."""
    if new != old:
        shutil.rmtree(new, ignore_errors=True)  # of a delivery that was cut short, or of long ago
    for path, text in tree.files.items():
        target = os.path.join(new, path)
        if path in changed:
            prepare(target, Wanted(text.encode(), MODE))
            os.rename(prepared_path(target), target)
        elif old and old != new:
            make_folders(os.path.dirname(target))
            os.link(os.path.join(old, path), target)
    for path in _read(new):
        if path not in tree.files:  # of somebody else, in a tree that was damaged
            os.unlink(os.path.join(new, path))
    # What is compiled starts in three quarters of the time. It holds for as long as its source is the same.
    compileall.compile_dir(new, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    for folder, _folders, names in os.walk(new):
        for name in names:
            _sync(os.path.join(folder, name))
        sync_folder(folder)


def _sync(path: str) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _remove_trees_but(folder: str, kept: t.Container[str | None]) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if TREE.fullmatch(name) and path not in kept:
            shutil.rmtree(path)


def _target(link: str) -> str | None:
    """Return the tree that a link leads to, None where there is none."""
    try:
        name = os.readlink(link)
    except OSError:
        return None
    return os.path.join(os.path.dirname(link), name) if TREE.fullmatch(name) else None


def _read(tree: str) -> dict[str, str]:
    """Return the text of each file of Python in a tree; one that not everybody may read counts as missing."""
    result = {}
    for folder, _folders, names in os.walk(tree):
        for name in (name for name in names if name.endswith(".py")):
            path = os.path.join(folder, name)
            state = read_state(path)
            if state.content is not None and state.mode == MODE:
                result[os.path.relpath(path, tree)] = state.content.decode(errors="replace")
    return result
