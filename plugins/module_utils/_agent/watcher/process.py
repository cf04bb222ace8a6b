# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's main process, held so that its death is an event and not found by asking, and what its workers wait for."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import typing as t

from ..._system.processes import children, process

# The same on every architecture of Linux (the numbers were unified before this call came); os has it from Python 3.9.
SYS_PIDFD_OPEN = 434


class Gone(Exception):
    """There is no such process, or it is another program."""


class MainProcess:
    """nginx's main process, held by a pidfd where the kernel has them; raises Gone where it is none or dead.

    ``program`` is the name of another service that is guarded instead.
    """

    def __init__(self, pid: int, program: str = "nginx") -> None:
        self.pid = pid
        self.descriptor = pidfd_open(pid)
        self.began = self._began()
        if not self.alive() or not may_be(program, pid):
            self.close()
            raise Gone

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        if self.descriptor is None:
            return self.began is not None and self._began() == self.began
        return not select.select([self.descriptor], [], [], 0)[0]

    def _began(self) -> str | None:
        """Return when it began, so that a reused pid is told from it; None for a dead one and for a zombie."""
        found = process(self.pid)
        return found.began if found is not None and found.alive else None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Workers:
    """nginx's workers from a moment on: whether they would go on, if only the host let them.

    Moments are in seconds of one clock that never goes back. Without CONFIG_PROC_CHILDREN no worker is known.
    """

    def __init__(self, main: int, now: float) -> None:
        self._main = main
        self._since = now
        self._ran = sum(ran for _state, ran in self._look())

    def starve(self, now: float) -> bool:
        """Whether one is ready to run, and all together mostly got no processor: those that spin get it."""
        looked = list(self._look())
        ran = sum(ran for _state, ran in looked) - self._ran
        return ran < (now - self._since) / 2 and any(state == "R" for state, _ran in looked)

    def _look(self) -> t.Iterator[tuple[str, float]]:
        """Yield the state of each worker, and how many seconds of a processor it has used."""
        for worker in map(process, children(self._main)):
            if worker is not None:
                yield worker.state, worker.ran


def pidfd_open(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends, None where there are none; may raise Gone."""
    try:
        if hasattr(os, "pidfd_open"):
            return os.pidfd_open(pid)
        descriptor = int(ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_OPEN, pid, 0))
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "pidfd_open")
        return descriptor
    except OSError as error:
        if error.errno == errno.ESRCH:
            raise Gone from None
        return None


def may_be(program: str, pid: int) -> bool:
    """Whether its command line speaks of a program, or is hidden from us."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return program.encode() in stream.read(4096)
    except OSError:
        return True
