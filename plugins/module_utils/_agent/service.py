# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services of the collection do in the same way: read their file, speak to the journal, systemd, each other.

Nothing here waits for anybody, and nothing fails because nobody listens.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
import typing as t

ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6
LONGEST_LINE = 1500  # characters
LINES, PERIOD = 100, 10.0  # that one place in a program writes in so many seconds at most

Config = t.TypeVar("Config")


class _Place:
    """A place in a program from which lines come, and how many it has left out since ``began``."""

    def __init__(self) -> None:
        self.began = -PERIOD
        self.written = self.left_out = 0

    def may_write(self, now: float) -> bool:
        if now - self.began >= PERIOD and not self.left_out:
            self.began, self.written = now, 0
        if self.written < LINES:
            self.written += 1
            return True
        self.left_out += 1
        return False


_places: dict[tuple[str, int], _Place] = {}


def log(level: int, sentence: str) -> None:
    """Write one line for the journal; levels as in syslog.

    Much of what is told comes from others: so a line has an end, and a place that has more to tell than anybody reads
    is summed up, without a word less from the other places.
    """
    caller = sys._getframe(1)
    place = (caller.f_code.co_filename, caller.f_lineno)
    if _places.setdefault(place, _Place()).may_write(time.monotonic()):
        _write(level, sentence)


def log_left_out() -> None:
    """Tell how many lines were left out; whoever has an event loop calls this now and then."""
    now = time.monotonic()
    for place in list(_places.values()):
        if place.left_out and now - place.began >= PERIOD:
            _write(NOTICE, f"{place.left_out} more lines like those before were left out.")
            place.left_out = 0


def _write(level: int, sentence: str) -> None:
    prefix = f"<{level}>" if "JOURNAL_STREAM" in os.environ else ""
    sys.stderr.write(f"{prefix}{one_line(sentence)}\n")


def one_line(text: str) -> str:
    """Return a text as one line that is not too long and shows what a terminal would obey."""
    more = len(text) - LONGEST_LINE
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:LONGEST_LINE])
    return f"{shown} ... and {more} more characters" if more > 0 else shown


def notify(message: str) -> None:
    """Tell systemd (sd_notify); nothing where it does not listen."""
    send(os.environ.get("NOTIFY_SOCKET", ""), message)


def tell(path: str, *, event: str, state: str, instance: str, message: str) -> None:
    """Hand an event to the service that notifies people; nothing where nobody listens at this path."""
    send(path, json.dumps({"event": event, "state": state, "instance": instance, "message": message}))


def send(path: str, message: str) -> None:
    """Send a datagram to a Unix socket, if there is one and it takes it now."""
    if not path:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)
        connection.sendto(message.encode(), b"\0" + path[1:].encode() if path[0] == "@" else path)


@contextlib.contextmanager
def faults_in_words() -> t.Iterator[None]:
    """Make a ValueError with a sentence of what goes wrong while a configuration is taken apart."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    except (AttributeError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"it cannot be read: {error}") from None


def read(config_file: str, make: t.Callable[[str], Config]) -> Config:
    """Return what ``make`` makes of the text of a configuration file; raises ValueError with a sentence."""
    try:
        with open(config_file, encoding="utf-8") as stream:
            text = stream.read()
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    return make(text)


def replace_file(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file as a whole and by renaming, so that nobody reads half of it; raises OSError."""
    beside = f"{path}.new"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(beside, path)


def serve(config_file: str, make: t.Callable[[str], Config], run: t.Callable[[Config], None]) -> int:
    """Return 0 after an orderly stop and 2 for a wrong configuration; anything else that goes wrong is raised."""
    try:
        config = read(config_file, make)
    except ValueError as error:
        log(ERROR, f"{config_file}: {error}.")
        return 2
    run(config)
    return 0


def wakened_by(numbers: t.Iterable[int], handler: t.Callable[[int, t.Any], None]) -> socket.socket:
    """Handle signals, and return a socket that becomes readable with each: an event loop wakes, and empties it."""
    wakeup, wakeup_end = socket.socketpair()
    wakeup.setblocking(False)
    wakeup_end.setblocking(False)
    signal.set_wakeup_fd(wakeup_end.detach())  # for as long as this process lives
    for number in numbers:
        signal.signal(number, handler)
    return wakeup
