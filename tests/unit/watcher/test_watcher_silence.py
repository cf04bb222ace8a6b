# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen and slow are two things: what a silence of nginx means, by the clock of the one who asks, and in a process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.watcher import process, silence
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import PEER, Harness, eventually

LIMIT = 0.26
TICK = 0.03


def asks(stalls: list[tuple[float, float]], *, peer: bool, until: float, delay: float = 0.0) -> float | None:
    """Ask an nginx that answers nothing during ``stalls``, and return when that was a freeze, None where it never was.

    A question is answered ``delay`` after it was asked, or when the stall is over in which that falls.
    """
    heard = silence.Silence(LIMIT)
    questions: list[tuple[float, float]] = []  # asked, answered
    for step in range(int(until / 0.001)):
        now = step * 0.001
        if step % int(TICK / 0.001) == 0:
            answer = now + delay
            for begin, end in stalls:
                if begin <= answer < end:
                    answer = end
            questions.append((now, answer))
            heard.asked(now)
        if any(answer <= now for _asked, answer in questions):
            heard.answered(now, questions[0][0], crashed=False)
            questions = [(asked, answer) for asked, answer in questions if answer > now]
        if heard.doubtful(now) == 0:
            heard.peer_answers = peer
        if heard.frozen(now) == 0:
            return now
    return None


def every_second(length: float, seconds: int = 20) -> list[tuple[float, float]]:
    return [(second + 0.011 * second, second + 0.011 * second + length) for second in range(1, seconds)]


def test_no_answer_at_all_is_a_freeze_where_a_peer_answers() -> None:
    for phase in range(6):
        begin = 1.0 + phase * TICK / 6
        seen = asks([(begin, 99)], peer=True, until=3)
        assert seen is not None
        assert begin + LIMIT - 0.01 <= seen <= begin + LIMIT + TICK + 0.01


def test_where_no_peer_answers_it_takes_three_times_as_long() -> None:
    seen = asks([(1.0, 99)], peer=False, until=3)
    assert seen is not None
    assert seen - 1.0 == pytest.approx(3 * LIMIT, abs=2 * TICK)


@pytest.mark.parametrize("peer", [True, False])
def test_a_quarter_of_a_second_each_second_is_none(peer: bool) -> None:
    assert asks(every_second(0.25), peer=peer, until=20) is None


def test_both_overloaded_for_half_a_second_each_second_is_none() -> None:
    assert asks(every_second(0.5), peer=False, until=20) is None


def test_one_that_has_been_slow_of_late_is_given_longer() -> None:
    stalls = [*every_second(0.25, 8), (9.0, 9.33)]
    assert asks(stalls[-1:], peer=True, until=10) is not None
    assert asks(stalls, peer=True, until=10) is None
    assert asks([(1.0, 1.25), (12.0, 12.33)], peer=True, until=13) is not None, "and not for ever"


@pytest.mark.parametrize("delay", [0.1, 0.25, 0.7, 2.0])
def test_answers_that_are_late_are_answers(delay: float) -> None:
    """It has been slow from the start. What becomes slow at once is silent once."""
    heard = silence.Silence(LIMIT)
    for step in range(1000):
        now = step * TICK
        heard.asked(now)
        heard.answered(now, now - delay, crashed=False)
        heard.peer_answers = True
        assert heard.frozen(now) is None


def test_one_hung_worker_of_several_is_none() -> None:
    """Every second question goes to the one that hangs, by chance at times many of them in a row."""
    heard = silence.Silence(LIMIT)
    hung: list[float] = []
    for step in range(2000):
        now = step * TICK
        heard.asked(now)
        hung = [asked for asked in hung if now - asked < 3 * LIMIT]
        if step > 100 and step % 20 < 12:
            hung.append(now)
        else:
            heard.answered(now, min([*hung, now]), crashed=False)
        heard.peer_answers = heard.doubtful(now) == 0
        if step > 200:
            assert heard.frozen(now) != 0


@pytest.mark.parametrize(("seconds", "crashed", "longer"), [(3.0, False, 1), (0.5, True, 1), (0.3, False, 1.5)])
def test_what_thaws_soon_was_slow_and_what_was_frozen_or_dead_was_not(
    seconds: float, crashed: bool, longer: float
) -> None:
    heard = silence.Silence(LIMIT)
    heard.asked(1.0)
    for oldest in (1.0, 1.0 + seconds - 0.2):  # a question of that time is still open when the first is answered
        heard.answered(1.0 + seconds, oldest, crashed=crashed)
    heard.asked(5.0)
    heard.peer_answers = True
    assert heard.frozen(5.0) == pytest.approx(LIMIT if longer == 1 else longer * seconds)


def test_one_that_gets_no_processor_is_given_three_times_as_long_until_it_answers() -> None:
    heard = silence.Silence(LIMIT)
    heard.asked(1.0)
    heard.peer_answers = heard.starved = True
    assert heard.frozen(1.0) == pytest.approx(3 * LIMIT)
    heard.answered(1.1, 1.0, crashed=False)
    heard.asked(2.0)
    heard.peer_answers = True
    assert heard.frozen(2.0) == pytest.approx(LIMIT)


def test_time_in_which_nobody_asked_is_not_held_against_nginx() -> None:
    heard = silence.Silence(LIMIT)
    heard.asked(1.0)
    heard.peer_answers = True
    heard.slept(5.0)
    assert heard.frozen(6.0 + LIMIT - 0.01) == pytest.approx(0.01)


# In a process

# On one processor the kernel lets a worker of SCHED_IDLE run next to never beside one that is busy.
HERE = "import os, signal; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
BUSY = "while True: pass"
MAIN = f"""{HERE}
worker = os.fork()
if worker:
    print(worker, flush=True)
    os.wait()
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
{BUSY}
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_a_worker_starves_that_is_ready_to_run_and_gets_no_processor(stopped: bool) -> None:
    with contextlib.ExitStack() as ending:
        main = subprocess.Popen([sys.executable, "-I", "-c", MAIN], stdout=subprocess.PIPE, text=True)
        ending.callback(main.kill)
        worker = int(main.stdout.readline()) if main.stdout else 0
        ending.callback(os.kill, worker, signal.SIGKILL)
        eventually(lambda: os.sched_getscheduler(worker) == os.SCHED_IDLE, "the worker spins")
        if stopped:  # which the kernel does when it lets it run the next time
            os.kill(worker, signal.SIGSTOP)
            about = Path(f"/proc/{worker}/stat")
            eventually(lambda: about.read_text().rpartition(")")[2].split()[0] == "T", "the worker stands still")
        ending.callback(subprocess.Popen([sys.executable, "-I", "-c", f"{HERE}\n{BUSY}"]).kill)
        workers = process.Workers(main.pid, time.monotonic())
        time.sleep(0.2)
        starves = workers.starve(time.monotonic())
    assert starves != stopped


@pytest.fixture
def frozen(harness: Harness) -> subprocess.Popen[bytes]:
    """A fake nginx that the watcher knows, with limits of 0.4 s and 1.2 s."""
    harness.configure(timeout=0.35, peers=[{"address": PEER}])
    nginx = harness.nginx()
    harness.watcher()
    return nginx


@pytest.mark.parametrize("queue", [0, 200])
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGUSR2], ids=["stopped", "spinning"])
def test_whatever_the_reason_it_is_unfit_at_once_where_a_peer_answers(
    harness: Harness, frozen: subprocess.Popen[bytes], number: signal.Signals, queue: int
) -> None:
    """With ``queue`` connections waiting the kernel takes no more: not even a handshake is answered."""
    harness.peer()
    frozen.send_signal(number)
    waiting = [socket.socket() for _one in range(queue)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", harness.port))
    took = harness.becomes(0, 1)
    for one in waiting:
        one.close()
    assert 0.2 < took < 1.0


@pytest.mark.parametrize("peer", ["stopped", "failing", "frozen"])
def test_the_last_one_that_may_be_fit_waits_longer(
    harness: Harness, frozen: subprocess.Popen[bytes], peer: str
) -> None:
    if peer != "stopped":
        harness.peer(500 if peer == "failing" else 403).send_signal(
            signal.SIGSTOP if peer == "frozen" else signal.SIGCONT
        )
    frozen.send_signal(signal.SIGSTOP)
    assert harness.becomes(0, 1) > 1.0


def test_stalls_are_no_freeze(harness: Harness, frozen: subprocess.Popen[bytes]) -> None:
    harness.peer()
    for _stall in range(3):
        frozen.send_signal(signal.SIGSTOP)
        time.sleep(0.25)
        frozen.send_signal(signal.SIGCONT)
        time.sleep(0.25)
    assert "nginx_probe is 1" not in harness.log.read_text()


def test_a_slow_nginx_is_fit(harness: Harness) -> None:
    harness.configure(timeout=0.35, peers=[{"address": PEER}])
    harness.peer()
    nginx = harness.nginx(delay=0.38)
    harness.watcher()
    time.sleep(2.0)
    assert harness.files == ("0\n", "0\n")
    nginx.send_signal(signal.SIGSTOP)
    harness.becomes(0, 1)


def test_one_frozen_worker_of_two_is_no_freeze(harness: Harness, frozen: subprocess.Popen[bytes]) -> None:
    """Both listen on the port, and the kernel gives each connection to one of them (SO_REUSEPORT)."""
    harness.peer()
    second = harness.nginx()
    time.sleep(0.3)
    frozen.send_signal(signal.SIGSTOP)
    time.sleep(3.0)
    assert "nginx_probe is 1" not in harness.log.read_text()
    second.send_signal(signal.SIGSTOP)
    harness.becomes(0, 1)
