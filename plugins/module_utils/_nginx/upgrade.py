# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another program takes the place of a running nginx, which loses no request by that. Private to this collection.

The signals are those of https://nginx.org/en/docs/control.html, "Upgrading Executable on the Fly": USR2 lets the main
process start the program anew, which takes its listeners over; WINCH ends the workers of the old one when they have
answered; QUIT then ends itself. Until that the way back is open: HUP gives the old one workers again.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon, workers
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system import log_file
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import alive, children, named_process

__all__ = ("Question", "upgrade")

OLD = ".oldbin"
"""Ends the name of the pid file of the main process that hands over."""
SECONDS = 20.0
"""How long the new one may take for each step; a reload has as long."""
STEP = 0.02
ANSWER = 1.0


class Question(t.NamedTuple):
    """What is asked of the new nginx, in plain HTTP; any status below 500 is an answer."""

    address: str
    port: int
    host: str
    path: str

    def is_answered(self) -> bool:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=ANSWER)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", self.path, headers={"Host": self.host, "Connection": "close"})
            return connection.getresponse().status < 500
        return False


def upgrade(daemon: NginxDaemon, folder: str, question: Question | None, *, seconds: float = SECONDS) -> str:
    """Let the program in this folder, which the daemon's command leads to, take over; return a warning or nothing.

    Where nginx does not run nothing is done. HoldfastError where the new one does not start, or does not answer, in so
    many ``seconds``; then the old one serves as before.
    """
    old = daemon.main_pid()
    if old is None:
        return ""
    [pid_file] = daemon.pid_files()
    if named_process(daemon.name, [pid_file + OLD]) is not None:
        raise HoldfastError(
            f"nginx still ends the program of its last upgrade, which has requests to answer (process "
            f"{named_process(daemon.name, [pid_file + OLD])}): wait for it, or end it (kill -TERM)"
        )
    log = daemon.error_log()
    size = log_file.length(log)
    before = children(old)
    os.kill(old, signal.SIGUSR2)
    new = _awaited(lambda: _started(daemon, old, folder), seconds)
    fault = "" if new else "it does not start"
    if new:
        os.kill(old, signal.SIGWINCH)
        if not _awaited(lambda: not workers(old), seconds):
            fault = "the workers of before do not end"
        elif not _awaited(lambda: _serves(daemon, new, question), seconds):
            fault = "it does not answer"
    if fault:
        _undo(daemon, old, [pid for pid in children(old) if pid not in before], seconds)
        told = "; ".join(dict.fromkeys(daemon.complaints(log_file.read_from(log, size))))
        raise HoldfastError(f"the new nginx was given up, because {fault}{f' ({told})' if told else ''}")
    os.kill(old, signal.SIGQUIT)
    if _awaited(lambda: not alive(old), seconds):
        return ""
    return (
        f"nginx's main process of before ({old}) still has requests to answer, and ends with the last of them; until "
        "then systemd takes it for the main one"
    )


def _started(daemon: NginxDaemon, old: int, folder: str) -> int:
    """Return the new main process, which runs the program of the folder and has workers; 0 while there is none."""
    pid = daemon.main_pid()
    if pid is None or pid == old or not workers(pid):
        return 0
    with contextlib.suppress(OSError):
        return pid if os.readlink(f"/proc/{pid}/exe").startswith(f"{folder}/") else 0
    return 0


def _serves(daemon: NginxDaemon, pid: int, question: Question | None) -> bool:
    return daemon.main_pid() == pid and bool(workers(pid)) and (question is None or question.is_answered())


def _undo(daemon: NginxDaemon, old: int, started: t.Sequence[int], seconds: float) -> None:
    """Let the old main process serve again, and end what it has started, which gives the pid file back."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(old, signal.SIGHUP)
        _awaited(lambda: workers(old), seconds)
    for number in (signal.SIGQUIT, signal.SIGTERM, signal.SIGKILL):
        for pid in filter(alive, started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if _awaited(lambda: not any(map(alive, started)), seconds / 4):
            break
    _awaited(lambda: daemon.main_pid() == old, seconds)


T = t.TypeVar("T")


def _awaited(look: t.Callable[[], T], seconds: float) -> T:
    """Look again and again until something is found or the time is over, and return what was found last."""
    end = time.monotonic() + seconds
    found = look()
    while not found and time.monotonic() < end:
        time.sleep(STEP)
        found = look()
    return found
