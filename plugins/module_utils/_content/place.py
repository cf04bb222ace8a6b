# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets what a site serves change places with what it served before. Private to this collection.

The new tree is complete beside the folder before both change places in one step of the kernel, so a reader finds the
old one or the new one. The folder belongs to this collection as a whole from then on.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import shutil
import stat
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.members import (
    FOLDER,
    LINK,
    Entries,
    archive_members,
    digest_of,
    entries,
    unpack,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.selinux import is_enabled, labelled
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.exchange import aside_of, exchange
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    SELINUX,
    make_folders,
    naming_os_errors,
    refuse_unsafe,
    sync_folder,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import read_text, replace_text

__all__ = ("Change", "Content", "bring", "differing")

OWNED = "/var/lib/holdfast/content.json"
"""The folders that belong to this collection."""

PAGE = "index.html"
"""What the role writes into the folder of a site without content; no content takes the place of it."""

MOST_TOLD = 100
"""Lines of a difference; nobody reads more of them."""

Attributes = t.Tuple[str, int, int, int]  # the value as in Entries, permissions, user and group; of a link no bits


class Change(t.NamedTuple):
    """What was, or in check mode would be, done to a folder: what differs of it, a line each, before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Content:
    """A folder as it shall be, whose parts come from the ``archive`` on this host.

    ``where`` is its place in the inventory. ``wanted`` is what is in the archive; None where only the host can read
    that. An archive of the controller is not here before it is needed.
    """

    path: str
    where: str
    archive: str
    strip: int = 0
    wanted: Entries | None = None
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    folder_mode: int = 0o755

    def entries(self) -> Entries:
        """Return what shall be there; HoldfastError where the archive on this host has no such thing."""
        if self.wanted is not None:
            return self.wanted
        if not os.path.isfile(self.archive):
            raise HoldfastError(f"{self.archive} is not there: bring the archive onto the host first")
        return _of_archive(self)

    def attributes(self) -> dict[str, Attributes]:
        """Return what shall be there with its permissions and owner, the folder itself under an empty name."""
        uid, gid = _numbers(self)
        modes = {FOLDER: self.folder_mode}
        return {
            name: (value, 0 if value.startswith(LINK) else modes.get(value, self.mode), uid, gid)
            for name, value in {"": FOLDER, **self.entries()}.items()
        }


def differing(contents: t.Iterable[Content]) -> list[str]:
    """Return the folders that differ; HoldfastError where one must not be touched, or its archive cannot be read."""
    found = []
    for content in contents:
        with _of_input(content):
            if _there(content.path) != content.attributes():
                found.append(content.path)
    return found


def bring(contents: t.Sequence[Content], *, check: bool) -> list[Change]:
    """Bring them about and return what has changed; HoldfastError where one cannot be, which is as it was then."""
    owned = _owned()
    changes = []
    for content in contents:
        with _of_input(content):
            wanted = content.attributes()
            there = _there(content.path)
            if there == wanted:
                continue
            if content.path not in owned:
                _refuse_foreign(content.path, there, wanted)
            if not check:
                _remember([*owned, content.path])
                with naming_os_errors(content.path, "it is as it was"):
                    _swap(content, wanted)
        changes.append(Change(content.path, _lines(there, wanted), _lines(wanted, there)))
    if not check:
        _remember([content.path for content in contents])
    return changes


@contextlib.contextmanager
def _of_input(content: Content) -> t.Iterator[None]:
    """Tell of what fails in the body what of the inventory it is about."""
    try:
        yield
    except HoldfastError as error:
        raise HoldfastError(f"{content.where}: {error}") from None


def _swap(content: Content, wanted: t.Mapping[str, Attributes]) -> None:
    above, name = os.path.split(content.path)
    new = os.path.join(above, f".{name}.holdfast-content")
    refuse_unsafe(os.path.join(new, PAGE), "/")
    make_folders(above)
    _remove(new)
    os.mkdir(new, 0o700)
    try:
        if content.wanted is not None and _of_archive(content) != content.wanted:
            raise HoldfastError("what it names has changed while it was read: run it again")
        unpack(archive_members(content.archive, content.strip), new, wanted)
        _dress(new, wanted, content.path)
        _sync(new)
        if os.path.lexists(content.path):
            exchange(new, content.path)
        else:
            os.rename(new, content.path)
        sync_folder(above)
    finally:
        _remove(new)
    if is_enabled():
        labelled([content.path], check=False)


def _dress(folder: str, wanted: t.Mapping[str, Attributes], like: str) -> None:
    """Give everything its owner, its permissions and the label of the folder that it takes the place of."""
    label = None
    with contextlib.suppress(OSError, AttributeError):
        label = os.getxattr(like, SELINUX)
    # The innermost first: the folder itself is nobody's but ours until all is done.
    for name, (value, mode, uid, gid) in sorted(wanted.items(), reverse=True):
        path = os.path.join(folder, name) if name else folder
        os.chown(path, uid, gid, follow_symlinks=False)
        if not value.startswith(LINK):
            os.chmod(path, mode)  # last: a change of the owner takes bits away
        if label is not None:
            with contextlib.suppress(OSError):
                os.setxattr(path, SELINUX, label, follow_symlinks=False)


def _sync(tree: str) -> None:
    """Bring a tree to the disk. All of it is written by now, so the first file takes most of the others with it."""
    for folder, _folders, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        sync_folder(folder)


def _there(path: str) -> dict[str, Attributes]:
    """Return what is in the folder now, nothing where there is none; HoldfastError where it is no folder of its own."""
    if not os.path.lexists(path):
        return {}
    if os.path.islink(path) or not os.path.isdir(path):
        what = "a symbolic link" if os.path.islink(path) else "no folder"
        raise HoldfastError(f"{path} is {what}: move it away, the content of a site takes its place")
    if os.path.ismount(path):
        raise HoldfastError(f"{path} is a mount, which cannot change places: let the site have a folder below as root")
    found = {}
    with naming_os_errors(path, "it is as it was"):
        for folder, folders, names in os.walk(path):
            relative = os.path.relpath(folder, path)
            for name in ["", *folders, *names] if folder == path else [*folders, *names]:
                whole = os.path.join(folder, name) if name else folder
                about = os.lstat(whole)
                value = _value(whole, about.st_mode)
                bits = 0 if stat.S_ISLNK(about.st_mode) else stat.S_IMODE(about.st_mode)
                key = name if relative == os.curdir else os.path.join(relative, name)
                found[key] = (value, bits, about.st_uid, about.st_gid)
    return found


def _value(path: str, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return LINK + os.readlink(path)
    if stat.S_ISDIR(mode):
        return FOLDER
    return digest_of(path) if stat.S_ISREG(mode) else "special"


def _refuse_foreign(path: str, there: t.Mapping[str, Attributes], wanted: t.Container[str]) -> None:
    """Raise where a folder that was not of this collection has files that would be lost."""
    lost = sorted(
        name for name, (value, *_rest) in there.items() if value != FOLDER and name not in wanted and name != PAGE
    )
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise HoldfastError(
            f"{path} has {shown(lost[0])}{more}, which would be lost, nothing was changed: move them away, or let the "
            "site have another root"
        )


def _lines(here: t.Mapping[str, Attributes], other: t.Mapping[str, Attributes]) -> str:
    """Return what of one is not the same in the other, a line each."""
    lines = [
        f"{name or '.'} {value[:16] if not value.startswith(LINK) else value} {mode:04o} {uid}:{gid}\n"
        for name, (value, mode, uid, gid) in sorted(here.items())
        if other.get(name) != (value, mode, uid, gid)
    ]
    rest = len(lines) - MOST_TOLD
    return "".join([*lines[:MOST_TOLD], f"and {rest} more\n"] if rest > 0 else lines)


def _of_archive(content: Content) -> Entries:
    try:
        return entries(archive_members(content.archive, content.strip))
    except HoldfastError as error:
        raise HoldfastError(f"{content.archive} {error}") from None


def _numbers(content: Content) -> tuple[int, int]:
    try:
        uid = pwd.getpwnam(content.owner).pw_uid
    except KeyError:
        raise HoldfastError(f"{content.path} shall be of user {content.owner}, which this host does not have") from None
    try:
        return uid, grp.getgrnam(content.group).gr_gid
    except KeyError:
        raise HoldfastError(
            f"{content.path} shall be of group {content.group}, which this host does not have"
        ) from None


def _remove(new: str) -> None:
    """Remove what was new, and what a step that was cut off has left."""
    for folder in (new, aside_of(new)):
        if os.path.lexists(folder):
            shutil.rmtree(folder)


def _owned() -> list[str]:
    try:
        return list(json.loads(read_text(OWNED) or '{"folders": []}')["folders"])
    except (ValueError, KeyError, TypeError):
        return []  # damaged: then nothing is ours, and nothing is lost


def _remember(folders: t.Iterable[str]) -> None:
    folders = sorted(set(folders))
    if folders != _owned():
        replace_text(OWNED, json.dumps({"folders": folders}) + "\n" if folders else None, 0o600)
