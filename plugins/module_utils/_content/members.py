# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site serves, as members of a tree: read from a folder or an archive, packed, unpacked. Private.

Names are relative, parted by slashes. Whatever it comes from, no name and no link leads out of the tree.
"""

from __future__ import annotations

import calendar
import contextlib
import hashlib
import io
import os
import stat
import tarfile
import typing as t
import zipfile

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown

__all__ = (
    "FOLDER",
    "LINK",
    "Entries",
    "Member",
    "archive_members",
    "digest_of",
    "entries",
    "folder_members",
    "pack",
    "unpack",
)

FOLDER, LINK = "folder", "-> "
Entries = t.Dict[str, str]
"""By the name: FOLDER, LINK with where it leads, or the SHA-256 of a file in hexadecimal."""

LEFT_OUT = (".git", ".hg", ".svn")
"""Folders of version control, which nobody means to serve."""

_CHUNK = 1 << 20


class Member(t.NamedTuple):
    """A file, or a folder or a link where ``read`` is None; then ``value`` is as in Entries.

    ``mtime`` is when a file was changed, in seconds since the epoch: it is the same on all hosts, and so is what a web
    server makes of it, such as an ETag.
    """

    name: str
    value: str = ""
    read: t.Callable[[], t.BinaryIO] | None = None
    mtime: int = 0


def folder_members(folder: str) -> t.Iterator[Member]:
    """Yield what lies in a folder, in the order of the names; HoldfastError for what is neither file, folder nor link.

    OSError for what cannot be read.
    """
    for path, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted([*folders, *names]):
            whole = os.path.join(path, name)
            relative = os.path.relpath(whole, folder)
            about = os.lstat(whole)
            mode = about.st_mode
            if stat.S_ISLNK(mode):
                yield Member(relative, LINK + os.readlink(whole))
            elif stat.S_ISDIR(mode):
                yield Member(relative, FOLDER)
            elif stat.S_ISREG(mode):
                yield Member(relative, read=_opener(whole), mtime=int(about.st_mtime))
            else:
                raise HoldfastError(f"has {shown(relative)}, which is neither a file nor a folder: remove it")


def archive_members(path: str, strip: int = 0) -> t.Iterator[Member]:
    """Yield what is in an archive, of tar with any compression or of zip, in its order.

    ``strip`` leading folders of each name are left out, and what has no more than those. HoldfastError for an archive
    that cannot be read.
    """
    # A tar may end as a zip does, if such a one is the last in it, and no zip begins as a tar.
    with _readable():
        members = _tar_members(path) if tarfile.is_tarfile(path) else _zip_members(path)
    while True:
        with _readable():
            member = next(members, None)
        if member is None:
            return
        parts = [part for part in member.name.split("/") if part not in ("", os.curdir)]
        # What is to be refused keeps its name.
        is_plain = not member.name.startswith("/") and os.pardir not in parts
        name = "/".join(parts[strip:]) if is_plain else member.name
        if name:
            yield member._replace(name=name)


def entries(members: t.Iterable[Member]) -> Entries:
    """Return what there is by its name, with all folders on the way to it.

    HoldfastError for a name or a link that leads out of the tree, and for a name that is there twice.
    """
    found: Entries = {}
    for member in members:
        name = member.name
        _refuse_unsafe(member)
        value = member.value if member.read is None else _digest(member.read)
        if found.get(name, value) != value or (name in found and value != FOLDER):
            raise HoldfastError(f"has {shown(name)} twice: leave one of them")
        found[name] = value
    for name in list(found):
        above = name.rpartition("/")[0]
        while above:
            if found.setdefault(above, FOLDER) != FOLDER:
                raise HoldfastError(f"has {shown(name)} below {shown(above)}, which is no folder")
            above = above.rpartition("/")[0]
    return dict(sorted(found.items()))


def pack(members: t.Iterable[Member], path: str) -> None:
    """Write the members into an archive that ``archive_members`` reads; it has names and contents, and no more."""
    with tarfile.open(path, "w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            about = tarfile.TarInfo(member.name)
            if member.read is None:
                is_folder = member.value == FOLDER
                about.type = tarfile.DIRTYPE if is_folder else tarfile.SYMTYPE
                about.linkname = "" if is_folder else member.value[len(LINK) :]
                tar.addfile(about)
                continue
            with member.read() as file:
                about.size, about.mtime = file.seek(0, os.SEEK_END), member.mtime
                file.seek(0)
                tar.addfile(about, file)


def unpack(members: t.Iterable[Member], folder: str, names: t.Container[str]) -> None:
    """Write those members of the ``names`` into a folder that is there, and empty. OSError where one cannot be.

    The names are those that ``entries`` has let through, for the same members.
    """
    links = []
    for member in members:
        if member.name not in names:
            continue
        target = os.path.join(folder, member.name)
        if member.read is None and member.value != FOLDER:
            links.append((member.value[len(LINK) :], target))
            continue
        os.makedirs(target if member.read is None else os.path.dirname(target), mode=0o700, exist_ok=True)
        if member.read is not None:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file, member.read() as source:
                for chunk in _chunks(source):
                    file.write(chunk)
                file.flush()
                os.utime(handle, (member.mtime, member.mtime))
    # Last, so that nothing is ever written through one.
    for leads_to, target in links:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        os.symlink(leads_to, target)


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal, not following a link; OSError where it cannot be read."""
    return _digest(lambda: os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb"))


def _raise(error: OSError) -> t.NoReturn:
    raise error


def _opener(path: str) -> t.Callable[[], t.BinaryIO]:
    return lambda: open(path, "rb")


@contextlib.contextmanager
def _readable() -> t.Iterator[None]:
    """Tell in one sentence what is wrong with an archive that the body reads."""
    try:
        yield
    except HoldfastError:
        raise
    except OSError as error:
        raise HoldfastError(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001  what a damaged archive makes them raise is written nowhere
        raise HoldfastError(f"cannot be read as an archive of tar or zip: {error or type(error).__name__}") from None


class _Guarded(io.RawIOBase):
    """A file in an archive, whose damage is told in a sentence."""

    def __init__(self, file: t.BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with _readable():
            return self._file.read(size)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with _readable():
            return self._file.seek(offset, whence)

    def close(self) -> None:
        self._file.close()
        super().close()


def _tar_members(path: str) -> t.Iterator[Member]:
    with tarfile.open(path) as tar:
        for about in tar:
            if about.isdir():
                yield Member(about.name, FOLDER)
            elif about.issym():
                yield Member(about.name, LINK + about.linkname)
            elif about.isreg() or about.islnk():
                yield Member(about.name, read=_reader_of(tar, about), mtime=max(int(about.mtime), 0))
            else:
                raise HoldfastError(f"has {shown(about.name)}, which is neither a file nor a folder: leave it out")
        # What was compressed is known to be whole at its end alone.
        while tar.fileobj is not None and tar.fileobj.read(_CHUNK):
            pass


def _reader_of(tar: tarfile.TarFile, about: tarfile.TarInfo) -> t.Callable[[], t.BinaryIO]:
    def read() -> t.BinaryIO:
        with _readable():
            file = tar.extractfile(about)
        return t.cast("t.BinaryIO", _Guarded(t.cast("t.BinaryIO", file)))

    return read


def _zip_members(path: str) -> t.Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for about in archive.infolist():
            kind = stat.S_IFMT(about.external_attr >> 16)  # zero where it was made without
            if about.filename.endswith("/"):
                yield Member(about.filename, FOLDER)
            elif kind == stat.S_IFLNK:
                yield Member(about.filename, LINK + archive.read(about).decode())
            else:
                mtime = calendar.timegm((*about.date_time, 0, 0, 0))
                yield Member(about.filename, read=_zip_reader(archive, about), mtime=mtime)


def _zip_reader(archive: zipfile.ZipFile, about: zipfile.ZipInfo) -> t.Callable[[], t.BinaryIO]:
    def read() -> t.BinaryIO:
        with _readable():
            return t.cast("t.BinaryIO", _Guarded(t.cast("t.BinaryIO", archive.open(about))))

    return read


def _refuse_unsafe(member: Member) -> None:
    name, parts = member.name, member.name.split("/")
    if name.startswith("/") or os.pardir in parts:
        raise HoldfastError(f"has {shown(name)}, which lies outside of it: leave it out")
    with contextlib.suppress(UnicodeEncodeError):
        if "\0" not in name and name.encode():
            if member.value.startswith(LINK) and not _stays(member.value[len(LINK) :], len(parts) - 1):
                raise HoldfastError(f"has the link {shown(name)}, which leads out of it: leave it out")
            return
    raise HoldfastError(f"has {shown(name)}, a name that is not of UTF-8: rename it")


def _stays(leads_to: str, depth: int) -> bool:
    """Return whether a link stays in the tree; ``..`` counts where it leads for sure, which is at the front."""
    parts = [part for part in leads_to.split("/") if part not in ("", os.curdir)]
    up = next((index for index, part in enumerate(parts) if part != os.pardir), len(parts))
    return bool(leads_to) and not leads_to.startswith("/") and up <= depth and os.pardir not in parts[up:]


def _chunks(file: t.BinaryIO) -> t.Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK), b"")


def _digest(read: t.Callable[[], t.BinaryIO]) -> str:
    found = hashlib.sha256()
    with read() as file:
        for chunk in _chunks(file):
            found.update(chunk)
    return found.hexdigest()
