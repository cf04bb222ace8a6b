# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders that this collection owns as a whole, many in one step. Private to this collection.

Units, settings of the agent and the like: nothing tests them first, so each is replaced on its own. What a daemon reads
goes through a transaction instead.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import tempfile
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must, unit_properties
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.packaged import is_as_packaged
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    make_folders,
    naming_os_errors,
    read_state,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import replace_text

__all__ = ("Change", "File", "Folder", "bring")

UNITS = "/etc/systemd/system/"
TMPFILES = "/etc/tmpfiles.d/"
EXEC_START = "@EXEC_START@"
"""In the text of a drop-in: how the unit itself starts its program. Only the host knows that."""
FILE = "@FILE@"
"""In a test: a file that has the new text."""

_EXEC_START = re.compile(r"^ExecStart=(.+)$", re.MULTILINE)


class Folder(t.NamedTuple):
    """A folder as it shall be; without an owner it is of the user who applies it.

    One that is ``kept`` is made where there is none, and else is as somebody has made it.
    """

    path: str
    mode: int = 0o755
    group: str = "root"
    owner: str = ""
    kept: bool = False


class File(t.NamedTuple):
    """A file as it shall be; no text wants none, and no link. In a drop-in to ``unit``, EXEC_START is filled in.

    Before a new text is written, each of the ``tests``, a command in which FILE stands for it, has to succeed. One that
    shall not be there, and is a ``conffile_of`` a package, goes only where it is as this package brought it.
    """

    path: str
    text: str | None
    mode: int = 0o644
    unit: str = ""
    owner: str = ""
    group: str = ""
    tests: t.Sequence[t.Sequence[str]] = ()
    conffile_of: str = ""


class Change(t.NamedTuple):
    """What was, or in check mode would be, done to a path: its text before and after, empty for a folder."""

    path: str
    before: str
    after: str


def bring(folders: t.Sequence[Folder], files: t.Sequence[File], *, check: bool, runner: Runner = run) -> list[Change]:
    """Bring them all about, in their order, and have systemd read its units again where one has changed.

    What a file below TMPFILES names is made in every run, changed or not. Raises HoldfastError; what was done until
    then stays, and the next run goes on from there.
    """
    changes = [change for folder in folders for change in _folder(folder, check=check)]
    for file in files:
        changes += _file(file, check=check, runner=runner)
    if not check:
        if any(change.path.startswith(UNITS) for change in changes):
            must("systemctl", "daemon-reload", runner=runner)
        for file in files:
            if file.path.startswith(TMPFILES) and file.text is not None:
                must("systemd-tmpfiles", "--create", file.path, runner=runner)
    return changes


def _folder(wanted: Folder, *, check: bool) -> t.Iterator[Change]:
    uid, gid = _numbers(wanted.path, wanted.owner, wanted.group)
    with naming_os_errors(wanted.path, "it is as it was"):
        if wanted.kept and os.path.isdir(wanted.path):
            return
        if os.path.lexists(wanted.path):
            about = os.lstat(wanted.path)
            if not stat.S_ISDIR(about.st_mode):
                raise HoldfastError(f"{wanted.path} is not a folder: move it away")
            if (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid) == (wanted.mode, uid, gid):
                return
        if not check:
            make_folders(wanted.path)
            os.chown(wanted.path, uid, gid)
            os.chmod(wanted.path, wanted.mode)  # last: a change of the owner takes bits away
    yield Change(wanted.path, "", "")


def _numbers(path: str, owner: str, group: str) -> tuple[int, int]:
    """Return the numbers of a user and a group; those of the user who applies it where none is said."""
    try:
        uid = pwd.getpwnam(owner).pw_uid if owner else os.geteuid()
    except KeyError:
        raise HoldfastError(f"{path} shall be of user {owner}, which this host does not have") from None
    try:
        return uid, grp.getgrnam(group).gr_gid if group else os.getegid()
    except KeyError:
        raise HoldfastError(f"{path} shall be of group {group}, which this host does not have") from None


def _file(wanted: File, *, check: bool, runner: Runner) -> t.Iterator[Change]:
    if wanted.text is None and wanted.conffile_of and not is_as_packaged(wanted.path, wanted.conffile_of, runner):
        return
    if wanted.text is None and os.path.islink(wanted.path):
        before = f"link to {os.readlink(wanted.path)}\n"
        if not check:
            with naming_os_errors(wanted.path, "it is as it was"):
                os.unlink(wanted.path)
        yield Change(wanted.path, before, "")
        return
    there = read_state(wanted.path)
    text = wanted.text
    if text is not None and EXEC_START in text:
        text = _filled(text, wanted.unit, runner)
    owner = _numbers(wanted.path, wanted.owner, wanted.group) if wanted.owner or wanted.group else None
    is_owned = owner is None or text is None or (there.uid, there.gid) == owner
    if is_owned and there.satisfies(None if text is None else Wanted(text.encode(), wanted.mode)):
        return
    if text is not None:
        for test in wanted.tests:
            _test(test, text, wanted.path, check=check, runner=runner)
    if not check:
        replace_text(wanted.path, text, wanted.mode, owner)
    yield Change(wanted.path, (there.content or b"").decode(errors="replace"), text or "")


def _test(test: t.Sequence[str], text: str, path: str, *, check: bool, runner: Runner) -> None:
    """Run a command on a text; HoldfastError where it refuses that. In check mode it may not be installed yet."""
    with tempfile.TemporaryDirectory(prefix="holdfast-test-") as folder:
        tried = os.path.join(folder, os.path.basename(path))
        with open(tried, "w", encoding="utf-8") as file:
            file.write(text)
        done = runner(*(tried if word == FILE else word for word in test))
    if done.rc and not (check and done.rc == NOT_FOUND):
        raise HoldfastError(f"{path} is as it was, because `{' '.join(test)}` fails: {done.output}")


def _filled(text: str, unit: str, runner: Runner) -> str:
    """Return the text with the command line of the unit in it; without its ExecStart where there is no such unit."""
    path = unit_properties(unit, ["FragmentPath"], runner)["FragmentPath"]
    result = _EXEC_START.search((read_state(path).content or b"").decode(errors="replace")) if path else None
    if result:
        return text.replace(EXEC_START, result[1].strip())
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("ExecStart="))
