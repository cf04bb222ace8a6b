# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down every change of keepalived's state in the order in which they came, then tells who wants to know.

keepalived writes a line for each change into a FIFO; other services of this host send JSON objects to a socket.
systemd holds both open, so nothing is lost while this program is restarted or keepalived reopens the FIFO.

Each event becomes one line of JSON in the event log before anything else happens. Then come the user's commands, one
after the other for an instance, and the mails. Both wait in queues of their own threads: a command that hangs or a
mail server that is away holds up nothing. The queues are kept in a state file too and outlive a restart.

Where the configuration names one, it keeps a file of metrics as well: see metrics.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import stat
import time
import typing as t

from ..service import ERROR, NOTICE, WARNING, log, log_left_out, notify, read, wakened_by
from .commands import Commands
from .config import FALLBACK, Config
from .events import Event, History, parse_line, parse_message
from .mail import Mailer
from .metrics import Counted
from .records import EventLog, State

CONFIG = "/etc/holdfast/notify.json"
FIRST_DESCRIPTOR = 3  # where systemd hands descriptors over (sd_listen_fds)
LONGEST = 4096  # bytes of a message from another service, or of a line
PART = 65536  # bytes of lines that are taken at a time
MESSAGES = 64  # that are taken at a time: who sends on and on must not keep this program from all else
DRAIN = 5.0  # seconds in which commands and mails still begin when this program is stopped
LAST = 3.0  # seconds more for the commands that run then: one that is cut short does not run again
PING = 1.0
READ = selectors.EVENT_READ


class Service:
    """The event loop: it reads, writes the event log, and hands over to the threads. It never waits for them."""

    def __init__(self, config: Config, config_file: str, descriptors: t.Sequence[int]) -> None:
        self.config = config
        self.config_file = config_file
        self.event_log = EventLog(config.event_log)
        self.state = State(config.state_file)
        self.history = History(self.state.states)
        self.commands = Commands(self.state)
        self.mailer = Mailer(self.state, config)
        self.counted = Counted()
        self.running = True
        self.reload = False
        self.selector = selectors.DefaultSelector()
        self._rest = b""
        for descriptor in descriptors:
            os.set_blocking(descriptor, False)
            is_fifo = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
            self.selector.register(descriptor, READ, self.read_fifo if is_fifo else self.read_socket)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
        wakeup = wakened_by((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), self.signalled)
        self.selector.register(wakeup, READ, lambda _descriptor: wakeup.recv(64))
        self.commands.start(self.config)
        notify("READY=1")
        ping = 0.0
        while self.running:
            if self.reload:
                self.reload = False
                self.read_again()
            for key, _events in self.selector.select(PING):
                key.data(key.fd)
            self.config.metrics.write(time.monotonic(), self.state.states, self.counted)
            if time.monotonic() >= ping:
                ping = time.monotonic() + PING
                log_left_out()
                with contextlib.suppress(OSError):  # told when there is something to write
                    self.event_log.reopen()
                waiting = f"{len(self.state.commands)} events wait for commands, {len(self.state.mails)} for mails"
                notify(f"WATCHDOG=1\nSTATUS={waiting}")
        self.stop()

    def signalled(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            self.reload = True
        else:
            self.running = False

    def stop(self) -> None:
        """Write down what has arrived, and give commands and mails a moment; what they do not manage is kept."""
        notify("STOPPING=1")
        until = time.monotonic() + DRAIN
        for key in list(self.selector.get_map().values()):
            while key.data in (self.read_fifo, self.read_socket) and key.data(key.fd) and time.monotonic() < until:
                pass
        with self.state.changed:
            self.mailer.stopping = True
            self.state.changed.notify_all()
            self.state.changed.wait_for(lambda: self.commands.idle() and self.mailer.idle(), DRAIN)
            self.commands.stopping = True
            self.state.changed.wait_for(self.commands.idle, LAST)
        self.state.save()
        self.config.metrics.remove()

    def read_again(self) -> None:
        """Take over the configuration; keep the old one where the new one is wrong."""
        metrics = self.config.metrics
        try:
            self.config = read(self.config_file, Config)
        except ValueError as error:
            log(ERROR, f"{self.config_file} is not taken over: {error}.")
            return
        if metrics.path != self.config.metrics.path:
            metrics.remove()
        self.event_log.path = self.config.event_log
        self.commands.start(self.config)
        self.mailer.start(self.config)
        log(NOTICE, f"{self.config_file} has been read again.")

    def read_fifo(self, descriptor: int) -> bool:
        """Take lines that are there, and return whether there were any; systemd holds a write end, so it never ends."""
        try:
            part = os.read(descriptor, PART)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        self.take(lines, lambda line: parse_line(line[:LONGEST].decode(errors="replace")))
        return bool(part)

    def read_socket(self, descriptor: int) -> bool:
        """Take messages that are there, and return whether there were any."""
        messages: list[bytes] = []
        with socket.socket(fileno=os.dup(descriptor)) as connection, contextlib.suppress(BlockingIOError):
            while len(messages) < MESSAGES:
                messages.append(connection.recv(LONGEST + 1))
        self.take(messages, parse_message)
        return bool(messages)

    def take(self, parts: t.Sequence[bytes], parse: t.Callable[[bytes], Event]) -> None:
        """Make an event of each part; one that is not understood is told, and the others count."""
        for part in parts:
            try:
                event = self.history.complete(parse(part), self.config.host, time.time())
            except (TypeError, ValueError) as error:
                log(WARNING, f"{error}.")
                continue
            self.event_log.write(event)
            self.counted.take(event, time.time())
            self.dispatch(event)
        if parts:
            self.config.metrics.changed()
            self.state.save()
            self.event_log.settle()

    def dispatch(self, event: Event) -> None:
        """Put an event of the event log into the queues."""
        log(NOTICE, " ".join(str(event["message"]).split()))
        commands = self.config.commands_for(event)
        if commands:
            self.state.add(self.state.commands, {"event": event, "commands": commands}, "commands")
            self.commands.start(self.config)
        if self.config.mails(event):
            self.state.add(self.state.mails, {"event": event}, "mails")


def main(config_file: str = CONFIG) -> int:
    """Return 0 after an orderly stop and 2 where systemd holds nothing; anything else that goes wrong is raised."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        log(ERROR, "This program is started by holdfast-notify.socket, which holds its FIFO and its socket.")
        return 2
    try:
        config = read(config_file, Config)
    except ValueError as error:
        log(ERROR, f"{config_file}: {error}. Events are logged, nobody is told.")
        config = Config(json.dumps(FALLBACK))
    count = int(os.environ["LISTEN_FDS"])
    Service(config, config_file, range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + count)).run()
    return 0
