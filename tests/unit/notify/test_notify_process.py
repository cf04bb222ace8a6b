# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that tells as a running process: nothing is lost, nothing comes twice, nothing waits for anything."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_harness import MailServer, NotifyHarness
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import eventually

MASTER, BACKUP = 'INSTANCE "VI_1" MASTER 150', 'INSTANCE "VI_1" BACKUP 150'


def priorities(harness: NotifyHarness) -> list[int]:
    return [event["priority"] for event in harness.events]


def test_every_line_becomes_a_line_of_json_in_its_order(harness: NotifyHarness) -> None:
    harness.start()
    harness.write(BACKUP, MASTER, 'GROUP "G" FAULT 0')
    eventually(lambda: len(harness.events) == 3, "three events")
    first, second, third = harness.events
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert {name: second[name] for name in ("host", "event", "instance", "priority", "previous")} == {
        "host": "lb1",
        "event": "master",
        "instance": "VI_1",
        "priority": 150,
        "previous": "backup",
    }
    assert second["message"] == "VI_1 became MASTER (it was BACKUP)."
    assert first["previous"] is None
    assert third["group"] == "G"
    assert "instance" not in third


def test_another_service_is_heard(harness: NotifyHarness) -> None:
    harness.start()
    harness.send(event="split_brain", state="raised", instance="VI_1", message="lb2 has it, too.", peer="10.0.0.12")
    harness.send(event="split_brain", state="cleared", instance="VI_1", message="It is over.")
    eventually(lambda: len(harness.events) == 2, "two events")
    assert [event["previous"] for event in harness.events] == [None, "raised"]
    assert harness.events[0]["peer"] == "10.0.0.12"
    assert harness.events[1]["message"] == "It is over."


def test_what_is_not_understood_is_told_and_costs_nothing_else(harness: NotifyHarness) -> None:
    harness.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        for message in (b"no JSON", b"[]", b'{"event": 3}', b"\xff", b"x" * 100000):
            connection.sendto(message, str(harness.events_socket))
    harness.write("nonsense", "", MASTER)
    eventually(lambda: len(harness.events) == 1, "one event")
    eventually(lambda: len(re.findall(r"a message is|is not understood", harness.journal.read_text())) == 7, "all told")


def test_lines_written_while_it_is_restarted_are_not_lost_and_keep_their_order(harness: NotifyHarness) -> None:
    process = harness.start()
    written = threading.Thread(target=burst, args=(harness, 2000))
    written.start()
    for _restart in range(4):
        process.terminate()
        assert process.wait(10) == 0
        process = harness.start()
    written.join()
    eventually(lambda: len(harness.events) == 2000, lambda: f"2000 events, not {len(harness.events)}")
    assert priorities(harness) == list(range(2000))


def burst(harness: NotifyHarness, count: int) -> None:
    for number in range(count):
        harness.write(f'INSTANCE "VI_1" {"MASTER" if number % 2 else "BACKUP"} {number}')
        time.sleep(0.001)


def test_a_pipe_full_of_lines_waits_for_the_start(harness: NotifyHarness) -> None:
    harness.write(*(f'INSTANCE "VI_1" MASTER {number}' for number in range(5000)))
    harness.start()
    eventually(lambda: len(harness.events) == 5000, "5000 events")
    assert priorities(harness) == list(range(5000))


def test_the_state_before_is_known_after_a_restart(harness: NotifyHarness) -> None:
    process = harness.start()
    harness.write(MASTER)
    eventually(lambda: len(harness.events) == 1, "an event")
    process.terminate()
    process.wait()
    harness.start()
    harness.write(BACKUP)
    eventually(lambda: len(harness.events) == 2, "two events")
    assert harness.events[1]["previous"] == "master"


@pytest.mark.parametrize("made", [False, True], ids=["gone", "made anew by another"])
def test_a_rotated_event_log_is_left_alone_and_another_one_goes_on(harness: NotifyHarness, made: bool) -> None:
    harness.start()
    harness.write(BACKUP)
    eventually(lambda: len(harness.events) == 1, "an event")
    rotated = harness.event_log.rename(harness.folder / "events.jsonl.1")
    if made:
        harness.event_log.touch(0o640)
    harness.write(MASTER)
    eventually(lambda: [event["event"] for event in harness.events] == ["master"], "the new file has the new event")
    assert len(rotated.read_text().split("\n")) == 2
    assert harness.event_log.stat().st_mode & 0o777 == 0o640


def test_commands_get_the_facts_and_run_in_order(harness: NotifyHarness) -> None:
    facts = '"$HOLDFAST_EVENT $HOLDFAST_INSTANCE $HOLDFAST_PRIORITY $HOLDFAST_PREVIOUS $*"'
    own = harness.script("own", f"echo own {facts} >>{harness.folder}/told; cat >>{harness.folder}/input")
    any_event = harness.script("any", f"echo any {facts} >>{harness.folder}/told")
    harness.configure(commands={"master": [f"{own} 'two words'"], "any": [[any_event, "$HOME"]]})
    harness.start()
    harness.write(BACKUP, MASTER)
    eventually(lambda: len(harness.told("told")) == 3, lambda: str(harness.told("told")))
    assert harness.told("told") == [
        "any backup VI_1 150  $HOME",
        "own master VI_1 150 backup two words",
        "any master VI_1 150 backup $HOME",
    ]
    assert json.loads(harness.told("input")[0]) == harness.events[1]


def test_a_command_that_hangs_is_killed_with_its_children_and_delays_no_other_instance(harness: NotifyHarness) -> None:
    hangs = harness.script("hangs", f"sleep 600 & echo $! >>{harness.folder}/child; wait")
    quick = harness.script("quick", f"echo $HOLDFAST_INSTANCE >>{harness.folder}/told")
    harness.configure(commands={"fault": [hangs], "any": [quick]}, timeout=2)
    harness.start()
    began = time.monotonic()
    harness.write('INSTANCE "VI_1" FAULT 0', 'INSTANCE "VI_2" MASTER 150')
    eventually(lambda: len(harness.events) == 2, "both events")
    eventually(lambda: harness.told("told") == ["VI_2"], "the other instance's command")
    assert time.monotonic() - began < 2
    eventually(lambda: harness.told("told") == ["VI_2", "VI_1"], "the commands behind it")
    child = int(harness.told("child")[0])
    eventually(lambda: not alive(child), "the child is dead")
    assert "took longer than 2 s" in harness.journal.read_text()


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("exit 3", "failed with status 3"),
        ("exec /does/not/exist", "failed with status 127"),
        ("kill -9 $$", "was killed by signal 9"),
    ],
)
def test_a_command_that_fails_is_told_and_the_next_one_runs(harness: NotifyHarness, text: str, how: str) -> None:
    fails, next_one = harness.script("fails", text), harness.script("next", f"echo ran >>{harness.folder}/told")
    harness.configure(commands={"master": [fails, next_one]})
    harness.start()
    harness.write(MASTER)
    eventually(lambda: harness.told("told") == ["ran"], "the next command")
    assert f"{fails} for VI_1 master {how}." in harness.journal.read_text()


def test_a_program_that_is_not_there_is_told_and_the_next_one_runs(harness: NotifyHarness) -> None:
    next_one = harness.script("next", f"echo ran >>{harness.folder}/told")
    harness.configure(commands={"master": ["/does/not/exist", next_one]})
    harness.start()
    harness.write(MASTER)
    eventually(lambda: harness.told("told") == ["ran"], "the next command")
    assert "/does/not/exist cannot be run: No such file" in harness.journal.read_text()


def test_commands_that_wait_outlive_a_restart_and_none_runs_twice(harness: NotifyHarness) -> None:
    slow = harness.script("slow", f"sleep 0.15; echo $HOLDFAST_PRIORITY >>{harness.folder}/told")
    harness.configure(commands={"any": [slow]})
    process = harness.start()
    harness.write(*(f'INSTANCE "VI_1" MASTER {number}' for number in range(50)))
    eventually(lambda: len(harness.told("told")) > 3, "some commands ran")
    process.terminate()
    assert process.wait(10) == 0
    # systemd would end what still runs now: that command would be neither told nor kept.
    before = len(harness.told("told"))
    waiting = len(json.loads((harness.folder / "state.json").read_text())["commands"])
    assert before < 50
    assert before + waiting == 50
    harness.start()
    eventually(lambda: len(harness.told("told")) >= 50, "all commands ran", within=60)
    assert harness.told("told") == [str(number) for number in range(50)]


def test_events_of_one_second_come_in_one_mail(harness: NotifyHarness, server: MailServer) -> None:
    harness.configure(mail=harness.mail(server.port))
    harness.start()
    harness.write('INSTANCE "VI_1" FAULT 0', 'INSTANCE "VI_2" MASTER 150')
    eventually(lambda: len(server.received) == 1, "a mail")
    mail = server.received[0]
    assert mail["Subject"] == "lb1: VI_1 became FAULT, VI_2 became MASTER"
    assert mail["To"] == "ops@example.com"
    text = str(mail.get_content())
    assert text.index("VI_1 became FAULT.") < text.index("VI_2 became MASTER.")


def test_only_what_was_asked_for_is_mailed(harness: NotifyHarness, server: MailServer) -> None:
    harness.configure(mail=harness.mail(server.port, events=["master", "split_brain"]))
    harness.start()
    harness.write(BACKUP, MASTER)
    harness.send(event="watcher", state="raised", message="...")
    harness.send(event="split_brain", state="raised", instance="VI_1", message="...")
    wanted = ["lb1: VI_1 became MASTER, VI_1 split brain raised"]
    eventually(lambda: server.subjects == wanted, lambda: str(server.subjects))


def test_a_mail_waits_for_a_server_that_is_away_and_outlives_a_restart(harness: NotifyHarness) -> None:
    server = MailServer()
    server.close()
    harness.configure(mail=harness.mail(server.port))
    process = harness.start()
    harness.write(MASTER)
    eventually(lambda: "does not take a mail, next attempt in 1 s" in harness.journal.read_text(), "a failed attempt")
    process.terminate()
    assert process.wait(10) == 0
    harness.write(BACKUP)
    back = MailServer(server.port)
    try:
        harness.start()
        eventually(lambda: back.subjects == ["lb1: VI_1 became MASTER, VI_1 became BACKUP"], lambda: str(back.subjects))
    finally:
        back.close()


def test_a_stop_sends_the_last_mail_at_once(harness: NotifyHarness, server: MailServer) -> None:
    harness.configure(mail=harness.mail(server.port))
    process = harness.start()
    harness.write('INSTANCE "VI_1" STOP 150')
    process.terminate()
    assert process.wait(10) == 0
    assert server.subjects == ["lb1: VI_1 was stopped"]


def test_a_mail_that_is_refused_for_ever_is_told_and_given_up(harness: NotifyHarness, server: MailServer) -> None:
    server.refuses = "550 nobody here"
    harness.configure(mail=harness.mail(server.port))
    harness.start()
    harness.write(MASTER)
    eventually(lambda: "refuses every recipient" in harness.journal.read_text(), "the refusal is told")
    server.refuses = ""
    harness.write(BACKUP)
    eventually(lambda: server.subjects == ["lb1: VI_1 became BACKUP"], lambda: str(server.subjects))


def test_a_mail_server_that_hangs_holds_up_neither_log_nor_commands(harness: NotifyHarness) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        told = harness.script("told-it", f"echo $HOLDFAST_EVENT >>{harness.folder}/told")
        harness.configure(mail=harness.mail(silent.getsockname()[1]), commands={"any": [told]})
        harness.start()
        harness.write(BACKUP)
        silent.settimeout(10)
        with silent.accept()[0]:
            harness.write(MASTER)
            eventually(lambda: harness.told("told") == ["backup", "master"], "commands ran")
            assert len(harness.events) == 2


def test_settings_are_read_again_and_wrong_ones_are_not(harness: NotifyHarness) -> None:
    process = harness.start()
    harness.config.write_text("{")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "is not taken over" in harness.journal.read_text(), "the refusal")
    told = harness.script("told-it", f"echo $HOLDFAST_EVENT >>{harness.folder}/told")
    harness.configure(commands={"any": [told]})
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "has been read again" in harness.journal.read_text(), "the new settings")
    harness.write(MASTER)
    eventually(lambda: harness.told("told") == ["master"], "the new command")


def test_a_wrong_configuration_at_the_start_costs_no_event(harness: NotifyHarness) -> None:
    harness.configure(user="nobody-of-this-name")
    harness.write(MASTER)
    harness.start()
    eventually(lambda: "nobody is told" in harness.journal.read_text(), "the sentence")
    assert "there is no user nobody-of-this-name" in harness.journal.read_text()
    eventually(lambda: "VI_1 became MASTER." in harness.journal.read_text(), "the event in the journal at least")
