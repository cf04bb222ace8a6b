# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service that tells makes of keepalived's lines, and the words that it finds for them."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.commands import environment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.events import (
    FACTS,
    STATES,
    Event,
    History,
    parse_line,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.mail import compose, wait_before
from documented import role_specs

MAIL = {"from": "Balancers <lb@example.com>", "to": ["a@example.com", "b@example.com"]}


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ('INSTANCE "VI_1" MASTER 150', {"event": "master", "instance": "VI_1", "priority": 150}),
        ('INSTANCE "VI 1" FAULT 0', {"event": "fault", "instance": "VI 1", "priority": 0}),
        ('INSTANCE "a" b" STOP 255', {"event": "stop", "instance": 'a" b', "priority": 255}),
        ('GROUP "G" BACKUP 0', {"event": "backup", "group": "G"}),
        (
            'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150',
            {"event": "master_rx_lower_pri", "instance": "VI_1", "priority": 150},
        ),
    ],
)
def test_a_line_is_an_event(line: str, event: Event) -> None:
    assert parse_line(line) == event


@pytest.mark.parametrize(
    "line", ["", "MASTER", 'INSTANCE "VI_1" MASTER', 'INSTANCE "VI_1" MASTER 150 x', 'VS "x" UP 1']
)
def test_another_line_is_none(line: str) -> None:
    with pytest.raises(ValueError, match="is not understood"):
        parse_line(line)


def told(*lines: str) -> list[Event]:
    history = History({})
    return [history.complete(parse_line(line), "lb1", 1.0) for line in lines]


def test_each_instance_and_each_group_has_a_state_of_its_own() -> None:
    events = told(
        'INSTANCE "A" BACKUP 1',
        'INSTANCE "B" MASTER 1',
        'GROUP "A" FAULT 0',
        'INSTANCE "A" STOP 1',
        'GROUP "A" BACKUP 0',
    )
    assert [event["previous"] for event in events] == [None, None, None, "backup", "fault"]


def test_what_is_no_state_changes_none() -> None:
    events = told('INSTANCE "A" MASTER 1', 'INSTANCE "A" MASTER_RX_LOWER_PRI 1', 'INSTANCE "A" BACKUP 1')
    assert [event["previous"] for event in events] == [None, "master", "master"]


def test_the_facts_come_first_and_the_time_is_utc_with_milliseconds() -> None:
    event = History({}).complete({"peer": "x", "event": "watcher", "state": "raised"}, "lb1", 1700000000.0129)
    assert list(event)[:3] == ["time", "host", "event"]
    assert list(event)[-1] == "peer"
    assert event["time"] == "2023-11-14T22:13:20.012Z"


def test_an_event_of_the_host_names_no_instance() -> None:
    event = History({}).complete({"event": "watcher", "state": "raised", "instance": ""}, "lb1", 0.0)
    assert "instance" not in event
    assert event["message"] == "the host: watcher is raised."


def test_another_service_cannot_speak_for_the_host() -> None:
    event = History({}).complete({"event": "watcher", "host": "x", "time": "y", "previous": "z"}, "lb1", 0.0)
    assert (event["host"], event["time"], event["previous"]) == ("lb1", "1970-01-01T00:00:00.000Z", None)


def test_attempts_are_put_off_further_and_further_and_never_end() -> None:
    assert [wait_before(number) for number in range(1, 11)] == [0, 1, 2, 5, 15, 30, 60, 120, 300, 300]


def test_a_mail_says_which_host_which_instance_and_what() -> None:
    mail = compose(told('INSTANCE "A" BACKUP 1', 'INSTANCE "A" MASTER 7'), MAIL, "lb1")
    assert mail["Subject"] == "lb1: A became BACKUP, A became MASTER"
    assert mail["To"] == "a@example.com, b@example.com"
    assert mail["Message-ID"].endswith("@example.com>")
    text = mail.get_content()
    assert "1970-01-01T00:00:01.000Z  A became MASTER (it was BACKUP)." in text
    assert "Priority of A on lb1: 7" in text


def test_a_subject_counts_what_it_has_no_room_for() -> None:
    lines = [f'INSTANCE "VI_{number}" FAULT 0' for number in range(5)]
    subject = compose(told(*lines), MAIL, "lb1")["Subject"]
    assert subject == "lb1: VI_0 became FAULT, VI_1 became FAULT, VI_2 became FAULT and 2 more"


def test_no_word_of_an_event_can_add_a_header() -> None:
    event = {"event": "watcher", "instance": "A\nBcc: x@example.com", "state": "raised", "message": "one\ntwo"}
    mail = compose([History({}).complete(event, "lb1", 0.0)], MAIL, "lb1")
    assert mail["Bcc"] is None
    assert mail["Subject"] == "lb1: A Bcc: x@example.com watcher raised"


def test_a_command_finds_every_fact_in_its_environment() -> None:
    variables = environment(told('GROUP "G" FAULT 0')[0])
    assert variables["HOLDFAST_GROUP"] == "G"
    assert variables["HOLDFAST_INSTANCE"] == variables["HOLDFAST_PREVIOUS"] == ""
    assert {f"HOLDFAST_{name.upper()}" for name in FACTS} | {"PATH", "LANG"} == set(variables)


def test_the_role_takes_commands_and_mails_for_every_state() -> None:
    specs = role_specs("keepalived")
    events = list(specs["keepalived_notify_commands"]["options"])
    assert set(STATES) < set(events)
    assert specs["keepalived_mail"]["options"]["events"]["choices"] == events
