# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that are under way: for the checks of the user's, and commands of the watcher's own."""

from __future__ import annotations

import selectors
import typing as t

from .checks import Check
from .children import Child, Command, FileCheck
from .probe import READ
from .prober import Prober

COMMAND_TIMEOUT = 1.0  # seconds for a command of the watcher's own


class Checker:
    """Begins checks and commands, waits for none, and tells the checks what came of it."""

    def __init__(self, selector: selectors.BaseSelector, prober: Prober) -> None:
        self.selector = selector
        self.prober = prober
        self._children: list[tuple[Child, Check | None]] = []

    def begin(self, check: Check, now: float) -> None:
        """Begin a check, unless the last one still goes on; a child that cannot be killed counts again and again."""
        child = next((child for child, other in self._children if other is check), None)
        if child is not None and not child.idle:
            if not check.under_way:
                check.late()
            return
        if check.under_way:
            return
        check.under_way = True
        if check.target is not None:
            self.prober.ask(check.target, check, now, check.timeout)
            return
        try:
            if check.command:
                self._children.append((Command(check.command, now=now, timeout=check.timeout), check))
            else:
                file_check = child if isinstance(child, FileCheck) else self._file_check(check)
                file_check.ask(now + check.timeout)
        except OSError as error:
            check.silent(f"no process can be started: {error.strerror}")

    def start(self, *words: str, now: float) -> Command | None:
        """Start a command of the watcher's own; return None where no process can be started."""
        try:
            command = Command(list(words), now=now, timeout=COMMAND_TIMEOUT)
        except OSError:
            return None
        self._children.append((command, None))
        return command

    def runs(self, command: Command | None) -> bool:
        """Whether a command has not been reaped yet."""
        return any(child is command for child, _check in self._children)

    def under_way(self) -> list[Child]:
        """Return those whose time is not over."""
        return [child for child, _check in self._children if not child.overdue]

    def reap(self) -> t.Iterator[tuple[Child, int]]:
        """Tell the checks of what has ended, and yield each command of the watcher's own that has, with its status."""
        for child, check in list(self._children):
            status = child.ended()
            if status is None:
                continue
            self._children.remove((child, check))
            if check is None:
                yield child, status
            elif not child.overdue:
                check.ended(status)

    def give_up(self, now: float) -> None:
        """Kill those whose time is over, and tell their checks."""
        for child, check in self._children:
            if child.deadline <= now and not child.overdue:
                child.overdue = True
                child.kill()
                if check is not None:
                    check.late()

    def stop(self) -> None:
        """Kill what is under way, and wait for nothing."""
        for child, _check in self._children:
            child.kill()
        self._children = [(child, None) for child, _check in self._children if child.ended() is None]

    def _file_check(self, check: Check) -> FileCheck:
        """Return a new process that looks at the file of a check; raises OSError."""
        file_check = FileCheck(check.file)

        def looked() -> None:
            found = file_check.answer()
            if found is None:
                self.selector.unregister(file_check.connection)
                file_check.connection.close()
            elif not file_check.overdue:
                check.looked(found)

        self.selector.register(file_check.connection, READ, looked)
        self._children.append((file_check, check))
        return file_check
