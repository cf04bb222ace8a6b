# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the user's, by the running watcher: each kind fails and recovers, and none delays nginx's own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import Harness, eventually
from delivered import part


def command(*words: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": "own", "kind": "command", "command": list(words), **more}


def script(folder: Path, text: str) -> str:
    path = folder / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def listener(harness: Harness) -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(16)
    return made


def test_a_command_that_fails_and_succeeds_again(harness: Harness, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    harness.configure(checks=[command(script(tmp_path, f"test ! -e {flag}"))])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 0)
    flag.touch()
    harness.says("check_own", 1)
    harness.tells("ended with status 1")
    flag.unlink()
    harness.says("check_own", 0)
    assert harness.files == ("0\n", "0\n")


def test_no_shell_reads_the_arguments_of_a_command(harness: Harness, tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = script(tmp_path, f'printf "%s|" "$@" > {out}.new; mv {out}.new {out}')
    harness.configure(checks=[command(program, "$HOME; true", "a  b")])
    harness.nginx()
    harness.watcher()
    eventually(out.exists, "it has run")
    assert out.read_text() == "$HOME; true|a  b|"


def test_a_command_is_killed_at_its_time_with_all_that_it_started(harness: Harness, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"sleep 1000 & echo $! > {pids}.new; mv {pids}.new {pids}; wait")
    harness.configure(checks=[command(program, timeout=2, interval=60)])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 1)
    harness.tells("no result within 2 s")
    grandchild = int(pids.read_text())
    eventually(lambda: not runs(grandchild), "what it started is dead as well")


def test_what_a_command_leaves_behind_in_its_group_is_killed(harness: Harness, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"sleep 1000 & echo $! > {pids}.new; mv {pids}.new {pids}")
    harness.configure(checks=[command(program, interval=60)])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 0)
    eventually(lambda: not runs(int(pids.read_text())), "what it left is dead")


def test_a_command_that_is_not_there(harness: Harness) -> None:
    harness.configure(checks=[command("/nowhere/at/all")])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 1)
    harness.tells("/nowhere/at/all could not be run")


def test_slow_checks_never_delay_the_watching_of_nginx(harness: Harness) -> None:
    """One sleeps, and one asks somebody who never answers."""
    with listener(harness) as mute:
        port = mute.getsockname()[1]
        harness.configure(
            checks=[
                command("/bin/sleep", "100", timeout=60),
                {"name": "mute", "kind": "url", "address": "127.0.0.1", "port": port, "path": "/", "timeout": 60},
            ]
        )
        nginx = harness.nginx()
        harness.watcher()
        time.sleep(0.2)  # so that all are under way
        nginx.kill()
        assert harness.becomes(1, 0) < 1.0
        assert harness.file("check_own") == "-", "nothing is known yet"


def test_checks_of_one_kind_do_not_wait_for_each_other(harness: Harness) -> None:
    slow = [{**command("/bin/sleep", "100", timeout=60), "name": f"slow{number}"} for number in range(4)]
    harness.configure(checks=[*slow, command("/bin/true")])
    harness.nginx()
    harness.watcher()
    harness.says("check_own", 0)


def test_a_file_that_has_to_be_there_and_one_that_must_not(harness: Harness, tmp_path: Path) -> None:
    ready, maintenance = tmp_path / "ready", tmp_path / "maintenance"
    harness.configure(
        checks=[
            {"name": "ready", "kind": "file", "file": str(ready), "state": "present"},
            {"name": "maintenance", "kind": "file", "file": str(maintenance), "state": "absent"},
        ]
    )
    harness.nginx()
    harness.watcher()
    harness.says("check_ready", 1)
    harness.says("check_maintenance", 0)
    ready.touch()
    maintenance.touch()
    harness.says("check_ready", 0)
    harness.says("check_maintenance", 1)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_who_looks_at_a_file_stays_and_is_replaced_when_it_hangs_or_dies(harness: Harness, number: int) -> None:
    looked = {"name": "ready", "kind": "file", "file": str(harness.config), "timeout": 0.2}
    harness.configure(checks=[looked])
    harness.nginx()
    watcher = harness.watcher()
    harness.says("check_ready", 0)
    (first,) = children(watcher)
    time.sleep(0.3)  # so that it has been asked again
    assert children(watcher) == [first]
    os.kill(first, number)
    eventually(lambda: children(watcher) not in ([], [first]), "another one looks")
    harness.says("check_ready", 0)


def test_who_looks_at_a_file_holds_nothing_of_the_watchers(harness: Harness) -> None:
    """Else a connection to nginx would never end, and who reads from a pipe would wait for ever."""
    harness.configure(checks=[{"name": "ready", "kind": "file", "file": str(harness.config)}])
    harness.nginx()
    watcher = harness.watcher()
    harness.says("check_ready", 0)
    (looker,) = children(watcher)
    held = [os.readlink(f"/proc/{looker}/fd/{entry}") for entry in os.listdir(f"/proc/{looker}/fd")]
    assert sorted(held)[:3] == ["/dev/null"] * 3
    assert len(held) == 4, "and the socket on which it is asked"
    watcher.kill()
    eventually(lambda: not runs(looker), "it ends with a watcher that was killed")


def test_a_port(harness: Harness) -> None:
    with listener(harness) as there:
        port = there.getsockname()[1]
        harness.configure(checks=[{"name": "db", "kind": "port", "address": "127.0.0.1", "port": port}])
        harness.nginx()
        harness.watcher()
        harness.says("check_db", 0)
    harness.says("check_db", 1)
    harness.tells(f"127.0.0.1 port {port} refuses connections")


@pytest.mark.parametrize(("status", "file"), [(200, 0), (301, 0), (404, 1), (500, 1), (503, 1)])
def test_a_url_is_good_where_it_is_found(harness: Harness, status: int, file: int) -> None:
    harness.nginx(status=status)
    harness.configure(
        checks=[{"name": "page", "kind": "url", "address": "127.0.0.1", "port": harness.port, "path": "/"}]
    )
    harness.watcher()
    harness.says("check_page", file)


def test_an_answer_that_a_backend_has_to_give_is_warned_of(harness: Harness) -> None:
    harness.nginx(status=502)
    harness.configure(
        checks=[{"name": "page", "kind": "url", "address": "127.0.0.1", "port": harness.port, "path": "/"}]
    )
    harness.watcher()
    eventually(lambda: "nginx answers 502 for /health, so a backend is asked" in harness.log.read_text(), "a warning")
    eventually(lambda: "answers 502 for check page, so backends behind it" in harness.log.read_text(), "another")


def test_a_url_over_tls(harness: Harness, tmp_path: Path) -> None:
    """Its certificate is not judged."""
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, "-subj", "/CN=shop.example.com", "-days", "1"], check=True, capture_output=True)
    with listener(harness) as spare:
        port = spare.getsockname()[1]
    files = ["-accept", str(port), "-key", str(key), "-cert", str(certificate), "-www", "-quiet"]
    server = subprocess.Popen(["openssl", "s_server", *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    harness.processes.append(server)
    asked = {"address": "127.0.0.1", "port": port, "tls": True, "host": "shop.example.com", "path": "/"}
    harness.configure(checks=[{"name": "shop", "kind": "url", **asked, "timeout": 5}])
    harness.nginx()
    harness.watcher()
    harness.says("check_shop", 0)
    server.kill()
    harness.says("check_shop", 1)


def test_its_end_leaves_every_file_fit_and_no_child_behind(harness: Harness, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"echo $$ > {pids}.new; mv {pids}.new {pids}; sleep 1000")
    harness.configure(checks=[command("/bin/false"), {**command(program, timeout=60), "name": "long"}])
    harness.nginx()
    watcher = harness.watcher()
    harness.says("check_own", 1)
    eventually(pids.exists, "a child is under way")
    watcher.terminate()
    assert watcher.wait(10) == 0
    assert harness.file("check_own") == "0"
    eventually(lambda: not runs(int(pids.read_text())), "the child is gone")


def test_the_file_of_a_check_that_is_no_more_goes(harness: Harness) -> None:
    harness.configure(checks=[command("/bin/false")])
    harness.nginx()
    watcher = harness.watcher()
    harness.says("check_own", 1)
    harness.configure(checks=[{**command("/bin/true"), "name": "other"}])
    watcher.send_signal(signal.SIGHUP)
    harness.says("check_other", 0)
    assert harness.file("check_own") == "-"
    assert harness.files == ("0\n", "0\n")


# The policy restart_first


def test_an_nginx_that_is_back_in_time_is_not_down(harness: Harness) -> None:
    harness.configure(patience=2)
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.becomes(1, 0)
    harness.nginx()
    harness.becomes(0, 0)
    assert harness.file("nginx_down") == "0"
    assert "nginx_down is 1" not in harness.log.read_text()


def test_an_nginx_that_stays_dead_is_down_when_the_patience_is_over(harness: Harness) -> None:
    harness.configure(patience=0.5)
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.becomes(1, 0)
    assert harness.says("nginx_down", 1) > 0.3
    harness.nginx()
    harness.says("nginx_down", 0)


def test_a_frozen_nginx_is_not_waited_for(harness: Harness) -> None:
    harness.configure(patience=60)
    nginx = harness.nginx()
    harness.watcher()
    nginx.send_signal(signal.SIGSTOP)
    harness.becomes(0, 1)


# The alarm


def test_the_end_of_the_watcher_is_told_and_its_return(harness: Harness) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        events.bind(str(harness.events))
        events.settimeout(10)
        harness.nginx()
        ended(harness, "watchdog")
        first = json.loads(events.recv(4096))
        assert (first["event"], first["state"], first["instance"]) == ("watcher", "raised", "")
        assert "ended (watchdog)" in first["message"]
        harness.watcher()
        second = json.loads(events.recv(4096))
        assert (second["event"], second["state"]) == ("watcher", "cleared")


@pytest.mark.parametrize("kind", ["nobody", "deaf"])
def test_an_alarm_never_waits(harness: Harness, kind: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        if kind == "deaf":
            events.bind(str(harness.events))
            fill(str(harness.events))
        ended(harness, "signal")
    harness.tells("ended (signal). Until it is back nobody sees")


def fill(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            while True:
                sender.sendto(b"full", path)
        except BlockingIOError:
            return


def ended(harness: Harness, result: str) -> None:
    program = part("watcher", str(harness.config), "ended")
    with harness.log.open("ab") as log:
        subprocess.run(program, env={**os.environ, "SERVICE_RESULT": result}, stderr=log, check=True, timeout=10)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
