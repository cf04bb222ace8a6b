# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test stand for the service that tells: its FIFO and its socket held as systemd does, and a mail server."""

from __future__ import annotations

import email
import email.message
import email.policy
import fcntl
import getpass
import json
import os
import socket
import socketserver
import ssl
import subprocess
import threading
import typing as t
from pathlib import Path

from delivered import part

TIMEOUT = 15.0
SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, which fcntl has from Python 3.10
# systemd hands descriptors over from number 3 on, to the process of this number.
AS_SYSTEMD = 'exec 4<&"$2" 3<>"$1"; shift 2; LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"'


class Conversation(socketserver.StreamRequestHandler):
    """One SMTP dialogue, as far as a mail needs it."""

    server: MailServer

    def handle(self) -> None:
        if not isinstance(self.request, ssl.SSLSocket):
            self.say("220 harness")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                text = b"".join(each[1:] if each.startswith(b"..") else each for each in lines)
                self.server.received.append(email.message_from_bytes(text, policy=email.policy.default))
                self.say("250 taken")
            elif word == b"RCPT" and self.server.refuses:
                self.say(self.server.refuses)
            elif word == b"EHLO" and self.server.tls:
                self.say("250-harness\r\n250-AUTH PLAIN\r\n250 STARTTLS")
            elif word == b"STAR" and self.server.tls:
                self.say("220 go on")
                return self.secure(self.server.tls)
            elif word == b"AUTH":
                self.server.logins.append(line.split()[2].decode())
                self.say("235 welcome")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 harness")

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin anew over TLS; a client that does not want it goes away."""
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except OSError:
            return
        self.setup()
        self.handle()

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every mail, unless ``refuses`` is an answer for each recipient."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.received: list[email.message.EmailMessage] = []
        self.refuses = ""
        self.tls: ssl.SSLContext | None = None
        self.logins: list[str] = []
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.received]


class NotifyHarness:
    """The service beside a keepalived that is played by ``write``, and another service that is played by ``send``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fifo = folder / "notify.fifo"
        self.events_socket = folder / "events"
        self.event_log = folder / "events.jsonl"
        self.config = folder / "notify.json"
        self.journal = folder / "journal"
        os.mkfifo(self.fifo, 0o600)
        # systemd holds a write end for as long as its socket unit is there.
        self.held = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.held, SET_PIPE_SIZE, 1 << 20)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(self.events_socket))
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.settimeout(TIMEOUT)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.configure()

    def configure(self, **settings: t.Any) -> None:
        whole = {
            "host": "lb1",
            "event_log": str(self.event_log),
            "state_file": str(self.folder / "state.json"),
            "timeout": 5,
            "user": getpass.getuser(),
            "commands": {},
            "mail": None,
            **settings,
        }
        self.config.write_text(json.dumps(whole))

    def mail(self, port: int, **settings: t.Any) -> dict[str, t.Any]:
        """Return mail settings for a server at this port of this machine."""
        addresses = {"to": ["ops@example.com"], "from": "lb1@example.com", "host": "127.0.0.1", "port": port}
        return {**addresses, "starttls": False, "events": ["any"], **settings}

    def start(self) -> subprocess.Popen[bytes]:
        """Start the service and return it when it is ready, as systemd sees it."""
        descriptor = self.listener.fileno()
        command = ["bash", "-c", AS_SYSTEMD, "bash", str(self.fifo), str(descriptor)]
        with self.journal.open("ab") as journal:
            process = subprocess.Popen(
                [*command, *part("notifier", str(self.config))],
                stderr=journal,
                pass_fds=[descriptor],
                env={**os.environ, "NOTIFY_SOCKET": str(self.notified.getsockname())},
            )
        self.processes.append(process)
        while b"READY=1" not in self.notified.recv(4096):
            pass
        return process

    def write(self, *lines: str) -> None:
        """Write as keepalived does: each line in one write that never waits."""
        for line in lines:
            os.write(self.held, f"{line}\n".encode())

    def send(self, **event: t.Any) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.sendto(json.dumps(event).encode(), str(self.events_socket))

    def script(self, name: str, text: str) -> str:
        """Return the path of a new script."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    @property
    def events(self) -> list[dict[str, t.Any]]:
        """What stands in the event log."""
        if not self.event_log.exists():
            return []
        return [json.loads(line) for line in self.event_log.read_text().split("\n")[:-1]]

    def told(self, name: str) -> list[str]:
        """Return the lines of a file that a script writes."""
        path = self.folder / name
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        os.close(self.held)
        self.listener.close()
        self.notified.close()
