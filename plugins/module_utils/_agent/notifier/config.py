# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom to tell of what: the configuration of the service that tells."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import socket
import typing as t

from ..service import faults_in_words
from .events import Event
from .metrics import Metrics

FALLBACK = {
    "host": socket.gethostname(),
    "event_log": "/var/log/holdfast/events.jsonl",
    "state_file": "/var/lib/holdfast/notify/state.json",
    "timeout": 10,
    "user": "root",
    "commands": {},
    "mail": None,
}
"""What holds where the configuration cannot be read: nobody is told, but no event is missing in the log."""


class Config:
    """The configuration file; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.host = str(data["host"])
            self.event_log = str(data["event_log"])
            self.state_file = str(data["state_file"])
            self.timeout = float(data["timeout"])
            self.user = str(data["user"])
            self.commands: dict[str, list[list[str]]] = {
                event: [words(command) for command in commands] for event, commands in data["commands"].items()
            }
            self.mail: dict[str, t.Any] | None = data["mail"] or None
            if self.mail:
                self.mail = {"port": 25, "starttls": False, **self.mail}
                for name in ("to", "from", "host", "events"):
                    self.mail[name]  # noqa: B018  it must be there
            self.prefix = as_user(self.user)
            metrics = data.get("metrics") or {"file": "", "track_dir": "", "instances": []}
            self.metrics = Metrics(str(metrics["file"]), list(metrics["instances"]), str(metrics["track_dir"]))

    def commands_for(self, event: Event) -> list[list[str]]:
        """Return the user's commands for an event, those for any event last."""
        return [*self.commands.get(event["event"], []), *self.commands.get("any", [])]

    def mails(self, event: Event) -> bool:
        """Whether somebody wants a mail about an event."""
        return self.mail is not None and (event["event"] in self.mail["events"] or "any" in self.mail["events"])


def words(command: t.Any) -> list[str]:
    """Return a command as words: a text is split as a shell would, but none is run."""
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def as_user(name: str) -> list[str]:
    """Return the words to put before a command that runs as this user; none where we are that user already."""
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise ValueError(f"there is no user {name}") from None
    if account.pw_uid == os.geteuid():
        return []
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups", "--"]
