# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service that tells keeps on the disk: its state with the queues, and the event log."""

from __future__ import annotations

import collections
import contextlib
import errno
import json
import os
import threading
import typing as t

from ..service import ERROR, WARNING, log, replace_file
from .events import Event

LIMIT = 1000  # events that may wait for commands, and as many for mails


class State:
    """What must outlive a restart: the last states, and what waits for commands and mails. Safe between threads.

    The file is written whole, and by renaming: after every event, before a command runs, and after a mail was sent.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.changed = threading.Condition()
        self._saving = threading.Lock()
        self._asked = self._saved = 0
        self.states: dict[str, str] = {}
        self.commands: collections.deque[dict[str, t.Any]] = collections.deque()
        self.mails: collections.deque[dict[str, t.Any]] = collections.deque()
        try:
            with open(path, encoding="utf-8") as stream:
                data = json.load(stream)
            states, commands, mails = data["states"], data["commands"], data["mails"]
            if not all(isinstance(state, str) for state in states.values()):
                raise ValueError("a state is no text")
            if not all(_is_event(command["event"]) and _is_commands(command["commands"]) for command in commands):
                raise ValueError("what waits for commands is none of ours")
            if not all(
                _is_event(mail["event"]) and isinstance(mail.get("waited", 0.0), (int, float)) for mail in mails
            ):
                raise ValueError("what waits for mails is none of ours")
            self.states.update(states)
            self.commands.extend(commands)
            self.mails.extend(mails)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log(WARNING, f"{path} cannot be read, what waited in it is lost: {error!r}.")

    def add(self, queue: collections.deque[dict[str, t.Any]], entry: dict[str, t.Any], what: str) -> None:
        """Append to a queue; where it is full, the oldest entry goes, and the journal says so."""
        with self.changed:
            if len(queue) >= LIMIT:
                log(ERROR, f"{LIMIT} events wait for {what}: that of {queue.popleft()['event']['time']} is given up.")
            queue.append(entry)
            self.changed.notify_all()

    def save(self) -> None:
        """Write the file; where that fails, the journal says so and everything goes on in memory.

        Of those that come meanwhile one writes for all.
        """
        with self.changed:
            self._asked += 1
            mine = self._asked
        with self._saving:
            if self._saved >= mine:
                return
            with self.changed:
                self._saved = self._asked
                data = {"states": self.states, "commands": list(self.commands), "mails": list(self.mails)}
                content = json.dumps(data)
            try:
                replace_file(self.path, content, 0o600)
            except OSError as error:
                log(ERROR, f"{self.path} cannot be written: {error.strerror}.")


def _is_event(event: t.Any) -> bool:
    return isinstance(event, dict) and all(isinstance(event[fact], str) for fact in ("event", "time", "message"))


def _is_commands(commands: t.Any) -> bool:
    """Whether these are commands that are left to run: at least one, and of each the words."""
    return bool(commands) and all(
        bool(words) and isinstance(words, list) and all(isinstance(word, str) for word in words) for words in commands
    )


class EventLog:
    """The event log. It is opened again where it was rotated away, so logrotate needs to tell nobody."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = -1

    def write(self, event: Event) -> None:
        """Append one line in one write; where that fails, the line goes to the journal."""
        line = json.dumps(event)
        content = line.encode() + b"\n"
        try:
            self.reopen()
            before = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, content) < len(content):
                os.ftruncate(self._descriptor, before)  # the disk is full: half a line would spoil the next one
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            log(ERROR, f"{self.path} cannot be written ({error.strerror}): {line}")

    def settle(self) -> None:
        """Bring what was written to the disk."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.fdatasync(self._descriptor)

    def reopen(self) -> None:
        """Open the file of this name, unless it is open already; raises OSError."""
        if self._descriptor >= 0:
            with contextlib.suppress(FileNotFoundError):
                there, ours = os.stat(self.path), os.fstat(self._descriptor)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return
            os.close(self._descriptor)
            self._descriptor = -1
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.path, flags, 0o640)
