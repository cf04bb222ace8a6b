# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the managed host: what they are now, and the one safe way to replace them. Private to this collection."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

__all__ = (
    "FileState",
    "Wanted",
    "discard",
    "is_plain",
    "make_folders",
    "missing_folders",
    "point",
    "prepare",
    "prepared_path",
    "read_state",
    "refuse_unsafe",
    "sync_folder",
    "naming_os_errors",
)

SELINUX = "security.selinux"


@dataclass(frozen=True)
class Wanted:
    """A file as it shall be: its bytes, its permission bits and its group; the owner is the user who applies it.

    ``gid`` is None where the group does not matter.
    """

    content: bytes
    mode: int = 0o644
    gid: int | None = None


@dataclass(frozen=True)
class FileState:
    """A file as it is: bytes, permission bits and owner; ``content`` is None where there is no file."""

    path: str
    content: bytes | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0

    @property
    def exists(self) -> bool:
        return self.content is not None

    @property
    def digest(self) -> str | None:
        return None if self.content is None else digest(self.content)

    def satisfies(self, wanted: Wanted | None) -> bool:
        """Return whether nothing needs to be done; None wants no file."""
        if wanted is None or self.content is None:
            return wanted is None and self.content is None
        same_group = wanted.gid is None or self.gid == wanted.gid
        return self.content == wanted.content and self.mode == wanted.mode and same_group


def digest(content: bytes) -> str:
    """Return the SHA-256 of these bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_state(path: str) -> FileState:
    """Return what is at this path now; a symbolic link or anything but a regular file is refused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return FileState(path)
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise HoldfastError(f"{path} is a symbolic link: replace it by a regular file or remove it") from None
        raise HoldfastError(f"{path} cannot be read: {error.strerror}") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise HoldfastError(f"{path} is not a regular file: move it away")
    with naming_os_errors(path, "it cannot be read"), os.fdopen(handle, "rb") as file:
        return FileState(path, file.read(), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)


def is_plain(path: object) -> bool:
    """Return whether this is an absolute path without a detour, as every path in a file of state must be."""
    return isinstance(path, str) and path.startswith("/") and "\0" not in path and os.path.normpath(path) == path


@contextlib.contextmanager
def naming_os_errors(path: str, end: str) -> t.Iterator[None]:
    """Tell what the system refuses in the body in one sentence; ``end`` says what has become of the change."""
    try:
        yield
    except OSError as error:
        where = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else path
        raise HoldfastError(f"{where}: {error.strerror or error}; {end}") from None


def refuse_unsafe(path: str, root: str) -> None:
    """Raise unless the file can be replaced without following somebody else's link or owner.

    Every existing folder from ``root`` down to the file must be a real folder that only its owner (the user who
    applies, or root) can write to, and the file itself must belong to that user.
    """
    if not is_plain(path) or os.path.commonpath([root, path]) != root:
        raise HoldfastError(f"{path} lies outside {root}: this collection does not write there")
    owners = (0, os.geteuid())
    folder = root
    parts = os.path.relpath(os.path.dirname(path), root).split(os.sep)
    for part in [""] + [part for part in parts if part != os.curdir]:
        folder = os.path.join(folder, part) if part else folder
        try:
            about = os.lstat(folder)
        except FileNotFoundError:
            break
        if stat.S_ISLNK(about.st_mode):
            raise HoldfastError(f"{folder} is a symbolic link: files are not written through it; make it a real folder")
        if not stat.S_ISDIR(about.st_mode):
            raise HoldfastError(f"{folder} is not a folder: move it away")
        if about.st_uid not in owners:
            raise HoldfastError(
                f"{folder} belongs to user id {about.st_uid}: give it back to root (chown root {folder})"
            )
        if about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX:
            raise HoldfastError(f"{folder} is writable by everybody: take that away (chmod o-w {folder})")
    state = read_state(path)
    if state.exists and state.uid not in owners:
        raise HoldfastError(f"{path} belongs to user id {state.uid}: give it back to root (chown root {path})")


def make_folders(folder: str) -> None:
    """Make this folder and those above it where they are not there: mode 0755, and a group that is handed down."""
    if not os.path.isdir(folder):
        make_folders(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
            os.chmod(folder, 0o755 | os.stat(folder).st_mode & stat.S_ISGID)


def missing_folders(folders: t.Iterable[str]) -> list[str]:
    """Return which of these folders and those above them are not there, each before the one above it."""
    result = set()
    for folder in folders:
        while not os.path.lexists(folder):
            result.add(folder)
            folder = os.path.dirname(folder)
    return sorted(result, key=lambda item: (-item.count("/"), item))


def prepared_path(path: str) -> str:
    """Return where the new content of a file waits beside it; no include pattern matches a leading dot."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.holdfast-new")


def prepare(path: str, wanted: Wanted) -> None:
    """Write the new content beside the file and bring it to the disk; renaming it is all that is left to do.

    The permission bits are set before the first byte is written, and a SELinux label is taken over from the
    file that it will replace (a new file inherits its folder's).
    """
    make_folders(os.path.dirname(path))
    beside = prepared_path(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        if wanted.gid is not None:
            os.fchown(file.fileno(), -1, wanted.gid)
        os.fchmod(file.fileno(), wanted.mode)
        with contextlib.suppress(OSError, AttributeError):
            os.setxattr(beside, SELINUX, os.getxattr(path, SELINUX))
        file.write(wanted.content)
        file.flush()
        os.fsync(file.fileno())


def point(link: str, target: str) -> None:
    """Let a symbolic link, which is made where there is none, lead to this target, in one step."""
    beside = prepared_path(link)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    os.symlink(target, beside)
    os.rename(beside, link)
    sync_folder(os.path.dirname(link))


def discard(path: str) -> None:
    """Remove what ``prepare`` left beside the file, if anything."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(prepared_path(path))


def sync_folder(folder: str) -> None:
    """Bring renames and removals in this folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
