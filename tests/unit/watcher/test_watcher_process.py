# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watcher as a running process, beside an nginx that is killed, frozen, handed over and brought back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import PEER, Harness, eventually
from delivered import part

WITHOUT_PIDFD = """
import ctypes, errno, os
class NoSuchCall:
    def __init__(self, *args, **kwargs): pass
    def syscall(self, *args): ctypes.set_errno(errno.ENOSYS); return -1
ctypes.CDLL = NoSuchCall
if hasattr(os, "pidfd_open"): del os.pidfd_open
"""
FAILS_LATER = """
import selectors, time
begin = time.monotonic()
def select(self, timeout=None):
    if time.monotonic() - begin > 0.5:
        raise RuntimeError("a bug")
    time.sleep(0.01)
    return []
selectors.DefaultSelector.select = select
"""
BY_SYSTEM_CALL = """
import os
if hasattr(os, "pidfd_open"): del os.pidfd_open
"""


def test_a_healthy_nginx_is_fit_at_once(harness: Harness) -> None:
    harness.nginx()
    harness.watcher()
    assert harness.files == ("0\n", "0\n")


def test_a_dead_nginx_is_unfit_at_the_start_and_fit_when_it_has_come(harness: Harness) -> None:
    harness.watcher()
    assert harness.files == ("1\n", "0\n")
    harness.nginx()
    harness.becomes(0, 0)


@pytest.mark.parametrize(
    "prelude",
    [
        pytest.param("", id="pidfd of Python"),
        pytest.param(BY_SYSTEM_CALL, id="pidfd by system call"),
        pytest.param(WITHOUT_PIDFD, id="no pidfd"),
    ],
)
def test_a_crash_is_an_event_and_needs_no_question(harness: Harness, prelude: str) -> None:
    harness.configure(interval=60)
    nginx = harness.nginx()
    harness.watcher(prelude)
    nginx.kill()
    assert harness.becomes(1, 0) < 1.0


def test_a_crash_without_a_parent_that_reaps_is_seen(harness: Harness) -> None:
    """The killed process stays a zombie here, because the test never waits for it: it is dead all the same."""
    nginx = harness.nginx()
    harness.watcher(WITHOUT_PIDFD)
    os.kill(nginx.pid, signal.SIGKILL)
    harness.becomes(1, 0)
    assert Path(f"/proc/{nginx.pid}").exists()


def test_a_restarted_nginx_is_fit_again(harness: Harness) -> None:
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.becomes(1, 0)
    harness.nginx()
    harness.becomes(0, 0)


def test_a_main_process_that_hands_over_is_no_crash(harness: Harness) -> None:
    old = harness.nginx()
    harness.watcher()
    changes = Path(harness.track / "nginx_crash").stat().st_mtime_ns
    harness.nginx()
    old.kill()
    eventually(lambda: "handed over" in harness.log.read_text(), "the new main process is followed")
    assert harness.files == ("0\n", "0\n")
    assert Path(harness.track / "nginx_crash").stat().st_mtime_ns == changes, "it was 1 for a moment"


def test_the_new_main_process_is_held_as_well(harness: Harness) -> None:
    old = harness.nginx()
    harness.watcher()
    new = harness.nginx()
    old.kill()
    eventually(lambda: "handed over" in harness.log.read_text(), "the new main process is followed")
    new.kill()
    harness.becomes(1, 0)


def test_a_closed_listener_counts_at_once(harness: Harness) -> None:
    """What a graceful stop of nginx looks like while a slow download holds it: alive, and refusing."""
    nginx = harness.nginx()
    harness.configure(fall=1000)
    harness.watcher()
    nginx.send_signal(signal.SIGUSR1)
    harness.becomes(1, 0)
    assert nginx.poll() is None


def test_a_frozen_nginx_is_found_and_thawed(harness: Harness) -> None:
    nginx = harness.nginx()
    harness.watcher()
    nginx.send_signal(signal.SIGSTOP)
    assert harness.becomes(0, 1) < 1.0
    nginx.send_signal(signal.SIGCONT)
    harness.becomes(0, 0)


def test_a_pause_of_the_whole_machine_is_not_held_against_nginx(harness: Harness) -> None:
    """A question is under way when both are paused; the watcher runs again first, long after its time was up."""
    harness.configure(interval=0.2, timeout=1.0, fall=1, peers=[{"address": PEER}])
    harness.peer()
    nginx = harness.nginx()
    watcher = harness.watcher()
    nginx.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    watcher.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    watcher.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    nginx.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    assert "nginx_probe is 1" not in harness.log.read_text()


def test_an_internal_error_is_no_good_answer(harness: Harness) -> None:
    harness.nginx(status=500)
    harness.watcher()
    harness.becomes(0, 1)


def test_a_missing_health_location_is_told_and_takes_nothing_away(harness: Harness) -> None:
    harness.nginx(status=404)
    harness.watcher()
    eventually(lambda: "is the health location missing?" in harness.log.read_text(), "a warning")
    assert harness.files == ("0\n", "0\n")


def test_an_nginx_with_another_pid_file_is_fit_and_warned_of(harness: Harness) -> None:
    harness.nginx()
    harness.pid_file.unlink()
    harness.watcher()
    assert harness.files == ("0\n", "0\n")
    eventually(lambda: "its crash will be seen late" in harness.log.read_text(), "a warning")


def test_orphan_workers_of_a_dead_main_process_are_not_fit(harness: Harness) -> None:
    """Somebody answers, and the pid file names a process that is gone."""
    harness.nginx()
    harness.pid_file.write_text("4194305\n")
    harness.watcher()
    assert harness.files == ("1\n", "0\n")
    time.sleep(0.3)  # six good answers: that nothing happens can only be waited for
    assert harness.files == ("1\n", "0\n")


def test_a_pid_file_that_names_a_stranger_is_a_dead_nginx(harness: Harness) -> None:
    harness.pid_file.write_text(f"{os.getppid()}\n")
    harness.watcher()
    assert harness.files == ("1\n", "0\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_leaves_a_fit_node_and_says_so(harness: Harness, number: signal.Signals) -> None:
    watcher = harness.watcher()
    assert harness.files == ("1\n", "0\n")
    watcher.send_signal(number)
    assert watcher.wait(10) == 0
    assert harness.files == ("0\n", "0\n")
    harness.tells("nobody sees a crash")


def test_its_own_failure_leaves_a_fit_node(harness: Harness) -> None:
    watcher = harness.watcher(FAILS_LATER)
    assert harness.files == ("1\n", "0\n")
    assert watcher.wait(10) == 1
    assert harness.files == ("0\n", "0\n")
    harness.tells("a bug")


def test_a_systemd_that_does_not_listen_does_not_stop_it(harness: Harness) -> None:
    """Its socket is full here; a careless sender would wait for ever."""
    nginx = harness.nginx()
    watcher = harness.watcher()
    watcher.send_signal(signal.SIGSTOP)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(BlockingIOError):
        sender.setblocking(False)
        while True:
            sender.sendto(b"full", harness.notified.getsockname())
    time.sleep(0.6)  # so that it owes systemd a word
    watcher.send_signal(signal.SIGCONT)
    nginx.kill()
    eventually(lambda: harness.files[0] == "1\n", "the crash is told")
    time.sleep(0.6)  # and another one
    watcher.terminate()
    assert watcher.wait(5) == 0


def test_it_writes_in_place_with_one_write(harness: Harness) -> None:
    """keepalived's watch stays on the file, and a reader never finds it empty."""
    files = [harness.track / name for name in ("nginx_crash", "nginx_probe")]
    for path in files:
        path.write_text("0\n")
    inodes = [path.stat().st_ino for path in files]
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.becomes(1, 0)
    assert [path.stat().st_ino for path in files] == inodes


@pytest.mark.parametrize("damage", ["", "junk that is longer\n", "1\n"])
def test_a_damaged_file_is_put_right(harness: Harness, damage: str) -> None:
    harness.nginx()
    harness.watcher()
    (harness.track / "nginx_probe").write_text(damage)
    harness.becomes(0, 0)


def test_a_deleted_file_is_made_again(harness: Harness) -> None:
    harness.nginx()
    harness.watcher()
    (harness.track / "nginx_crash").unlink()
    harness.becomes(0, 0)


def test_a_changed_configuration_is_taken_over(harness: Harness) -> None:
    nginx = harness.nginx()
    harness.configure(fall=1000)
    watcher = harness.watcher()
    harness.configure(fall=1)
    watcher.send_signal(signal.SIGHUP)
    eventually(lambda: "has been read again" in harness.log.read_text(), "the configuration is read")
    nginx.send_signal(signal.SIGSTOP)
    harness.becomes(0, 1)


def test_a_wrong_configuration_is_not_taken_over(harness: Harness) -> None:
    nginx = harness.nginx()
    watcher = harness.watcher()
    harness.config.write_text("{")
    watcher.send_signal(signal.SIGHUP)
    eventually(lambda: "is not taken over" in harness.log.read_text(), "the configuration is refused")
    nginx.kill()
    harness.becomes(1, 0)


def test_a_wrong_configuration_at_the_start(harness: Harness) -> None:
    harness.config.write_text("{}")
    process = harness._start(*part("watcher", str(harness.config))[1:])
    assert process.wait(10) == 2
    harness.tells("track_dir is missing")


@pytest.mark.parametrize("interval", [0.05, 60])
def test_it_pings_the_watchdog_however_seldom_it_asks(harness: Harness, interval: float) -> None:
    harness.configure(interval=interval)
    harness.nginx()
    harness.watcher()
    begin = time.monotonic()
    messages = [harness.notified.recv(4096) for _number in range(3)]
    assert time.monotonic() - begin < 3, "the limit of its unit"
    assert all(b"WATCHDOG=1" in message for message in messages)
    assert b"STATUS=nginx is fit" in messages[-1]
