# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever messages, commands and servers do: the service goes on, stays small, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import supervisor
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.events import MOST_STATES, History
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.mail import send
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.notifier.records import LIMIT
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.supervisor import supervised
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import processes
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_harness import NotifyHarness
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.test_watcher_bounds import memory
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import eventually
from delivered import part

FEW = 40 * 1024  # kB of memory
MASTER = 'INSTANCE "VI_1" MASTER 150'


def left(mark: str) -> list[str]:
    """Return the command lines of all processes that have a word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                found.append(words.decode())
    return found


# Each begins what goes on for long, and says so: as a child, in a session of its own, deaf, and as a daemon.
STARTED = {
    "child": "sleep {mark} &",
    "session": "setsid sleep {mark} &",
    "daemon": "(setsid setsid sh -c 'sleep {mark} & sleep {mark} & exit' &)",
    "deaf": "setsid sh -c 'trap : TERM HUP; while :; do sleep {mark}; done' &",
    "stopped": "setsid sh -c 'kill -STOP $$; sleep {mark}' &",
    "many": "for n in $(seq 100); do setsid sleep {mark} & done",
    "without end": "setsid sh -c 'while :; do setsid sleep {mark} & sleep 0.01; done' &",
}


def test_one_whose_parent_ends_while_it_is_looked_for_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([()])  # the first finds nothing
    monkeypatch.setattr(supervisor, "processes", lambda: next(looks, processes()))
    child = subprocess.Popen(["sleep", "60"])
    try:
        assert child.pid in supervisor.descendants()
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("started", STARTED.values(), ids=STARTED)
@pytest.mark.parametrize("ends", ["exit 3", "sleep {mark}"], ids=["ends", "hangs"])
def test_nothing_outlives_its_command(started: str, ends: str) -> None:
    mark = f"{time.time_ns() % 10**9 + 10**6}.5"
    text = f"{started}\nsleep 0.3\n{ends}".format(mark=mark)
    command = part("supervisor", "0.2", "sh", "-c", text)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if ends == "exit 3":
        assert process.wait(15) == 3
    else:
        eventually(lambda: len(left(mark)) > 2, "it is under way")
        process.terminate()
        process.wait(15)
    assert left(mark) == []


@pytest.mark.parametrize(
    ("text", "status"), [("exit 0", 0), ("exit 5", 5), ("kill -9 $$", -9), ("kill -15 $$", -15), ("kill -11 $$", -11)]
)
def test_a_supervised_command_ends_as_it_does(text: str, status: int) -> None:
    command = part("supervisor", "0", "sh", "-c", text)
    assert subprocess.run(command, check=False).returncode == status


def test_a_command_is_supervised_from_where_the_service_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is there for as long as the service runs, and the tree that it led to then may be gone."""
    monkeypatch.setattr(sys, "argv", ["/usr/local/lib/holdfast/agent", "notifier"])
    assert supervised(1.5, ["mail", "-s", "x"])[1:] == [
        *("-I", "-S", "-B", "/usr/local/lib/holdfast/agent"),
        *("supervisor", "1.5", "mail", "-s", "x"),
    ]


def pings(harness: NotifyHarness, seconds: float) -> list[float]:
    """Return when the service told systemd that it lives."""
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        if b"WATCHDOG=1" in harness.notified.recv(4096):
            found.append(time.monotonic())
    return found


def test_messages_without_end_keep_the_service_from_nothing(harness: NotifyHarness) -> None:
    hangs = harness.script("hangs", "for n in 1 2 3 4 5 6 7 8; do setsid sleep 20 & done; yes & sleep 20")
    told = harness.script("told.sh", f"echo $HOLDFAST_INSTANCE >>{harness.folder}/told")
    harness.configure(commands={"flood": [hangs], "master": [told]}, timeout=1)
    process = harness.start()
    flooding = True

    def flood() -> None:
        number = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            while flooding:
                number += 1
                event = {"event": "flood", "state": f"{number}", "instance": f"I{number}", "message": "x" * 3000}
                connection.sendto(json.dumps(event).encode(), str(harness.events_socket))

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        began = time.monotonic()
        harness.write(MASTER)
        found = pings(harness, 6)
        eventually(lambda: '"master"' in harness.event_log.read_text(), "keepalived is heard")
        assert max(later - one for one, later in zip([began, *found], found)) < 3
        assert memory(process.pid) < 2 * FEW
    finally:
        flooding = False
        thread.join()
    journal = harness.journal.read_text().split("\n")
    assert len(journal) < 1500
    assert max(map(len, journal)) < 2000
    state = json.loads((harness.folder / "state.json").read_text())
    assert len(state["commands"]) <= LIMIT
    assert len(state["states"]) <= MOST_STATES


@pytest.mark.parametrize(
    ("text", "reason", "lines"),
    [
        pytest.param("yes; sleep 600", "it printed more than 1 MB", 60, id="lines without end"),
        pytest.param("cat /dev/zero", "it printed more than 1 MB", 60, id="a line without end"),
        pytest.param("seq 1000", "It printed 950 more lines", 60, id="many lines"),
        pytest.param("exec >&- 2>&-; sleep 600", "it took longer than 1 s", 10, id="no output"),
    ],
)
def test_what_a_command_prints_is_bounded(harness: NotifyHarness, text: str, reason: str, lines: int) -> None:
    prints = harness.script("prints", text)
    harness.configure(
        commands={"master": [prints, harness.script("next", f"echo ran >>{harness.folder}/told")]}, timeout=1
    )
    process = harness.start()
    harness.write(MASTER)
    eventually(lambda: harness.told("told") == ["ran"], "the next command")
    assert reason in harness.journal.read_text()
    assert len(harness.journal.read_text().split("\n")) <= lines
    assert memory(process.pid) < FEW


def test_a_line_of_keepalived_without_end_is_told_and_the_next_one_counts(harness: NotifyHarness) -> None:
    process = harness.start()
    for _part in range(100):
        os.write(harness.held, b"x" * 4096)
        eventually(lambda: process.poll() is None, "it lives")
    os.write(harness.held, b"\n")
    harness.write(MASTER)
    eventually(lambda: [event["event"] for event in harness.events] == ["master"], "the event")
    assert memory(process.pid) < FEW
    assert max(map(len, harness.journal.read_text().split("\n"))) < 2000


def test_200_faults_on_a_full_disk_are_few_lines(harness: NotifyHarness) -> None:
    harness.configure(event_log="/dev/full", state_file="/dev/full/state.json")
    harness.start()
    harness.write(*(f'INSTANCE "VI_{number}" FAULT 0' for number in range(200)))
    eventually(lambda: "VI_99 became FAULT" in harness.journal.read_text(), "told")
    eventually(lambda: "/dev/full cannot be written" in harness.journal.read_text(), "told")
    assert len(harness.journal.read_text().split("\n")) < 320


def test_what_is_known_of_instances_that_come_and_go_has_an_end() -> None:
    history = History({})
    for number in range(5 * MOST_STATES):
        history.complete({"event": "watcher", "state": "x" * 9000, "instance": f"{number}" * 2000}, "lb1", 0.0)
        history.complete({"event": "master", "instance": "VI_1"}, "lb1", 0.0)
    assert len(history.states) == MOST_STATES
    assert len(json.dumps(history.states)) < 500 * MOST_STATES
    assert history.complete({"event": "backup", "instance": "VI_1"}, "lb1", 0.0)["previous"] == "master"


def test_a_mail_server_whose_answer_has_no_end_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _peer = listener.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"220-and more\r\n" * 100)
                except OSError:
                    pass

        threading.Thread(target=speak, daemon=True).start()
        mail: dict[str, t.Any] = {"host": "127.0.0.1", "port": listener.getsockname()[1], "starttls": False}
        with pytest.raises((OSError, smtplib.SMTPException), match="has no end"):
            send(t.cast(t.Any, None), mail)
