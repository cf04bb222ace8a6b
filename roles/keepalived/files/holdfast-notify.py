#!/usr/bin/python3
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down every change of keepalived's state in the order in which they came, then tells who wants to know.

keepalived writes a line for each change into a FIFO; other services of this host send JSON objects to a socket.
systemd holds both open, so nothing is lost while this program is restarted or keepalived reopens the FIFO.

Each event becomes one line of JSON in the event log before anything else happens. Then come the user's commands, one
after the other for an instance, and the mails. Both wait in queues of their own threads: a command that hangs or a
mail server that is away holds up nothing. The queues stand in a state file too and outlive a restart.
"""

from __future__ import annotations

import collections
import contextlib
import email.message
import email.utils
import errno
import json
import os
import pwd
import re
import selectors
import shlex
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import typing as t
from datetime import datetime, timezone

# The interpreter is started without any folder to import from.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from holdfast_service import ERROR, NOTICE, WARNING, faults_in_words, log, notify, read, wakened_by

CONFIG = "/etc/holdfast/notify.json"
FIRST_DESCRIPTOR = 3  # where systemd hands descriptors over (sd_listen_fds)
STATES = ("master", "backup", "fault", "stop", "deleted")
FACTS = ("time", "host", "event", "instance", "group", "state", "priority", "previous", "message")
LIMIT = 1000  # events that may wait for commands, and as many for mails
LONGEST = 16384  # bytes of a message from another service
COLLECT = 1.0  # seconds in which events become one mail
DELAYS = (1, 2, 5, 15, 30, 60, 120, 300)  # seconds before each further attempt to send a mail; the last one repeats
OLDEST = 86400.0  # seconds after which a mail is given up
SMTP_TIMEOUT = 20.0
SMTPS = 465  # at this port a server wants TLS from the first byte
DRAIN = 5.0  # seconds that commands and mails may still take when this program is stopped
GRACE = 1.0  # seconds between SIGTERM and SIGKILL for a command that takes too long
PING = 1.0
SHOWN = 3  # events that a subject names
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
READ = selectors.EVENT_READ

Event = t.Dict[str, t.Any]

LINE = re.compile(
    r"""(?P<kind>INSTANCE|GROUP)
        \ "(?P<name>.+)"  # keepalived escapes nothing, but a name holds no quote that is followed by a state
        \ (?P<state>[A-Z_]+)
        \ (?P<priority>[0-9]+)""",
    re.VERBOSE,
)


# What happened


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
        said = {name: value for name, value in event.items() if value or name not in ("instance", "group")}
        whole = {**said, "time": timestamp(moment), "host": host, "previous": self.states.get(key)}
        if becomes is not None:
            self.states[key] = becomes
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


# Mail


def wait_before(attempt: int) -> float:
    """Return how many seconds to wait before the attempt of this number; the first one is 1."""
    return float(DELAYS[min(attempt - 1, len(DELAYS)) - 1]) if attempt > 1 else 0.0


def headline(event: Event) -> str:
    """Return an event in a few words, for a subject."""
    name, word = subject_of(event), event["event"]
    if word in ("master", "backup", "fault"):
        words = f"{name} became {word.upper()}"
    elif word == "stop":
        words = f"{name} was stopped"
    else:
        words = " ".join(str(part) for part in (name, word.replace("_", " "), event.get("state")) if part)
    return " ".join(words.split())


def compose(events: t.Sequence[Event], mail: t.Mapping[str, t.Any], host: str) -> email.message.EmailMessage:
    """Return one mail about events, oldest first."""
    told = ", ".join(headline(event) for event in events[:SHOWN])
    more = f" and {len(events) - SHOWN} more" if len(events) > SHOWN else ""
    message = email.message.EmailMessage()
    message["From"] = mail["from"]
    message["To"] = ", ".join(mail["to"])
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=mail["from"].rpartition("@")[2].strip("> ") or None)
    message["Subject"] = f"{host}: {told}{more}"
    message["Auto-Submitted"] = "auto-generated"
    lines = [f"{event['time']}  {' '.join(str(event['message']).split())}" for event in events]
    priorities = {subject_of(event): event["priority"] for event in events if "priority" in event}
    if priorities:
        lines += ["", *(f"Priority of {name} on {host}: {value}" for name, value in priorities.items())]
    message.set_content("\n".join([f"On {host}:", "", *lines, ""]))
    return message


def send(message: email.message.EmailMessage, mail: t.Mapping[str, t.Any]) -> None:
    """Hand a mail to the server; raises OSError or SMTPException where it does not take it."""
    host, port = str(mail["host"]), int(mail["port"])
    server: smtplib.SMTP
    if port == SMTPS:
        server = smtplib.SMTP_SSL(host, port, timeout=SMTP_TIMEOUT, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT)
    with server:
        if mail["starttls"] and port != SMTPS:
            server.starttls(context=ssl.create_default_context())
        if mail.get("user"):
            server.login(mail["user"], mail["password"])
        refused = server.send_message(message)
    for address, (code, reason) in refused.items():
        log(ERROR, f"{mail['host']} refuses {address}: {code} {reason.decode(errors='replace')}.")


# What is to be done


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


class State:
    """What must outlive a restart: the last states, and what waits for commands and mails. Safe between threads.

    The file is written whole, and by renaming: after every event, before a command runs, and after a mail was sent.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.changed = threading.Condition()
        self._saving = threading.Lock()
        data: dict[str, t.Any] = {}
        try:
            with open(path, encoding="utf-8") as stream:
                data = json.load(stream)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log(WARNING, f"{path} cannot be read, what waited in it is lost: {error}.")
        self.states: dict[str, str] = dict(data.get("states", {}))
        self.commands: collections.deque[dict[str, t.Any]] = collections.deque(data.get("commands", []))
        self.mails: collections.deque[dict[str, t.Any]] = collections.deque(data.get("mails", []))

    def add(self, queue: collections.deque[dict[str, t.Any]], entry: dict[str, t.Any], what: str) -> None:
        """Append to a queue; where it is full, the oldest entry goes, and the journal says so."""
        with self.changed:
            if len(queue) >= LIMIT:
                log(ERROR, f"{LIMIT} events wait for {what}: that of {queue.popleft()['event']['time']} is given up.")
            queue.append(entry)
            self.changed.notify_all()

    def save(self) -> None:
        """Write the file; where that fails, the journal says so and everything goes on in memory."""
        with self._saving:
            with self.changed:
                data = {"states": self.states, "commands": list(self.commands), "mails": list(self.mails)}
                content = json.dumps(data)
            try:
                descriptor = os.open(f"{self.path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
                with open(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(content)
                os.replace(f"{self.path}.new", self.path)
            except OSError as error:
                log(ERROR, f"{self.path} cannot be written: {error.strerror}.")


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
                    too_old = time.time() - entry["since"] > OLDEST
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
            if time.monotonic() >= ping:
                ping = time.monotonic() + PING
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
        for key in list(self.selector.get_map().values()):
            if key.data in (self.read_fifo, self.read_socket):
                key.data(key.fd)
        with self.state.changed:
            self.mailer.stopping = True
            self.state.changed.notify_all()
            self.state.changed.wait_for(lambda: self.commands.idle() and self.mailer.idle(), DRAIN)
            self.commands.stopping = True
        self.state.save()

    def read_again(self) -> None:
        """Take over the configuration; keep the old one where the new one is wrong."""
        try:
            self.config = read(self.config_file, Config)
        except ValueError as error:
            log(ERROR, f"{self.config_file} is not taken over: {error}.")
            return
        self.event_log.path = self.config.event_log
        self.commands.start(self.config)
        self.mailer.start(self.config)
        log(NOTICE, f"{self.config_file} has been read again.")

    def read_fifo(self, descriptor: int) -> None:
        """Take all lines that are there; systemd holds a write end, so it never ends."""
        with contextlib.suppress(BlockingIOError):
            while True:
                part = os.read(descriptor, 65536)
                if not part:
                    break
                *lines, self._rest = (self._rest + part).split(b"\n")
                self.take(lines, lambda line: parse_line(line.decode(errors="replace")))

    def read_socket(self, descriptor: int) -> None:
        with socket.socket(fileno=os.dup(descriptor)) as connection, contextlib.suppress(BlockingIOError):
            while True:
                self.take([connection.recv(LONGEST)], parse_message)

    def take(self, parts: t.Iterable[bytes], parse: t.Callable[[bytes], Event]) -> None:
        """Make an event of each part; one that is not understood is told, and the others count."""
        for part in parts:
            try:
                event = self.history.complete(parse(part), self.config.host, time.time())
            except (TypeError, ValueError) as error:
                log(WARNING, f"{error}.")
                continue
            self.event_log.write(event)
            self.dispatch(event)
        self.state.save()
        self.event_log.settle()

    def dispatch(self, event: Event) -> None:
        """Put an event that stands in the event log into the queues."""
        log(NOTICE, " ".join(str(event["message"]).split()))
        commands = self.config.commands_for(event)
        if commands:
            self.state.add(self.state.commands, {"event": event, "commands": commands}, "commands")
            self.commands.start(self.config)
        if self.config.mails(event):
            self.state.add(self.state.mails, {"event": event, "since": time.time()}, "mails")


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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
