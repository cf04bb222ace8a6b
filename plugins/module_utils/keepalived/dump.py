# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running keepalived for its state. Private to this collection.

keepalived writes its state as JSON when the main process gets a certain real-time signal (its number depends on the
C library, so the program is asked for it). The file has a fixed name in /tmp, mode 0600, comes without any notice of
its completion, and holds the passwords of VRRP version 2: it is removed before and after.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState, states

__all__ = ("PID_FILES", "main_pid", "read_states")

PID_FILES = ("/run/keepalived.pid", "/run/keepalived/keepalived.pid")
_DUMP = "tmp/keepalived.json"


def main_pid() -> int | None:
    """Return the process id of keepalived's main process, or None where it does not run."""
    for path in PID_FILES:
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                if file.read().strip() == "keepalived":
                    return pid
    return None


def read_states(runner: Runner = run, binary: str = "keepalived", *, timeout: float = 2.0) -> list[InstanceState]:
    """Return the state of every running vrrp_instance; empty where keepalived has none (yet).

    Raises HoldfastError where it does not run, or was built without JSON.
    """
    pid = main_pid()
    if pid is None:
        raise HoldfastError("keepalived does not run: start it (systemctl start keepalived)")
    number = runner(binary, "--signum=JSON")
    if number.rc or not number.stdout.strip().isdigit():
        raise HoldfastError("this keepalived was built without JSON support: its state cannot be read")
    dump = f"/proc/{pid}/root/{_DUMP}"  # in its own view of the file system, should it have a private /tmp
    _remove(dump)
    try:
        os.kill(pid, int(number.stdout))
    except ProcessLookupError:
        raise HoldfastError("keepalived ended while it was asked for its state") from None
    deadline = time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                return states(_read_own(dump))
            time.sleep(0.01)
    finally:
        _remove(dump)
    return []


def _read_own(path: str) -> str:
    """Read the file if root wrote it: anybody can put a file of this name into /tmp."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, encoding="utf-8") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != 0:
            raise HoldfastError(f"/{_DUMP} belongs to user id {about.st_uid}, not to root: remove it")
        return file.read()


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
