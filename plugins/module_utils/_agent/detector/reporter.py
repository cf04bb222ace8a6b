# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detector has found, told once: in a state file, in the journal, and as events."""

from __future__ import annotations

import contextlib
import json
import time
import typing as t

from ..service import ERROR, NOTICE, WARNING, log, replace_file, tell


class Reporter:
    """Makes a state file, lines in the journal and events of what changes; what stays the same is said once."""

    def __init__(self, state_file: str, events: str) -> None:
        self.state_file, self.events = state_file, events
        self.raised: dict[tuple[str, str], dict[str, t.Any]] = {}
        self._began: dict[tuple[str, str], float] = {}  # by a clock that nobody sets

    def begin(self) -> None:
        """Take back what an earlier run left raised: this one looks for itself."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError), open(
            self.state_file, encoding="utf-8"
        ) as stream:
            for finding in json.load(stream)["findings"]:
                tell(
                    self.events,
                    event=finding["event"],
                    state="cleared",
                    instance=finding["instance"],
                    message="The detector was started anew and looks again.",
                )
        self.write()

    def say(self, event: str, instance: str, facts: dict[str, t.Any] | None) -> None:
        """Note what holds now for an instance, None where all is well. ``facts`` has a ``message``."""
        key = (event, instance)
        before = self.raised.get(key)
        if facts is None:
            if before is not None:
                del self.raised[key]
                lasted = time.monotonic() - self._began.pop(key)
                message = f"{instance}: over after {lasted:.1f} s: {before['message']}"
                log(NOTICE, message)
                self.write()
                tell(self.events, event=event, state="cleared", instance=instance, message=message)
            return
        if before is not None and all(before.get(name) == value for name, value in facts.items()):
            return
        since = before["since"] if before else time.time()
        self._began.setdefault(key, time.monotonic())
        self.raised[key] = {"event": event, "instance": instance, "since": round(since, 3), **facts}
        log(ERROR, f"{instance}: {facts['message']}")
        self.write()
        if before is None:
            tell(self.events, event=event, state="raised", instance=instance, message=facts["message"])

    def write(self) -> None:
        """Replace the state file; where that fails, the journal says so."""
        state = {"state": "raised" if self.raised else "clear", "findings": list(self.raised.values())}
        try:
            replace_file(self.state_file, json.dumps(state, indent=2) + "\n")
        except OSError as error:
            log(WARNING, f"{self.state_file} cannot be written: {error.strerror}.")
