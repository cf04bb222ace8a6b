# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running keepalived for its state. Private to this collection.

keepalived writes its state as JSON when the main process gets a certain real-time signal (its number depends on the
C library, so the program is asked for it). The file has a fixed name in /tmp, or where TMPDIR of keepalived says, or
from 2.3.3 on is the json_dump_file of its configuration; it has mode 0600, comes without any notice of its completion,
and holds the passwords of VRRP version 2.

Any user may put something of this name into /tmp. keepalived replaces what lies there, but no folder. So an empty file
of ours takes the place first, by an exchange that leaves nobody a moment to come between; in a sticky folder no other
user can then remove it. What was read is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import named_process
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.exchange import exchange
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState, states

__all__ = ("PID_FILES", "main_pid", "read_states")

PID_FILES = ("/run/keepalived.pid", "/run/keepalived/keepalived.pid")
MAIN_FILE = "/etc/keepalived/keepalived.conf"


def main_pid() -> int | None:
    """Return the process id of keepalived's main process, or None where it does not run."""
    return named_process("keepalived", PID_FILES)


def read_states(runner: Runner = run, binary: str = "keepalived", *, timeout: float = 2.0) -> list[InstanceState]:
    """Return the state of every running vrrp_instance; empty where keepalived has none (yet).

    Raises HoldfastError where it does not run, was built without JSON, or has no place to write to.
    """
    pid = main_pid()
    if pid is None:
        raise HoldfastError("keepalived does not run: start it (systemctl start keepalived)")
    number = runner(binary, "--signum=JSON")
    if number.rc or not number.stdout.strip().isdigit():
        raise HoldfastError("this keepalived was built without JSON support: its state cannot be read")
    dump = _place(pid)
    ours = _occupy(dump)
    deadline = time.monotonic() + timeout
    folder = None
    try:
        # The way to it leads through the process, which may end meanwhile.
        folder = os.open(os.path.dirname(dump), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.kill(pid, int(number.stdout))
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                return states(_read_own(dump, ours))
            time.sleep(0.01)
    except (ProcessLookupError, FileNotFoundError):
        raise HoldfastError("keepalived ended while it was asked for its state") from None
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.unlink(os.path.basename(dump), dir_fd=folder)
            os.close(folder)
    return []


def _place(pid: int) -> str:
    """Return where keepalived writes its dump, in its own view of the file system: it may have a private /tmp."""
    folder = "/tmp"
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        for name, _sign, value in (item.partition(b"=") for item in file.read().split(b"\0")):
            if name == b"TMPDIR" and value.startswith(b"/"):
                folder = os.fsdecode(value)
    path = os.path.join(folder, "keepalived.json")
    with contextlib.suppress(ConfigError):
        for block in read_tree(MAIN_FILE).blocks:
            for option in block.find("json_dump_file") if block.name == "global_defs" else ():
                path = option.args[0] if option.args else path
    return f"/proc/{pid}/root{path}"


def _occupy(dump: str) -> int:
    """Put an empty file of ours in the place of whatever is there, and return its inode.

    HoldfastError where that is not possible, or the folder has no room for a dump.
    """
    folder, name = os.path.split(dump)
    shown = "/" + dump.split("/root/", 1)[-1]
    try:
        room = os.statvfs(folder)
        if not (room.f_bavail and (room.f_favail or not room.f_files)):
            raise HoldfastError(f"keepalived cannot write its state to {shown}: no room is left there, make some")
        aside = tempfile.mkdtemp(prefix=".holdfast-", dir=folder)
    except OSError as error:
        raise HoldfastError(f"keepalived cannot write its state to {shown}: {error.strerror or error}") from None
    ours = os.path.join(aside, name)
    try:
        handle = os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        inode = os.fstat(handle).st_ino
        os.close(handle)
        for _again in range(1000):
            with contextlib.suppress(FileNotFoundError):  # it went in this moment
                _put(ours, dump)
                return inode
        raise HoldfastError(f"somebody makes and removes {shown} all the time: find out who")
    except OSError as error:
        raise HoldfastError(f"{shown} cannot be replaced ({error.strerror or error}): remove it") from None
    finally:
        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(aside)


def _put(ours: str, dump: str) -> None:
    """Rename our file to the name; a folder there changes places with it."""
    try:
        os.rename(ours, dump)
    except IsADirectoryError:
        exchange(ours, dump)


def _read_own(path: str, ours: int) -> str:
    """Read the file if root wrote it and it is another than the empty one of ours; ValueError while it is not."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_uid != 0 or about.st_ino == ours:
        os.close(handle)
        raise ValueError("keepalived has not answered yet")
    with os.fdopen(handle, encoding="utf-8") as file:
        return file.read()
