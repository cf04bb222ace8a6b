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
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.stand import Stand, eventually
from delivered import part


def command(*words: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": "own", "kind": "command", "command": list(words), **more}


def script(folder: Path, text: str) -> str:
    path = folder / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def listener(stand: Stand) -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(16)
    return made


def test_a_command_that_fails_and_succeeds_again(stand: Stand, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    stand.configure(checks=[command(script(tmp_path, f"test ! -e {flag}"))])
    stand.nginx()
    stand.watcher()
    stand.says("check_own", 0)
    flag.touch()
    stand.says("check_own", 1)
    stand.tells("ended with status 1")
    flag.unlink()
    stand.says("check_own", 0)
    assert stand.files == ("0\n", "0\n")


def test_no_shell_reads_the_arguments_of_a_command(stand: Stand, tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = script(tmp_path, f'printf "%s|" "$@" > {out}.new; mv {out}.new {out}')
    stand.configure(checks=[command(program, "$HOME; true", "a  b")])
    stand.nginx()
    stand.watcher()
    eventually(out.exists, "it has run")
    assert out.read_text() == "$HOME; true|a  b|"


def test_a_command_is_killed_at_its_time_with_all_that_it_started(stand: Stand, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"sleep 1000 & echo $! > {pids}.new; mv {pids}.new {pids}; wait")
    stand.configure(checks=[command(program, timeout=2, interval=60)])
    stand.nginx()
    stand.watcher()
    stand.says("check_own", 1)
    stand.tells("no result within 2 s")
    grandchild = int(pids.read_text())
    eventually(lambda: not runs(grandchild), "what it started is dead as well")


def test_what_a_command_leaves_behind_in_its_group_is_killed(stand: Stand, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"sleep 1000 & echo $! > {pids}.new; mv {pids}.new {pids}")
    stand.configure(checks=[command(program, interval=60)])
    stand.nginx()
    stand.watcher()
    stand.says("check_own", 0)
    eventually(lambda: not runs(int(pids.read_text())), "what it left is dead")


def test_a_command_that_is_not_there(stand: Stand) -> None:
    stand.configure(checks=[command("/nowhere/at/all")])
    stand.nginx()
    stand.watcher()
    stand.says("check_own", 1)
    stand.tells("/nowhere/at/all could not be run")


def test_slow_checks_never_delay_the_watching_of_nginx(stand: Stand) -> None:
    """One sleeps, and one asks somebody who never answers."""
    with listener(stand) as mute:
        port = mute.getsockname()[1]
        stand.configure(
            checks=[
                command("/bin/sleep", "100", timeout=60),
                {"name": "mute", "kind": "url", "address": "127.0.0.1", "port": port, "path": "/", "timeout": 60},
            ]
        )
        nginx = stand.nginx()
        stand.watcher()
        time.sleep(0.2)  # so that all are under way
        nginx.kill()
        assert stand.becomes(1, 0) < 1.0
        assert stand.file("check_own") == "-", "nothing is known yet"


def test_checks_of_one_kind_do_not_wait_for_each_other(stand: Stand) -> None:
    slow = [{**command("/bin/sleep", "100", timeout=60), "name": f"slow{number}"} for number in range(4)]
    stand.configure(checks=[*slow, command("/bin/true")])
    stand.nginx()
    stand.watcher()
    stand.says("check_own", 0)


def test_a_file_that_has_to_be_there_and_one_that_must_not(stand: Stand, tmp_path: Path) -> None:
    ready, maintenance = tmp_path / "ready", tmp_path / "maintenance"
    stand.configure(
        checks=[
            {"name": "ready", "kind": "file", "file": str(ready), "state": "present"},
            {"name": "maintenance", "kind": "file", "file": str(maintenance), "state": "absent"},
        ]
    )
    stand.nginx()
    stand.watcher()
    stand.says("check_ready", 1)
    stand.says("check_maintenance", 0)
    ready.touch()
    maintenance.touch()
    stand.says("check_ready", 0)
    stand.says("check_maintenance", 1)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_who_looks_at_a_file_stays_and_is_replaced_when_it_hangs_or_dies(stand: Stand, number: int) -> None:
    looked = {"name": "ready", "kind": "file", "file": str(stand.config), "timeout": 0.2}
    stand.configure(checks=[looked])
    stand.nginx()
    watcher = stand.watcher()
    stand.says("check_ready", 0)
    (first,) = children(watcher)
    time.sleep(0.3)  # so that it has been asked again
    assert children(watcher) == [first]
    os.kill(first, number)
    eventually(lambda: children(watcher) not in ([], [first]), "another one looks")
    stand.says("check_ready", 0)


def test_who_looks_at_a_file_holds_nothing_of_the_watchers(stand: Stand) -> None:
    """Else a connection to nginx would never end, and who reads from a pipe would wait for ever."""
    stand.configure(checks=[{"name": "ready", "kind": "file", "file": str(stand.config)}])
    stand.nginx()
    watcher = stand.watcher()
    stand.says("check_ready", 0)
    (looker,) = children(watcher)
    held = [os.readlink(f"/proc/{looker}/fd/{entry}") for entry in os.listdir(f"/proc/{looker}/fd")]
    assert sorted(held)[:3] == ["/dev/null"] * 3
    assert len(held) == 4, "and the socket on which it is asked"
    watcher.kill()
    eventually(lambda: not runs(looker), "it ends with a watcher that was killed")


def test_a_port(stand: Stand) -> None:
    with listener(stand) as there:
        port = there.getsockname()[1]
        stand.configure(checks=[{"name": "db", "kind": "port", "address": "127.0.0.1", "port": port}])
        stand.nginx()
        stand.watcher()
        stand.says("check_db", 0)
    stand.says("check_db", 1)
    stand.tells(f"127.0.0.1 port {port} refuses connections")


@pytest.mark.parametrize(("status", "file"), [(200, 0), (301, 0), (404, 1), (500, 1), (503, 1)])
def test_a_url_is_good_where_it_is_found(stand: Stand, status: int, file: int) -> None:
    stand.nginx(status=status)
    stand.configure(checks=[{"name": "page", "kind": "url", "address": "127.0.0.1", "port": stand.port, "path": "/"}])
    stand.watcher()
    stand.says("check_page", file)


def test_an_answer_that_a_backend_has_to_give_is_warned_of(stand: Stand) -> None:
    stand.nginx(status=502)
    stand.configure(checks=[{"name": "page", "kind": "url", "address": "127.0.0.1", "port": stand.port, "path": "/"}])
    stand.watcher()
    eventually(lambda: "nginx answers 502 for /health, so a backend is asked" in stand.log.read_text(), "a warning")
    eventually(lambda: "answers 502 for check page, so backends behind it" in stand.log.read_text(), "another")


def test_a_url_over_tls(stand: Stand, tmp_path: Path) -> None:
    """Its certificate is not judged."""
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, "-subj", "/CN=shop.example.com", "-days", "1"], check=True, capture_output=True)
    with listener(stand) as spare:
        port = spare.getsockname()[1]
    files = ["-accept", str(port), "-key", str(key), "-cert", str(certificate), "-www", "-quiet"]
    server = subprocess.Popen(["openssl", "s_server", *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stand.processes.append(server)
    asked = {"address": "127.0.0.1", "port": port, "tls": True, "host": "shop.example.com", "path": "/"}
    stand.configure(checks=[{"name": "shop", "kind": "url", **asked, "timeout": 5}])
    stand.nginx()
    stand.watcher()
    stand.says("check_shop", 0)
    server.kill()
    stand.says("check_shop", 1)


def test_its_end_leaves_every_file_fit_and_no_child_behind(stand: Stand, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path, f"echo $$ > {pids}.new; mv {pids}.new {pids}; sleep 1000")
    stand.configure(checks=[command("/bin/false"), {**command(program, timeout=60), "name": "long"}])
    stand.nginx()
    watcher = stand.watcher()
    stand.says("check_own", 1)
    eventually(pids.exists, "a child is under way")
    watcher.terminate()
    assert watcher.wait(10) == 0
    assert stand.file("check_own") == "0"
    eventually(lambda: not runs(int(pids.read_text())), "the child is gone")


def test_the_file_of_a_check_that_is_no_more_goes(stand: Stand) -> None:
    stand.configure(checks=[command("/bin/false")])
    stand.nginx()
    watcher = stand.watcher()
    stand.says("check_own", 1)
    stand.configure(checks=[{**command("/bin/true"), "name": "other"}])
    watcher.send_signal(signal.SIGHUP)
    stand.says("check_other", 0)
    assert stand.file("check_own") == "-"
    assert stand.files == ("0\n", "0\n")


# The policy restart_first


def test_an_nginx_that_is_back_in_time_is_not_down(stand: Stand) -> None:
    stand.configure(patience=2)
    nginx = stand.nginx()
    stand.watcher()
    nginx.kill()
    stand.becomes(1, 0)
    stand.nginx()
    stand.becomes(0, 0)
    assert stand.file("nginx_down") == "0"
    assert "nginx_down is 1" not in stand.log.read_text()


def test_an_nginx_that_stays_dead_is_down_when_the_patience_is_over(stand: Stand) -> None:
    stand.configure(patience=0.5)
    nginx = stand.nginx()
    stand.watcher()
    nginx.kill()
    stand.becomes(1, 0)
    assert stand.says("nginx_down", 1) > 0.3
    stand.nginx()
    stand.says("nginx_down", 0)


def test_a_frozen_nginx_is_not_waited_for(stand: Stand) -> None:
    stand.configure(patience=60)
    nginx = stand.nginx()
    stand.watcher()
    nginx.send_signal(signal.SIGSTOP)
    stand.becomes(0, 1)


# The alarm


def test_the_end_of_the_watcher_is_told_and_its_return(stand: Stand) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        events.bind(str(stand.events))
        events.settimeout(10)
        stand.nginx()
        ended(stand, "watchdog")
        first = json.loads(events.recv(4096))
        assert (first["event"], first["state"], first["instance"]) == ("watcher", "raised", "")
        assert "ended (watchdog)" in first["message"]
        stand.watcher()
        second = json.loads(events.recv(4096))
        assert (second["event"], second["state"]) == ("watcher", "cleared")


@pytest.mark.parametrize("kind", ["nobody", "deaf"])
def test_an_alarm_never_waits(stand: Stand, kind: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        if kind == "deaf":
            events.bind(str(stand.events))
            fill(str(stand.events))
        ended(stand, "signal")
    stand.tells("ended (signal). Until it is back nobody sees")


def fill(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            while True:
                sender.sendto(b"full", path)
        except BlockingIOError:
            return


def ended(stand: Stand, result: str) -> None:
    program = part("watcher", str(stand.config), "ended")
    with stand.log.open("ab") as log:
        subprocess.run(program, env={**os.environ, "SERVICE_RESULT": result}, stderr=log, check=True, timeout=10)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
