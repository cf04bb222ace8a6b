#!/usr/bin/python3
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that takes everything and writes down the subjects, a line each: mail_sink.py PORT FILE."""

from __future__ import annotations

import email
import email.policy
import socketserver
import sys


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 sink")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = email.message_from_bytes(text, policy=email.policy.default)
                with open(sys.argv[2], "a", encoding="utf-8") as stream:
                    stream.write(f"{message['Subject']}\n")
                self.say("250 taken")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 sink")

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Sink(("", int(sys.argv[1])), Conversation).serve_forever()
