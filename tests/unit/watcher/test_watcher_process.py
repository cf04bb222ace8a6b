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
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.stand import PEER, Stand, eventually
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


def test_a_healthy_nginx_is_fit_at_once(stand: Stand) -> None:
    stand.nginx()
    stand.watcher()
    assert stand.files == ("0\n", "0\n")


def test_a_dead_nginx_is_unfit_at_the_start_and_fit_when_it_has_come(stand: Stand) -> None:
    stand.watcher()
    assert stand.files == ("1\n", "0\n")
    stand.nginx()
    stand.becomes(0, 0)


@pytest.mark.parametrize(
    "prelude",
    [
        pytest.param("", id="pidfd of Python"),
        pytest.param(BY_SYSTEM_CALL, id="pidfd by system call"),
        pytest.param(WITHOUT_PIDFD, id="no pidfd"),
    ],
)
def test_a_crash_is_an_event_and_needs_no_question(stand: Stand, prelude: str) -> None:
    stand.configure(interval=60)
    nginx = stand.nginx()
    stand.watcher(prelude)
    nginx.kill()
    assert stand.becomes(1, 0) < 1.0


def test_a_crash_without_a_parent_that_reaps_is_seen(stand: Stand) -> None:
    """The killed process stays a zombie here, because the test never waits for it: it is dead all the same."""
    nginx = stand.nginx()
    stand.watcher(WITHOUT_PIDFD)
    os.kill(nginx.pid, signal.SIGKILL)
    stand.becomes(1, 0)
    assert Path(f"/proc/{nginx.pid}").exists()


def test_a_restarted_nginx_is_fit_again(stand: Stand) -> None:
    nginx = stand.nginx()
    stand.watcher()
    nginx.kill()
    stand.becomes(1, 0)
    stand.nginx()
    stand.becomes(0, 0)


def test_a_main_process_that_hands_over_is_no_crash(stand: Stand) -> None:
    old = stand.nginx()
    stand.watcher()
    changes = Path(stand.track / "nginx_crash").stat().st_mtime_ns
    stand.nginx()
    old.kill()
    eventually(lambda: "handed over" in stand.log.read_text(), "the new main process is followed")
    assert stand.files == ("0\n", "0\n")
    assert Path(stand.track / "nginx_crash").stat().st_mtime_ns == changes, "it was 1 for a moment"


def test_the_new_main_process_is_held_as_well(stand: Stand) -> None:
    old = stand.nginx()
    stand.watcher()
    new = stand.nginx()
    old.kill()
    eventually(lambda: "handed over" in stand.log.read_text(), "the new main process is followed")
    new.kill()
    stand.becomes(1, 0)


def test_a_closed_listener_counts_at_once(stand: Stand) -> None:
    """What a graceful stop of nginx looks like while a slow download holds it: alive, and refusing."""
    nginx = stand.nginx()
    stand.configure(fall=1000)
    stand.watcher()
    nginx.send_signal(signal.SIGUSR1)
    stand.becomes(1, 0)
    assert nginx.poll() is None


def test_a_frozen_nginx_is_found_and_thawed(stand: Stand) -> None:
    nginx = stand.nginx()
    stand.watcher()
    nginx.send_signal(signal.SIGSTOP)
    assert stand.becomes(0, 1) < 1.0
    nginx.send_signal(signal.SIGCONT)
    stand.becomes(0, 0)


def test_a_pause_of_the_whole_machine_is_not_held_against_nginx(stand: Stand) -> None:
    """A question is under way when both are paused; the watcher runs again first, long after its time was up."""
    stand.configure(interval=0.2, timeout=1.0, fall=1, peers=[PEER])
    stand.peer()
    nginx = stand.nginx()
    watcher = stand.watcher()
    nginx.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    watcher.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    watcher.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    nginx.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    assert "nginx_probe is 1" not in stand.log.read_text()


def test_an_internal_error_is_no_good_answer(stand: Stand) -> None:
    stand.nginx(status=500)
    stand.watcher()
    stand.becomes(0, 1)


def test_a_missing_health_location_is_told_and_takes_nothing_away(stand: Stand) -> None:
    stand.nginx(status=404)
    stand.watcher()
    eventually(lambda: "is the health location missing?" in stand.log.read_text(), "a warning")
    assert stand.files == ("0\n", "0\n")


def test_an_nginx_with_another_pid_file_is_fit_and_warned_of(stand: Stand) -> None:
    stand.nginx()
    stand.pid_file.unlink()
    stand.watcher()
    assert stand.files == ("0\n", "0\n")
    eventually(lambda: "its crash will be seen late" in stand.log.read_text(), "a warning")


def test_orphan_workers_of_a_dead_main_process_are_not_fit(stand: Stand) -> None:
    """Somebody answers, and the pid file names a process that is gone."""
    stand.nginx()
    stand.pid_file.write_text("4194305\n")
    stand.watcher()
    assert stand.files == ("1\n", "0\n")
    time.sleep(0.3)  # six good answers: that nothing happens can only be waited for
    assert stand.files == ("1\n", "0\n")


def test_a_pid_file_that_names_a_stranger_is_a_dead_nginx(stand: Stand) -> None:
    stand.pid_file.write_text(f"{os.getppid()}\n")
    stand.watcher()
    assert stand.files == ("1\n", "0\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_leaves_a_fit_node_and_says_so(stand: Stand, number: signal.Signals) -> None:
    watcher = stand.watcher()
    assert stand.files == ("1\n", "0\n")
    watcher.send_signal(number)
    assert watcher.wait(10) == 0
    assert stand.files == ("0\n", "0\n")
    stand.tells("nobody sees a crash")


def test_its_own_failure_leaves_a_fit_node(stand: Stand) -> None:
    watcher = stand.watcher(FAILS_LATER)
    assert stand.files == ("1\n", "0\n")
    assert watcher.wait(10) == 1
    assert stand.files == ("0\n", "0\n")
    stand.tells("a bug")


def test_a_systemd_that_does_not_listen_does_not_stop_it(stand: Stand) -> None:
    """Its socket is full here; a careless sender would wait for ever."""
    nginx = stand.nginx()
    watcher = stand.watcher()
    watcher.send_signal(signal.SIGSTOP)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(BlockingIOError):
        sender.setblocking(False)
        while True:
            sender.sendto(b"full", stand.notified.getsockname())
    time.sleep(0.6)  # so that it owes systemd a word
    watcher.send_signal(signal.SIGCONT)
    nginx.kill()
    eventually(lambda: stand.files[0] == "1\n", "the crash is told")
    time.sleep(0.6)  # and another one
    watcher.terminate()
    assert watcher.wait(5) == 0


def test_it_writes_in_place_with_one_write(stand: Stand) -> None:
    """keepalived's watch stays on the file, and a reader never finds it empty."""
    files = [stand.track / name for name in ("nginx_crash", "nginx_probe")]
    for path in files:
        path.write_text("0\n")
    inodes = [path.stat().st_ino for path in files]
    nginx = stand.nginx()
    stand.watcher()
    nginx.kill()
    stand.becomes(1, 0)
    assert [path.stat().st_ino for path in files] == inodes


@pytest.mark.parametrize("damage", ["", "junk that is longer\n", "1\n"])
def test_a_damaged_file_is_put_right(stand: Stand, damage: str) -> None:
    stand.nginx()
    stand.watcher()
    (stand.track / "nginx_probe").write_text(damage)
    stand.becomes(0, 0)


def test_a_deleted_file_is_made_again(stand: Stand) -> None:
    stand.nginx()
    stand.watcher()
    (stand.track / "nginx_crash").unlink()
    stand.becomes(0, 0)


def test_a_changed_configuration_is_taken_over(stand: Stand) -> None:
    nginx = stand.nginx()
    stand.configure(fall=1000)
    watcher = stand.watcher()
    stand.configure(fall=1)
    watcher.send_signal(signal.SIGHUP)
    eventually(lambda: "has been read again" in stand.log.read_text(), "the configuration is read")
    nginx.send_signal(signal.SIGSTOP)
    stand.becomes(0, 1)


def test_a_wrong_configuration_is_not_taken_over(stand: Stand) -> None:
    nginx = stand.nginx()
    watcher = stand.watcher()
    stand.config.write_text("{")
    watcher.send_signal(signal.SIGHUP)
    eventually(lambda: "is not taken over" in stand.log.read_text(), "the configuration is refused")
    nginx.kill()
    stand.becomes(1, 0)


def test_a_wrong_configuration_at_the_start(stand: Stand) -> None:
    stand.config.write_text("{}")
    process = stand._start(*part("watcher", str(stand.config))[1:])
    assert process.wait(10) == 2
    stand.tells("track_dir is missing")


@pytest.mark.parametrize("interval", [0.05, 60])
def test_it_pings_the_watchdog_however_seldom_it_asks(stand: Stand, interval: float) -> None:
    stand.configure(interval=interval)
    stand.nginx()
    stand.watcher()
    begin = time.monotonic()
    messages = [stand.notified.recv(4096) for _number in range(3)]
    assert time.monotonic() - begin < 3, "the limit of its unit"
    assert all(b"WATCHDOG=1" in message for message in messages)
    assert b"STATUS=nginx is fit" in messages[-1]
