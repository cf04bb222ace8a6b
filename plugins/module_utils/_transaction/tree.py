# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of files as a change would leave it, made beside the live one. Private to this collection."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted, make_folders
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.mounts import below

__all__ = ("copy", "lay_over", "lead_into")

MOST_LINKS = 40  # as the kernel follows them (path_resolution(7))


def lay_over(root: str, changes: t.Mapping[str, Wanted | None], tree: str) -> None:
    """Build the upper layer: the changed files, and a whiteout for each that goes."""
    os.mkdir(tree, 0o700)
    _like(root, tree)
    for path, wanted in changes.items():
        target = tree + path[len(root) :]
        if wanted is not None:
            _folder_like(os.path.dirname(path), os.path.dirname(target), tree)
            _write(target, wanted)
        elif os.path.lexists(path):
            _folder_like(os.path.dirname(path), os.path.dirname(target), tree)
            os.mknod(target, stat.S_IFCHR | 0o000, os.makedev(0, 0))


def _folder_like(live: str, target: str, tree: str) -> None:
    if os.path.isdir(target):
        return
    _folder_like(os.path.dirname(live), os.path.dirname(target), tree)
    make_folders(target)
    if os.path.isdir(live):
        _like(live, target)


def copy(root: str, changes: t.Mapping[str, Wanted | None], tree: str) -> None:
    """Build the whole tree: a copy of the live one with the changes made in it."""
    _copy_entry(root, tree)
    for path, wanted in changes.items():
        target = tree + path[len(root) :]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        if wanted is not None:
            make_folders(os.path.dirname(target))
            _write(target, wanted)


def _copy_entry(source: str, target: str) -> None:
    """Copy what is there, whatever it is; what this host does not let us make (a device) no daemon reads."""
    about = os.lstat(source)
    if stat.S_ISDIR(about.st_mode):
        os.mkdir(target, 0o700)
        for name in os.listdir(source):
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                _copy_entry(os.path.join(source, name), os.path.join(target, name))
    elif stat.S_ISLNK(about.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(about.st_mode):
        shutil.copyfile(source, target)
    else:
        with contextlib.suppress(PermissionError):
            os.mknod(target, about.st_mode, about.st_rdev)
        if not os.path.lexists(target):
            return
    _like(source, target)


def _like(source: str, target: str) -> None:
    """Give a copy the owner, mode and labels of what it is a copy of."""
    about = os.lstat(source)
    with contextlib.suppress(PermissionError):
        os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)


def _write(path: str, wanted: Wanted) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(wanted.content)
        os.fchmod(file.fileno(), wanted.mode)


def lead_into(tree: str, root: str) -> None:
    """Have the links and texts of a copy that name something below the root name it in the copy."""
    real = os.path.realpath(root)
    # A path, and not a part of another one.
    parts = rb"/+".join(re.escape(os.fsencode(part)) for part in root.split("/"))
    mention = re.compile(rb"(?<![\w./~+%@}\x80-\xff-])" + parts + rb"(?![\w.~+%@\x80-\xff-])")
    links: dict[str, str] = {}
    for folder, folders, names in os.walk(tree):
        for path in (os.path.join(folder, name) for name in folders + names):
            if os.path.islink(path):
                links[path] = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                if b"\0" not in content and mention.search(content):
                    with open(path, "wb") as file:
                        file.write(mention.sub(lambda _match: os.fsencode(tree), content))
    for path, text in links.items():
        end = _end_of(text, real + os.path.dirname(path)[len(tree) :], links, tree, real)
        if end != text:
            os.unlink(path)
            os.symlink(end, path)


def _end_of(text: str, folder: str, links: t.Mapping[str, str], tree: str, real: str) -> str:
    """Return the text of a link in the copy that leads, in one step, to the copy of where it leads now.

    ``folder`` is where the link is in the live tree, ``links`` are all in the copy, with the texts that they had. One
    that never leaves the tree stays as it is.
    """

    def copied(path: str) -> str:
        return tree + path[len(real) :] if path == real or below(path, real) else path

    where = "/" if text.startswith("/") else folder
    leaves = where == "/"
    rest = text.split("/")
    followed = 0
    while rest:
        name = rest.pop(0)
        if name in ("", "."):
            continue
        where = os.path.dirname(where) if name == ".." else os.path.join(where, name)
        outside = copied(where) == where
        leaves = leaves or outside
        # Inside, a change may lie on the way; where the last step leads is the business of that link.
        target = _link(where) if outside else links.get(copied(where)) if rest else None
        if target is not None:
            followed += 1
            if followed > MOST_LINKS:
                return copied(os.path.normpath(os.path.join(folder, text)))
            rest = [*target.split("/"), *rest]
            where = "/" if target.startswith("/") else os.path.dirname(where)
            leaves = leaves or where == "/"
    return copied(where) if leaves else text


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
