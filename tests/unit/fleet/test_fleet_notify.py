# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and mails that could never run or arrive are refused before any host is touched."""

from __future__ import annotations

import typing as t

import pytest
from inventory_builder import InventoryBuilder

MAIL = {"to": ["ops@example.com"], "from": "lb@example.com", "host": "mail.example.com"}
HOSTS = "lb1, lb2: "


def faults(variable: str, value: t.Any) -> list[str]:
    return [str(finding) for finding in InventoryBuilder({variable: value}).examine().faults.findings()]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (
            "keepalived_notify_commands",
            {"master": ["/bin/came --to 'the node'"], "any": [["/bin/true", "x"]]},
        ),
        ("keepalived_mail", MAIL),
        ("keepalived_mail", {**MAIL, "user": "u", "password": "p", "starttls": True, "port": "587", "events": ["any"]}),
        ("keepalived_mail", {**MAIL, "user": "u", "password": "p", "port": 465}),
        ("keepalived_mail", {**MAIL, "host": "localhost", "user": "u", "password": "p"}),
        ("keepalived_mail", {**MAIL, "from": "Balancers <lb@example.com>"}),
    ],
)
def test_what_can_be_told_is_taken(variable: str, value: t.Any) -> None:
    assert faults(variable, value) == []


@pytest.mark.parametrize(
    ("commands", "sentence"),
    [
        ({"Master": ["/x"]}, "keepalived_notify_commands.Master: is unknown: did you mean master?"),
        (
            {"master": ["notify.sh"]},
            "keepalived_notify_commands.master[0]: `notify.sh` is no absolute path",
        ),
        (
            {"master": ["/x '"]},
            "keepalived_notify_commands.master[0]: cannot be split into words: No",
        ),
        ({"master": [[]]}, "keepalived_notify_commands.master[0]: is empty: name a program"),
        ({"master": "/x"}, "keepalived_notify_commands.master: must be a list, not `/x`"),
    ],
)
def test_a_command_that_cannot_run_is_refused(commands: t.Any, sentence: str) -> None:
    (found,) = faults("keepalived_notify_commands", commands)
    assert found.startswith(HOSTS + sentence), found


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": None}, "keepalived_mail.host: is missing (name or address of the mail server)"),
        ({"to": []}, "keepalived_mail.to: is empty: list who gets the mail"),
        ({"to": ["ops"]}, "keepalived_mail.to[0]: `ops` is no mail address"),
        ({"server": "x"}, "keepalived_mail.server: is unknown: use to, from, host"),
        ({"port": 0}, "keepalived_mail.port: 0 is out of range: use 1 to 65535"),
        ({"events": ["slave"]}, "keepalived_mail.events[0]: must be master or backup or"),
        ({"user": "u"}, "keepalived_mail.password: is missing beside user: say both or neither"),
        ({"user": "u", "password": "seCret"}, "keepalived_mail.password: would go to mail.example.com in clear text"),
    ],
)
def test_a_mail_that_cannot_go_is_refused_without_its_password(changes: dict[str, t.Any], sentence: str) -> None:
    (found,) = faults("keepalived_mail", {**MAIL, **changes})
    assert found.startswith(HOSTS + sentence), found
    assert "seCret" not in found
