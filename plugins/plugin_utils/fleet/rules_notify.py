# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is to be told can be told: the user's commands and the mail. Private to this collection."""

from __future__ import annotations

import difflib
import re
import shlex
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("EVENTS", "MAIL_KEYS", "notifications")

EVENTS: tuple[str, ...] = (
    "master",
    "backup",
    "fault",
    "stop",
    "deleted",
    "master_rx_lower_pri",
    "split_brain",
    "watcher",
    "any",
)
"""What can be told: the words of keepalived in small letters, those of the other services, and all of them."""

MAIL_KEYS: tuple[str, ...] = ("to", "from", "host", "port", "starttls", "user", "password", "events")

SMTPS = 465
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|[^<>\n]*<[^\s@<>]+@[^\s@<>]+>")
HOME = ("localhost", "127.0.0.1", "::1")


def notifications(plan: Plan) -> t.Iterator[Fault]:
    """Yield what is wrong with ``keepalived_notify_commands`` and ``keepalived_mail`` of each balancer."""
    for member in plan.fleet.balancers:
        errors = [*_commands(member.variables["keepalived_notify_commands"], "keepalived_notify_commands")]
        if member.variables.get("keepalived_mail"):
            errors += _mail(member.variables["keepalived_mail"], "keepalived_mail")
        yield from (Fault("notify", member.name, error.path, error.message) for error in errors)


def _commands(said: t.Any, path: str) -> t.Iterator[InputError]:
    try:
        for event, commands in values.mapping(said, path).items():
            place = f"{path}.{event}"
            _known(event, EVENTS, place)
            for index, command in enumerate(values.items(commands, place)):
                _command(command, f"{place}[{index}]")
    except InputError as error:
        yield error


def _command(command: t.Any, path: str) -> None:
    try:
        words = shlex.split(command) if isinstance(command, str) else values.items(command, path)
    except ValueError as error:
        raise InputError(path, f"cannot be split into words: {error}") from None
    if not words:
        raise InputError(path, "is empty: name a program")
    if not str(words[0]).startswith("/"):
        raise InputError(path, f"`{words[0]}` is no absolute path: write it out, as no shell looks for it")


def _mail(said: t.Any, path: str) -> t.Iterator[InputError]:
    try:
        mail = values.mapping(said, path)
        for key in mail:
            _known(key, MAIL_KEYS, f"{path}.{key}")
        for key in ("to", "from", "host"):
            if not mail.get(key):
                raise InputError(f"{path}.{key}", "is missing: say " + WANTED[key])
        values.text(mail["host"], f"{path}.host")
        for index, address in enumerate(values.items(mail["to"], f"{path}.to")):
            _address(address, f"{path}.to[{index}]")
        _address(mail["from"], f"{path}.from")
        for index, event in enumerate(values.items(mail.get("events", []), f"{path}.events")):
            _known(values.text(event, f"{path}.events[{index}]"), EVENTS, f"{path}.events[{index}]")
        _login(mail, path)
    except InputError as error:
        yield error


WANTED = {"to": "who gets the mail", "from": "who sends it", "host": "which server takes it"}


def _address(value: t.Any, path: str) -> None:
    if not ADDRESS.fullmatch(values.text(value, path)):
        raise InputError(path, f"`{value}` is no mail address: write name@example.com")


def _login(mail: dict[str, t.Any], path: str) -> None:
    """Refuse half a login, and one that would be sent in clear text over a network."""
    port = values.integer(mail.get("port", 25), f"{path}.port", 1, 65535)
    starttls = values.boolean(mail.get("starttls", False), f"{path}.starttls")
    for key, other in (("user", "password"), ("password", "user")):
        if mail.get(key) and not mail.get(other):
            raise InputError(f"{path}.{other}", f"is missing beside {key}: say both or neither")
    if mail.get("password") and not starttls and port != SMTPS and mail["host"] not in HOME:
        raise InputError(
            f"{path}.password", f"would go to {mail['host']} in clear text: set starttls, or port to {SMTPS}"
        )


def _known(word: str, known: t.Sequence[str], path: str) -> None:
    if word not in known:
        near = difflib.get_close_matches(word, known, n=1)
        raise InputError(
            path, f"`{word}` is unknown: " + (f"did you mean {near[0]}?" if near else f"use {', '.join(known)}")
        )
