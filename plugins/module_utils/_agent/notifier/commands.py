# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's commands for events, each with a time limit, as a user who need not be root."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import threading
import time
import typing as t

from ..service import ERROR, INFO, LONGEST_LINE, log
from ..supervisor import supervised
from .config import Config
from .events import FACTS, Event, subject_of
from .records import State

GRACE = 1.0  # seconds between SIGTERM and SIGKILL for a command that takes too long, and for what one leaves behind
STUCK = 5.0  # seconds more after which nobody waits for one that cannot be killed
AT_ONCE = 16  # commands that run beside each other
SHOWN = 50  # lines of a command that are kept in the journal
MOST_PRINTED = 1 << 20  # bytes
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LEVEL = re.compile(r"<([0-7])>")  # what a line may begin with (sd-daemon(3))


class Commands:
    """Runs the user's commands: those of one instance one after the other, a few instances beside each other."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.stopping = False
        self._busy: set[str] = set()
        self._threads = 0

    def start(self, config: Config) -> None:
        """Take up what waits, for every instance that nobody is at work for."""
        self.config = config
        with self.state.changed:
            while self._threads < AT_ONCE and not self.stopping and self._waiting(self._threads - len(self._busy)):
                self._threads += 1
                threading.Thread(target=self._work, daemon=True).start()

    def idle(self) -> bool:
        """Whether no command runs; call it with the lock held."""
        return not self._threads

    def _waiting(self, skipped: int = 0) -> dict[str, t.Any] | None:
        """Return the oldest event of an instance that nobody is at work for, after so many instances."""
        seen = set(self._busy)
        for entry in self.state.commands:
            subject = subject_of(entry["event"])
            if subject not in seen:
                if not skipped:
                    return entry
                skipped -= 1
                seen.add(subject)
        return None

    def _work(self) -> None:
        while True:
            with self.state.changed:
                entry = None if self.stopping else self._waiting()
                if entry is None:
                    self._threads -= 1
                    self.state.changed.notify_all()
                    return
                subject = subject_of(entry["event"])
                self._busy.add(subject)
                # It is taken off before it runs: rather a command cut short by a restart than one that runs twice.
                command = entry["commands"].pop(0)
                if not entry["commands"]:
                    self.state.commands.remove(entry)
            self.state.save()
            try:
                self._run(command, entry["event"])
            except Exception as error:  # noqa: BLE001  one bad command must not end the thread
                log(ERROR, f"{command[0]} cannot be run for {subject or 'the host'}: {error}.")
            with self.state.changed:
                self._busy.discard(subject)

    def _run(self, command: list[str], event: Event) -> None:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            supervised(GRACE, [*self.config.prefix, *command]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(event),
            cwd="/",
            start_new_session=True,
        )
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(json.dumps(event).encode() + b"\n")
        # Its arguments may be secret.
        what = f"{command[0]} for {subject_of(event) or 'the host'} {event['event']}"
        fault = follow(process, time.monotonic() + self.config.timeout)
        if fault is None:
            fault = f"it took longer than {self.config.timeout:g} s"
        if fault:
            log(ERROR, f"{what} is killed: {fault}.")
            process.terminate()
        try:
            code = process.wait(GRACE + STUCK)
        except subprocess.TimeoutExpired:
            log(ERROR, f"{what} cannot be killed, and is waited for no longer.")
            return
        if code and not fault:
            how = f"was killed by signal {-code}" if code < 0 else f"failed with status {code}"
            log(ERROR, f"{what} {how}.")


def follow(process: subprocess.Popen[bytes], deadline: float) -> str | None:
    """Write what a command prints to the journal until it ends; return why to kill it, None where its time is over."""
    shown = printed = 0
    rest = b""
    if process.stdout is None:
        raise ValueError("nobody reads what it prints")
    with process.stdout as stream:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                return None
            part = os.read(stream.fileno(), 65536)
            printed += len(part)
            *lines, rest = (rest + part).split(b"\n")
            if not part and rest:
                lines, rest = [rest], b""
            for line in lines[: max(0, SHOWN - shown)]:
                text = line.decode(errors="replace")
                level = LEVEL.match(text)
                log(int(level[1]) if level else INFO, text[level.end() :] if level else text)
            shown += len(lines)
            rest = rest[: 4 * LONGEST_LINE]
            if printed > MOST_PRINTED:
                return f"it printed more than {MOST_PRINTED >> 20} MB"
            if not part:
                break
    if shown > SHOWN:
        log(INFO, f"It printed {shown - SHOWN} more lines.")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))  # it may go on without its output
    except subprocess.TimeoutExpired:
        return None
    return ""


def environment(event: Event) -> dict[str, str]:
    """Return the environment of a command: PATH, LANG and the facts as HOLDFAST_..., empty where there is none."""
    facts = {name: event.get(name) for name in FACTS}
    variables = {f"HOLDFAST_{name.upper()}": "" if value is None else str(value) for name, value in facts.items()}
    return {"PATH": PATH, "LANG": "C.UTF-8", **{name: value.replace("\0", "") for name, value in variables.items()}}
