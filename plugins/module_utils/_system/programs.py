# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a program may be run by a service that acts for others. Private to this collection.

Who can change a program, or a folder on its way, can run what they like as its user; so only root may, or that user.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import stat
import typing as t

__all__ = ("program_of", "unfit_program")

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def program_of(command: t.Any) -> str:
    """Return the first word of a command, which is a text or a list of words; raises ValueError where there is none."""
    words = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    if not words:
        raise ValueError("is empty: name a program")
    return words[0]


def unfit_program(path: str, user: str) -> str:
    """Return why a user cannot or should not run a program, and what to do; empty where all is well."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user} to run {path}: create it (useradd --system {user})"
    groups = {account.pw_gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}
    if not os.path.isabs(path):
        return f"{path} is no absolute path: write it out"
    real = os.path.realpath(path)
    if not os.path.exists(real):
        return f"{path} does not exist: bring it onto the host first"
    if not os.path.isfile(real):
        return f"{path} is no file: name a program"
    # Who can change a link on the way chooses the program as well.
    for place in dict.fromkeys((*_way(path), *_way(real))):
        facts = os.stat(place)
        if facts.st_uid not in (0, account.pw_uid):
            return f"{place} does not belong to root: chown root {place}"
        # In a folder with the sticky bit nobody can replace what is another's.
        sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
        if not sticky and (facts.st_mode & stat.S_IWOTH or (facts.st_mode & stat.S_IWGRP and facts.st_gid != 0)):
            return f"{place} can be written by others than root: chmod go-w {place}"
        if not _executable(facts, account.pw_uid, groups):
            what = "run" if place in (path, real) else "pass through"
            return f"{user} cannot {what} {place}: chmod a+x {place}"
    return _unfit_interpreter(path, real)


def _way(path: str) -> t.Iterator[str]:
    """Yield every folder on the way to a file, and the file."""
    yield "/"
    parts = path.strip("/").split("/")
    for number in range(len(parts)):
        yield "/" + "/".join(parts[: number + 1])


def _executable(facts: os.stat_result, uid: int, groups: t.Collection[int]) -> bool:
    if uid == 0:
        return bool(facts.st_mode & 0o111)
    if facts.st_uid == uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    return bool(facts.st_mode & (stat.S_IXGRP if facts.st_gid in groups else stat.S_IXOTH))


def _unfit_interpreter(path: str, real: str) -> str:
    with open(real, "rb") as stream:
        first = stream.readline(256)
    if first.startswith(b"\x7fELF"):
        return ""
    if not first.startswith(b"#!"):
        return (
            f"{path} is neither a program nor a script that names its interpreter: begin it with a line like #!/bin/sh"
        )
    if first.endswith(b"\r\n"):
        return f"{path} ends its lines as Windows does, so nothing finds its interpreter: convert it (dos2unix {path})"
    interpreter, *arguments = first[2:].decode(errors="replace").split() or [""]
    if not os.access(interpreter, os.X_OK):
        return f"{path} wants {interpreter or 'no interpreter'}, which is not there: correct its first line"
    names = [word for word in arguments if not word.startswith("-") and "=" not in word]
    if os.path.basename(interpreter) == "env" and names and shutil.which(names[0], path=_PATH) is None:
        return f"{path} wants {names[0]}, which is not there: install it, or correct its first line"
    return ""
