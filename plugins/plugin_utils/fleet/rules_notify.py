# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is to be told can be told: the user's commands and the mail. Private to this collection."""

from __future__ import annotations

import re
import shlex
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("notifications",)

SMTPS = 465
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|[^<>\n]*<[^\s@<>]+@[^\s@<>]+>")
HOME = ("localhost", "127.0.0.1", "::1")


def notifications(plan: Plan) -> t.Iterator[Fault]:
    """Yield what is wrong with ``keepalived_notify_commands`` and ``keepalived_mail`` of each balancer."""
    for member in plan.fleet.balancers:
        errors = [*_commands(member.variables["keepalived_notify_commands"], "keepalived_notify_commands")]
        if "keepalived_mail" in member.variables:
            errors += _mail(member.variables["keepalived_mail"], "keepalived_mail")
        yield from (Fault("notify", member.name, error.path, error.message) for error in errors)


def _commands(configured: Mapping[str, t.Any], path: str) -> t.Iterator[InputError]:
    for event, commands in configured.items():
        try:
            for index, command in enumerate(values.items(commands, f"{path}.{event}")):
                _command(command, f"{path}.{event}[{index}]")
        except InputError as error:
            yield error


def _command(command: t.Any, path: str) -> None:
    try:
        listed = command if isinstance(command, str) else values.items(command, path)
        argv = shlex.split(listed) if isinstance(listed, str) else [values.scalar(word, path) for word in listed]
    except ValueError as error:
        raise InputError(path, f"cannot be split into words: {error}") from None
    if not argv:
        raise InputError(path, "is empty: name a program")
    if not argv[0].startswith("/"):
        raise InputError(path, f"`{argv[0]}` is no absolute path: write it out, as no shell looks for it")


def _mail(mail: Mapping[str, t.Any], path: str) -> t.Iterator[InputError]:
    try:
        if not mail["to"]:
            raise InputError(f"{path}.to", "is empty: list who gets the mail")
        values.text(mail["host"], f"{path}.host")
        for index, address in enumerate(mail["to"]):
            _address(address, f"{path}.to[{index}]")
        _address(mail["from"], f"{path}.from")
        _login(mail, path)
    except InputError as error:
        yield error


def _address(value: t.Any, path: str) -> None:
    if not ADDRESS.fullmatch(values.text(value, path)):
        raise InputError(path, f"{values.shown(value)} is no mail address: write name@example.com")


def _login(mail: Mapping[str, t.Any], path: str) -> None:
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
