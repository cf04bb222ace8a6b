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

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.files import Wanted, make_folders
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.mounts import below

__all__ = ("copy", "lay_over", "lead_into")


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
    for folder, folders, names in os.walk(tree):
        for path in (os.path.join(folder, name) for name in folders + names):
            live = root + path[len(tree) :]
            if os.path.islink(path):
                end = os.path.realpath(live)
                inside = end == real or below(end, real)
                text = tree + end[len(real) :] if inside else os.path.join(os.path.dirname(live), os.readlink(path))
                os.unlink(path)
                os.symlink(text, path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                if b"\0" not in content and mention.search(content):
                    with open(path, "wb") as file:
                        file.write(mention.sub(lambda _match: os.fsencode(tree), content))
