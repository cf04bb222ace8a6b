# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails about events: composed, sent, and tried again while the server is away."""

from __future__ import annotations

import contextlib
import email.message
import email.utils
import smtplib
import ssl
import threading
import time
import typing as t

from ..service import ERROR, NOTICE, WARNING, log
from .config import Config
from .events import Event, subject_of
from .records import State

COLLECT = 1.0  # seconds in which events become one mail
DELAYS = (1, 2, 5, 15, 30, 60, 120, 300)  # seconds before each further attempt to send a mail; the last one repeats
OLDEST = 86400.0  # seconds of waiting after which a mail is given up, whatever becomes of the clock
SMTP_TIMEOUT = 20.0  # seconds for each answer of the server
LONGEST_ANSWER = 64  # lines of an answer: there is one more for each extension of the server
SMTPS = 465  # at this port a server wants TLS from the first byte
SHOWN = 3  # events that a subject names


def headline(event: Event) -> str:
    """Return an event in a few words, for a subject."""
    name, word = subject_of(event), event["event"]
    if word in ("master", "backup", "fault"):
        text = f"{name} became {word.upper()}"
    elif word == "stop":
        text = f"{name} was stopped"
    else:
        text = " ".join(str(part) for part in (name, word.replace("_", " "), event.get("state")) if part)
    return " ".join(text.split())


def compose(events: t.Sequence[Event], mail: t.Mapping[str, t.Any], host: str) -> email.message.EmailMessage:
    """Return one mail about events, oldest first."""
    headlines = ", ".join(headline(event) for event in events[:SHOWN])
    more = f" and {len(events) - SHOWN} more" if len(events) > SHOWN else ""
    message = email.message.EmailMessage()
    message["From"] = mail["from"]
    message["To"] = ", ".join(mail["to"])
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=mail["from"].rpartition("@")[2].strip("> ") or None)
    message["Subject"] = f"{host}: {headlines}{more}"
    message["Auto-Submitted"] = "auto-generated"
    lines = [f"{event['time']}  {' '.join(str(event['message']).split())}" for event in events]
    priorities = {subject_of(event): event["priority"] for event in events if "priority" in event}
    if priorities:
        lines += ["", *(f"Priority of {name} on {host}: {value}" for name, value in priorities.items())]
    message.set_content("\n".join([f"On {host}:", "", *lines, ""]))
    return message


class _Bounded(smtplib.SMTP):
    """Hears no answer that has no end: each line of one would begin its time anew."""

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of an answer; raises OSError or SMTPException where it is none."""
        if self.file is None and self.sock is not None:
            self.file = self.sock.makefile("rb")
        stream, self.file = self.file, _Lines(self.file)
        try:
            return super().getreply()
        finally:
            if self.file is not None:  # which is closed where the server has gone
                self.file = stream


class _Lines:
    """So many lines of a stream, in so much time."""

    def __init__(self, stream: t.Any) -> None:
        self.stream, self.left, self.until = stream, LONGEST_ANSWER, time.monotonic() + SMTP_TIMEOUT

    def readline(self, size: int) -> bytes:
        self.left -= 1
        if self.left < 0 or time.monotonic() > self.until:
            raise OSError("its answer has no end")
        return bytes(self.stream.readline(size))

    def close(self) -> None:
        self.stream.close()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def send(message: email.message.EmailMessage, mail: t.Mapping[str, t.Any]) -> None:
    """Hand a mail to the server; raises OSError or SMTPException where it does not take it."""
    host, port = str(mail["host"]), int(mail["port"])
    server: smtplib.SMTP
    if port == SMTPS:
        server = _BoundedTls(host, port, timeout=SMTP_TIMEOUT, context=ssl.create_default_context())
    else:
        server = _Bounded(host, port, timeout=SMTP_TIMEOUT)
    with server:
        if mail["starttls"] and port != SMTPS:
            server.starttls(context=ssl.create_default_context())
        if mail.get("user"):
            server.login(mail["user"], mail["password"])
        refused = server.send_message(message)
    for address, (code, reason) in refused.items():
        log(ERROR, f"{mail['host']} refuses {address}: {code} {reason.decode(errors='replace')}.")


def wait_before(attempt: int) -> float:
    """Return how many seconds to wait before the attempt of this number; the first one is 1."""
    return float(DELAYS[min(attempt - 1, len(DELAYS)) - 1]) if attempt > 1 else 0.0


class Mailer:
    """Sends the mails in a thread of its own, and goes on trying while the server is away."""

    def __init__(self, state: State, config: Config) -> None:
        self.state = state
        self.config = config
        self.stopping = False
        self._attempt = 1
        self._due = 0.0
        self._busy = False
        threading.Thread(target=self._work, daemon=True).start()

    def start(self, config: Config) -> None:
        """Take over a configuration, and try at once what the old one could not send."""
        with self.state.changed:
            self.config = config
            self._attempt, self._due = 1, 0.0
            self.state.changed.notify_all()

    def idle(self) -> bool:
        """Whether nothing can be sent now; call it with the lock held."""
        return not self._busy and (self._attempt > 1 or not self._wanted())

    def _wanted(self) -> bool:
        return bool(self.state.mails) and self.config.mail is not None

    def _work(self) -> None:
        changed = self.state.changed
        while True:
            with changed:
                changed.wait_for(self._wanted)
                # The first event waits for those that come with it; after a failure the server gets time.
                self._due = time.monotonic() + (COLLECT if self._attempt == 1 else wait_before(self._attempt))
                while time.monotonic() < self._due and not self.stopping:
                    changed.wait(self._due - time.monotonic())
                if self.stopping and self._attempt > 1:
                    return
                batch, config = list(self.state.mails), self.config
                self._busy = True
            done = config.mail is None or self._sent([entry["event"] for entry in batch], config.mail, config.host)
            with changed:
                self._attempt = 1 if done else self._attempt + 1
                for entry in batch:
                    entry["waited"] = entry.get("waited", 0.0) + wait_before(self._attempt)
                    too_old = entry["waited"] > OLDEST
                    if too_old and not done:
                        log(ERROR, f"The mail about {entry['event']['message']!r} is given up after a day.")
                    if done or too_old:
                        with contextlib.suppress(ValueError):  # the queue was full, and has dropped it meanwhile
                            self.state.mails.remove(entry)
            self.state.save()
            with changed:
                self._busy = False
                changed.notify_all()

    def _sent(self, events: list[Event], mail: dict[str, t.Any], host: str) -> bool:
        """Whether there is nothing left to do about these events: they are sent, or refused for ever."""
        try:
            send(compose(events, mail, host), mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {address: code for address, (code, _reason) in error.recipients.items()}
            log(ERROR, f"{mail['host']} refuses every recipient: {codes}.")
            return all(code >= 500 for code in codes.values())
        except Exception as error:  # noqa: BLE001  whatever it is, later attempts may succeed
            pause = wait_before(self._attempt + 1)
            log(WARNING, f"{mail['host']} does not take a mail, next attempt in {pause:g} s: {error}.")
            return False
        log(NOTICE, f"{len(events)} event{'s' * (len(events) > 1)} told by mail to {', '.join(mail['to'])}.")
        return True
