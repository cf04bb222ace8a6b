# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived does is written down, and who wants to know is told: all of it, once, in its order."""

from __future__ import annotations

import contextlib
import json
import time
import typing as t

import pytest

from harness.node import Node
from harness.waiting import eventually

Pair = t.Tuple[Node, Node]
Event = t.Dict[str, t.Any]

LOG, FIFO, SOCKET = "/var/log/holdfast/events.jsonl", "/run/holdfast/notify.fifo", "/run/holdfast/events"
TOLD = "/var/lib/around/told"
# As keepalived does: each line in one write that never waits.
BURST = """
import os, time
fifo = os.open("{fifo}", os.O_RDWR | os.O_NONBLOCK)
for number in range({count}):
    os.write(fifo, b'INSTANCE "{name}" %s %d\\n' % ((b"MASTER", b"BACKUP")[number % 2], number))
    time.sleep({pause})
"""


SEND = "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), sys.argv[2])"


class Since:
    """What a node has written down, and its command was told, since this was made."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._begin = {path: len(self._lines(path)) for path in (LOG, TOLD)}

    def events(self, instance: str = "VI_1") -> list[Event]:
        found = [json.loads(line) for line in self._new(LOG)]
        return [event for event in found if event.get("instance") == instance]

    def words(self, instance: str = "VI_1") -> list[str]:
        """What became of an instance; beside that keepalived says which adverts it hears."""
        return [event["event"] for event in self.events(instance) if event["event"] != "master_rx_lower_pri"]

    def told(self, instance: str = "") -> list[str]:
        """What the command was told, of one instance where one is given: user, event, instance, priority, previous."""
        return [line for line in self._new(TOLD) if not instance or line.split()[2:3] == [instance]]

    def _new(self, path: str) -> list[str]:
        return self._lines(path)[self._begin[path] :]

    def _lines(self, path: str) -> list[str]:
        # check_output takes the end of the last line away.
        return [line for line in self.node.run(f"cat {path} 2>/dev/null || true").split("\n") if line]


def mails(node: Node) -> list[str]:
    return node.run("cat /run/mails 2>/dev/null || true").split("\n")


def say(node: Node, line: str) -> None:
    """Write a line into the FIFO beside keepalived."""
    node.host.check_output("timeout 5 sh -c %s", f"echo '{line}' >{FIFO}")


def test_a_failover_is_told_by_both_nodes_in_the_order_in_which_it_happened(balancers: Pair, mail_sink: Node) -> None:
    lb1, lb2 = balancers
    first, second = Since(lb1), Since(lb2)
    lb1.run("systemctl stop nginx")
    eventually(lambda: second.words() == ["master"], within=10, saying="lb2 writes down that it is master")
    lb1.run("systemctl start nginx")
    eventually(lambda: first.words()[-1:] == ["master"], within=20, saying="lb1 writes down that it is master again")
    eventually(lambda: second.words() == ["master", "backup"], within=5, saying="lb2 stands by")
    assert first.words() == ["fault", "backup", "master"]
    assert [event["previous"] for event in first.events()[:3]] == ["master", "fault", "backup"]
    assert first.events()[0]["time"] < second.events()[1]["time"]
    assert second.events()[0]["time"] < first.events()[2]["time"]
    assert {event["host"] for event in first.events()} == {"lb1"}
    priority = first.events()[2]["priority"]
    assert second.events()[0]["priority"] < priority
    eventually(lambda: len(first.told()) >= 3, within=10, saying="the command was told all three")
    assert first.told()[2] == f"nobody master VI_1 {priority} backup"
    eventually(lambda: "lb1: VI_1 became FAULT" in str(mails(mail_sink)), within=10, saying="the mail of lb1 has come")
    eventually(lambda: "lb2: VI_1 became MASTER" in str(mails(mail_sink)), within=10, saying="the mail of lb2 has come")


def test_an_orderly_stop_is_told_and_so_is_the_start(balancers: Pair) -> None:
    lb1, _lb2 = balancers
    since = Since(lb1)
    lb1.run("systemctl restart keepalived")
    eventually(lambda: since.words()[-1:] == ["master"], within=30, saying="lb1 is master again")
    assert since.words() == ["stop", "backup", "master"]


def test_a_reload_of_keepalived_blinds_nobody(balancers: Pair) -> None:
    lb1, _lb2 = balancers
    since = Since(lb1)
    for _time in range(3):
        lb1.run("systemctl reload keepalived")
    lb1.run("systemctl stop nginx")
    eventually(lambda: "fault" in since.words(), within=10, saying="the fault after the reloads is written down")


def test_transitions_in_a_row_lose_nothing_while_the_service_is_restarted(balancers: Pair) -> None:
    lb1, _lb2 = balancers
    since = Since(lb1)
    burst = BURST.format(fifo=FIFO, count=300, name="ROW", pause=0.01)
    lb1.host.check_output("systemd-run --quiet python3 -c %s", burst)
    for _time in range(3):
        lb1.run("systemctl restart holdfast-notify")
    eventually(lambda: len(since.events("ROW")) == 300, within=30, saying="300 events")
    assert [event["priority"] for event in since.events("ROW")] == list(range(300))
    # They run one after the other, and a loaded machine takes its time. Which are missing is said by what follows.
    with contextlib.suppress(AssertionError):
        eventually(lambda: len(since.told("ROW")) >= 300, within=180, saying="300 commands")
    assert [line.split()[3] for line in since.told("ROW")] == [str(number) for number in range(300)]


def test_what_keepalived_writes_while_the_service_is_dead_is_read_later(balancers: Pair) -> None:
    lb1, _lb2 = balancers
    since = Since(lb1)
    lb1.run("systemctl kill --signal=KILL holdfast-notify; systemctl stop nginx")
    eventually(lambda: "fault" in since.words(), within=10, saying="the fault is written down")
    assert since.words().count("fault") == 1


def test_a_command_that_hangs_delays_nobody_else(balancers: Pair, mail_sink: Node) -> None:
    lb1, _lb2 = balancers
    since, before = Since(lb1), len(mails(mail_sink))
    say(lb1, 'INSTANCE "HANGS" FAULT 0')
    eventually(lambda: lb1.host.process.filter(comm="around-hangs"), within=5, saying="the command hangs")
    lb1.run("systemctl stop nginx")
    eventually(lambda: " fault VI_1 " in "".join(since.told()), within=10, saying="the other command was told")
    assert not [line for line in since.told() if " HANGS " in line]
    eventually(
        lambda: "VI_1 became FAULT" in "".join(mails(mail_sink)[before - 1 :]), within=10, saying="the mail came"
    )
    eventually(lambda: [line for line in since.told() if " HANGS " in line], within=40, saying="it was killed")
    assert not lb1.host.process.filter(comm="around-hangs")
    assert not lb1.run("pgrep -f '^sleep 60[01]$' || true"), "what it has started in another session ends with it"


def test_another_service_is_heard(balancers: Pair) -> None:
    _lb1, lb2 = balancers
    since = Since(lb2)
    event = {"event": "split_brain", "state": "raised", "instance": "TEST", "message": "Two hold it."}
    lb2.host.check_output("python3 -c %s %s %s", SEND, json.dumps(event), SOCKET)
    eventually(lambda: since.words("TEST") == ["split_brain"], within=5, saying="the event is written down")
    assert since.events("TEST")[0]["message"] == "Two hold it."


def test_a_rotated_event_log_goes_on(balancers: Pair) -> None:
    _lb1, lb2 = balancers
    old, new = (f"{word}-{time.time()}" for word in ("OLD", "NEW"))
    say(lb2, f'INSTANCE "{old}" MASTER 1')
    eventually(lambda: old in lb2.run(f"cat {LOG}"), within=5, saying="the event is written down")
    lb2.run("logrotate --force /etc/logrotate.d/holdfast-events")
    say(lb2, f'INSTANCE "{new}" MASTER 1')
    eventually(lambda: new in lb2.run(f"cat {LOG} || true"), within=5, saying="the new file has the new event")
    assert old in lb2.run(f"cat {LOG}.1")
    assert new not in lb2.run(f"cat {LOG}.1")


@pytest.mark.parametrize(
    ("path", "mode", "owner", "group"),
    [
        (FIFO, 0o600, "root", "root"),
        (SOCKET, 0o600, "root", "root"),
        (LOG, 0o640, "root", "adm"),
        ("/etc/holdfast/notify.json", 0o600, "root", "root"),
        ("/var/lib/holdfast/notify/state.json", 0o600, "root", "root"),
    ],
)
def test_only_root_reads_settings_and_speaks(path: str, mode: int, owner: str, group: str) -> None:
    found = Node("lb1").host.file(path)
    assert (found.mode, found.user, found.group) == (mode, owner, group)
