# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's commands for events, each with a time limit, as a user who need not be root."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

from holdfast_events import FACTS, Event, subject_of
from holdfast_notify_config import Config
from holdfast_records import State
from holdfast_service import ERROR, log

GRACE = 1.0  # seconds between SIGTERM and SIGKILL for a command that takes too long
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Commands:
    """Runs the user's commands: those of one instance one after the other, instances beside each other."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.stopping = False
        self._busy: set[str] = set()

    def start(self, config: Config) -> None:
        """Take up what waits, for every instance that nobody is at work for."""
        self.config = config
        with self.state.changed:
            waiting = dict.fromkeys(subject_of(entry["event"]) for entry in self.state.commands)
            for subject in waiting:
                if subject not in self._busy and not self.stopping:
                    self._busy.add(subject)
                    threading.Thread(target=self._work, args=(subject,), daemon=True).start()

    def idle(self) -> bool:
        """Whether no command runs; call it with the lock held."""
        return not self._busy

    def _work(self, subject: str) -> None:
        while True:
            with self.state.changed:
                entry = next((one for one in self.state.commands if subject_of(one["event"]) == subject), None)
                if entry is None or self.stopping:
                    self._busy.discard(subject)
                    self.state.changed.notify_all()
                    return
                # It is taken off before it runs: rather a command cut short by a restart than one that runs twice.
                command = entry["commands"].pop(0)
                if not entry["commands"]:
                    self.state.commands.remove(entry)
            self.state.save()
            try:
                self._run(command, entry["event"])
            except Exception as error:  # noqa: BLE001  one bad command must not end the thread
                log(ERROR, f"{command[0]} cannot be run for {subject or 'the host'}: {error}.")

    def _run(self, command: list[str], event: Event) -> None:
        process = subprocess.Popen(
            [*self.config.prefix, *command],
            stdin=subprocess.PIPE,
            stdout=sys.stderr,
            env=environment(event),
            cwd="/",
            start_new_session=True,
        )
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(json.dumps(event).encode() + b"\n")
        what = f"{' '.join(command)} for {subject_of(event) or 'the host'} {event['event']}"
        try:
            code = process.wait(self.config.timeout)
        except subprocess.TimeoutExpired:
            log(ERROR, f"{what} is killed: it took longer than {self.config.timeout:g} s.")
            kill_group(process)
            return
        if code:
            log(ERROR, f"{what} failed with status {code}.")


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def environment(event: Event) -> dict[str, str]:
    """Return the environment of a command: PATH, LANG and the facts as HOLDFAST_..., empty where there is none."""
    facts = {name: event.get(name) for name in FACTS}
    told = {f"HOLDFAST_{name.upper()}": "" if value is None else str(value) for name, value in facts.items()}
    return {"PATH": PATH, "LANG": "C.UTF-8", **{name: value.replace("\0", "") for name, value in told.items()}}
