# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened, as events of keepalived and of other services, complete and in words. No input, no output."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timezone

STATES = ("master", "backup", "fault", "stop", "deleted")
MOST_STATES = 1000  # of instances, groups and others that are known, those that have changed last
LONGEST_NAME = 200
FACTS = ("time", "host", "event", "instance", "group", "state", "priority", "previous", "message")

Event = t.Dict[str, t.Any]

LINE = re.compile(
    r"""(?P<kind>INSTANCE|GROUP)
        \ "(?P<name>.+)"  # keepalived escapes nothing, but a name holds no quote that is followed by a state
        \ (?P<state>[A-Z_]+)
        \ (?P<priority>[0-9]+)""",
    re.VERBOSE,
)


def parse_line(line: str) -> Event:
    """Return the event of a line of keepalived; raises ValueError for anything else."""
    match = LINE.fullmatch(line)
    if not match:
        raise ValueError(f"keepalived wrote a line that is not understood: {line!r}")
    priority = {"priority": int(match["priority"])} if match["kind"] == "INSTANCE" else {}
    return {"event": match["state"].lower(), match["kind"].lower(): match["name"], **priority}


def parse_message(message: bytes) -> Event:
    """Return the event that another service sent; raises ValueError for anything but an object with a name."""
    try:
        event = json.loads(message.decode())
    except ValueError:
        raise ValueError(f"a message is not JSON: {message[:200]!r}") from None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or not event["event"]:
        raise ValueError(f"a message is no object with an event: {message[:200]!r}")
    return event


def subject_of(event: Event) -> str:
    """Return the instance or the group that an event is about, empty where it is about the host."""
    return str(event.get("instance") or event.get("group") or "")


def timestamp(moment: float) -> str:
    """Return a moment of time.time() in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class History:
    """Knows the last state of everything, and completes an event with the state before it. No input, no output."""

    def __init__(self, states: dict[str, str]) -> None:
        self.states = states

    def complete(self, event: Event, host: str, moment: float) -> Event:
        """Return the event with all its facts, in the order of FACTS, further ones of the sender behind them."""
        word = event["event"]
        ours = word in STATES
        if ours or "state" not in event:
            key = f"{'group' if 'group' in event else 'instance'} {subject_of(event)}"
            becomes = word if ours else None
        else:
            key, becomes = f"{word} {subject_of(event)}", str(event["state"])
        key = key[:LONGEST_NAME]
        present = {name: value for name, value in event.items() if value or name not in ("instance", "group")}
        whole = {**present, "time": timestamp(moment), "host": host, "previous": self.states.get(key)}
        if becomes is not None:
            self.states.pop(key, None)
            self.states[key] = becomes[:LONGEST_NAME]
            if len(self.states) > MOST_STATES:
                del self.states[next(iter(self.states))]
        if not whole.get("message"):
            whole["message"] = sentence(whole)
        order = [name for name in FACTS if name in whole]
        return {name: whole[name] for name in [*order, *(name for name in whole if name not in order)]}


def sentence(event: Event) -> str:
    """Return what happened as a sentence."""
    name, word, previous = subject_of(event) or "the host", event["event"], event.get("previous")
    before = f" (it was {previous.upper()})" if previous else ""
    if word == previous:
        return f"{name} is {word.upper()} again: keepalived was ended without a word, or has read its files again."
    if word in ("master", "backup", "fault"):
        return f"{name} became {word.upper()}{before}."
    if word == "stop":
        return f"{name} was stopped with keepalived{before}."
    if word == "deleted":
        return f"{name} is no longer configured{before}."
    if word == "master_rx_lower_pri":
        return f"{name} holds its addresses, and heard the advert of another one with a lower priority."
    if "state" in event:
        return f"{name}: {word} is {event['state']}."
    return f"{name} reports {word.upper()}, its priority is {event.get('priority', 'not told')}."
