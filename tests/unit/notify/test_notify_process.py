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
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_stand import MailServer, NotifyStand
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.stand import eventually

MASTER, BACKUP = 'INSTANCE "VI_1" MASTER 150', 'INSTANCE "VI_1" BACKUP 150'


def priorities(stand: NotifyStand) -> list[int]:
    return [event["priority"] for event in stand.events]


def test_every_line_becomes_a_line_of_json_in_its_order(stand: NotifyStand) -> None:
    stand.start()
    stand.write(BACKUP, MASTER, 'GROUP "G" FAULT 0')
    eventually(lambda: len(stand.events) == 3, "three events")
    first, second, third = stand.events
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


def test_another_service_is_heard(stand: NotifyStand) -> None:
    stand.start()
    stand.send(event="split_brain", state="raised", instance="VI_1", message="lb2 has it, too.", peer="10.0.0.12")
    stand.send(event="split_brain", state="cleared", instance="VI_1", message="It is over.")
    eventually(lambda: len(stand.events) == 2, "two events")
    assert [event["previous"] for event in stand.events] == [None, "raised"]
    assert stand.events[0]["peer"] == "10.0.0.12"
    assert stand.events[1]["message"] == "It is over."


def test_what_is_not_understood_is_told_and_costs_nothing_else(stand: NotifyStand) -> None:
    stand.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        for message in (b"no JSON", b"[]", b'{"event": 3}', b"\xff", b"x" * 100000):
            connection.sendto(message, str(stand.events_socket))
    stand.write("nonsense", "", MASTER)
    eventually(lambda: len(stand.events) == 1, "one event")
    eventually(lambda: len(re.findall(r"a message is|is not understood", stand.journal.read_text())) == 7, "all told")


def test_lines_written_while_it_is_restarted_are_not_lost_and_keep_their_order(stand: NotifyStand) -> None:
    process = stand.start()
    written = threading.Thread(target=burst, args=(stand, 2000))
    written.start()
    for _restart in range(4):
        process.terminate()
        assert process.wait(10) == 0
        process = stand.start()
    written.join()
    eventually(lambda: len(stand.events) == 2000, lambda: f"2000 events, not {len(stand.events)}")
    assert priorities(stand) == list(range(2000))


def burst(stand: NotifyStand, count: int) -> None:
    for number in range(count):
        stand.write(f'INSTANCE "VI_1" {"MASTER" if number % 2 else "BACKUP"} {number}')
        time.sleep(0.001)


def test_a_pipe_full_of_lines_waits_for_the_start(stand: NotifyStand) -> None:
    stand.write(*(f'INSTANCE "VI_1" MASTER {number}' for number in range(5000)))
    stand.start()
    eventually(lambda: len(stand.events) == 5000, "5000 events")
    assert priorities(stand) == list(range(5000))


def test_the_state_before_is_known_after_a_restart(stand: NotifyStand) -> None:
    process = stand.start()
    stand.write(MASTER)
    eventually(lambda: len(stand.events) == 1, "an event")
    process.terminate()
    process.wait()
    stand.start()
    stand.write(BACKUP)
    eventually(lambda: len(stand.events) == 2, "two events")
    assert stand.events[1]["previous"] == "master"


@pytest.mark.parametrize("made", [False, True], ids=["gone", "made anew by another"])
def test_a_rotated_event_log_is_left_alone_and_another_one_goes_on(stand: NotifyStand, made: bool) -> None:
    stand.start()
    stand.write(BACKUP)
    eventually(lambda: len(stand.events) == 1, "an event")
    rotated = stand.event_log.rename(stand.folder / "events.jsonl.1")
    if made:
        stand.event_log.touch(0o640)
    stand.write(MASTER)
    eventually(lambda: [event["event"] for event in stand.events] == ["master"], "the new file has the new event")
    assert len(rotated.read_text().split("\n")) == 2
    assert stand.event_log.stat().st_mode & 0o777 == 0o640


def test_commands_get_the_facts_and_run_in_order(stand: NotifyStand) -> None:
    facts = '"$HOLDFAST_EVENT $HOLDFAST_INSTANCE $HOLDFAST_PRIORITY $HOLDFAST_PREVIOUS $*"'
    own = stand.script("own", f"echo own {facts} >>{stand.folder}/told; cat >>{stand.folder}/input")
    any_event = stand.script("any", f"echo any {facts} >>{stand.folder}/told")
    stand.configure(commands={"master": [f"{own} 'two words'"], "any": [[any_event, "$HOME"]]})
    stand.start()
    stand.write(BACKUP, MASTER)
    eventually(lambda: len(stand.told("told")) == 3, lambda: str(stand.told("told")))
    assert stand.told("told") == [
        "any backup VI_1 150  $HOME",
        "own master VI_1 150 backup two words",
        "any master VI_1 150 backup $HOME",
    ]
    assert json.loads(stand.told("input")[0]) == stand.events[1]


def test_a_command_that_hangs_is_killed_with_its_children_and_delays_no_other_instance(stand: NotifyStand) -> None:
    hangs = stand.script("hangs", f"sleep 600 & echo $! >>{stand.folder}/child; wait")
    quick = stand.script("quick", f"echo $HOLDFAST_INSTANCE >>{stand.folder}/told")
    stand.configure(commands={"fault": [hangs], "any": [quick]}, timeout=2)
    stand.start()
    began = time.monotonic()
    stand.write('INSTANCE "VI_1" FAULT 0', 'INSTANCE "VI_2" MASTER 150')
    eventually(lambda: len(stand.events) == 2, "both events")
    eventually(lambda: stand.told("told") == ["VI_2"], "the other instance's command")
    assert time.monotonic() - began < 2
    eventually(lambda: stand.told("told") == ["VI_2", "VI_1"], "the commands behind it")
    child = int(stand.told("child")[0])
    eventually(lambda: not alive(child), "the child is dead")
    assert "took longer than 2 s" in stand.journal.read_text()


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
def test_a_command_that_fails_is_told_and_the_next_one_runs(stand: NotifyStand, text: str, how: str) -> None:
    fails, next_one = stand.script("fails", text), stand.script("next", f"echo ran >>{stand.folder}/told")
    stand.configure(commands={"master": [fails, next_one]})
    stand.start()
    stand.write(MASTER)
    eventually(lambda: stand.told("told") == ["ran"], "the next command")
    assert f"{fails} for VI_1 master {how}." in stand.journal.read_text()


def test_a_program_that_is_not_there_is_told_and_the_next_one_runs(stand: NotifyStand) -> None:
    next_one = stand.script("next", f"echo ran >>{stand.folder}/told")
    stand.configure(commands={"master": ["/does/not/exist", next_one]})
    stand.start()
    stand.write(MASTER)
    eventually(lambda: stand.told("told") == ["ran"], "the next command")
    assert "/does/not/exist cannot be run: No such file" in stand.journal.read_text()


def test_commands_that_wait_outlive_a_restart_and_none_runs_twice(stand: NotifyStand) -> None:
    slow = stand.script("slow", f"sleep 0.15; echo $HOLDFAST_PRIORITY >>{stand.folder}/told")
    stand.configure(commands={"any": [slow]})
    process = stand.start()
    stand.write(*(f'INSTANCE "VI_1" MASTER {number}' for number in range(50)))
    eventually(lambda: len(stand.told("told")) > 3, "some commands ran")
    process.terminate()
    assert process.wait(10) == 0
    # systemd would end what still runs now: that command would be neither told nor kept.
    before = len(stand.told("told"))
    waiting = len(json.loads((stand.folder / "state.json").read_text())["commands"])
    assert before < 50
    assert before + waiting == 50
    stand.start()
    eventually(lambda: len(stand.told("told")) >= 50, "all commands ran")
    assert stand.told("told") == [str(number) for number in range(50)]


def test_events_of_one_second_come_in_one_mail(stand: NotifyStand, server: MailServer) -> None:
    stand.configure(mail=stand.mail(server.port))
    stand.start()
    stand.write('INSTANCE "VI_1" FAULT 0', 'INSTANCE "VI_2" MASTER 150')
    eventually(lambda: len(server.received) == 1, "a mail")
    mail = server.received[0]
    assert mail["Subject"] == "lb1: VI_1 became FAULT, VI_2 became MASTER"
    assert mail["To"] == "ops@example.com"
    text = str(mail.get_content())
    assert text.index("VI_1 became FAULT.") < text.index("VI_2 became MASTER.")


def test_only_what_was_asked_for_is_mailed(stand: NotifyStand, server: MailServer) -> None:
    stand.configure(mail=stand.mail(server.port, events=["master", "split_brain"]))
    stand.start()
    stand.write(BACKUP, MASTER)
    stand.send(event="watcher", state="raised", message="...")
    stand.send(event="split_brain", state="raised", instance="VI_1", message="...")
    wanted = ["lb1: VI_1 became MASTER, VI_1 split brain raised"]
    eventually(lambda: server.subjects == wanted, lambda: str(server.subjects))


def test_a_mail_waits_for_a_server_that_is_away_and_outlives_a_restart(stand: NotifyStand) -> None:
    server = MailServer()
    server.close()
    stand.configure(mail=stand.mail(server.port))
    process = stand.start()
    stand.write(MASTER)
    eventually(lambda: "does not take a mail, next attempt in 1 s" in stand.journal.read_text(), "a failed attempt")
    process.terminate()
    assert process.wait(10) == 0
    stand.write(BACKUP)
    back = MailServer(server.port)
    try:
        stand.start()
        eventually(lambda: back.subjects == ["lb1: VI_1 became MASTER, VI_1 became BACKUP"], lambda: str(back.subjects))
    finally:
        back.close()


def test_a_stop_sends_the_last_mail_at_once(stand: NotifyStand, server: MailServer) -> None:
    stand.configure(mail=stand.mail(server.port))
    process = stand.start()
    stand.write('INSTANCE "VI_1" STOP 150')
    process.terminate()
    assert process.wait(10) == 0
    assert server.subjects == ["lb1: VI_1 was stopped"]


def test_a_mail_that_is_refused_for_ever_is_told_and_given_up(stand: NotifyStand, server: MailServer) -> None:
    server.refuses = "550 nobody here"
    stand.configure(mail=stand.mail(server.port))
    stand.start()
    stand.write(MASTER)
    eventually(lambda: "refuses every recipient" in stand.journal.read_text(), "the refusal is told")
    server.refuses = ""
    stand.write(BACKUP)
    eventually(lambda: server.subjects == ["lb1: VI_1 became BACKUP"], lambda: str(server.subjects))


def test_a_mail_server_that_hangs_holds_up_neither_log_nor_commands(stand: NotifyStand) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        told = stand.script("told-it", f"echo $HOLDFAST_EVENT >>{stand.folder}/told")
        stand.configure(mail=stand.mail(silent.getsockname()[1]), commands={"any": [told]})
        stand.start()
        stand.write(BACKUP)
        silent.settimeout(10)
        with silent.accept()[0]:
            stand.write(MASTER)
            eventually(lambda: stand.told("told") == ["backup", "master"], "commands ran")
            assert len(stand.events) == 2


def test_settings_are_read_again_and_wrong_ones_are_not(stand: NotifyStand) -> None:
    process = stand.start()
    stand.config.write_text("{")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "is not taken over" in stand.journal.read_text(), "the refusal")
    told = stand.script("told-it", f"echo $HOLDFAST_EVENT >>{stand.folder}/told")
    stand.configure(commands={"any": [told]})
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "has been read again" in stand.journal.read_text(), "the new settings")
    stand.write(MASTER)
    eventually(lambda: stand.told("told") == ["master"], "the new command")


def test_a_wrong_configuration_at_the_start_costs_no_event(stand: NotifyStand) -> None:
    stand.configure(user="nobody-of-this-name")
    stand.write(MASTER)
    stand.start()
    eventually(lambda: "nobody is told" in stand.journal.read_text(), "the sentence")
    assert "there is no user nobody-of-this-name" in stand.journal.read_text()
    eventually(lambda: "VI_1 became MASTER." in stand.journal.read_text(), "the event in the journal at least")
