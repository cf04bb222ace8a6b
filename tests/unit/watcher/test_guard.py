# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a deliberate stop: when it waits, how long, and what it leaves in its file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import guard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.processes import alive, running
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import eventually
from delivered import part

ADDRESS = "192.0.2.100"


class Host:
    """The guard on a host whose addresses and processes the test decides on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.track_file = folder / "nginx_stop"
        self.pid_file = folder / "nginx.pid"
        self.pid_file.write_text(f"{os.getpid()}\n")
        self.bound = True
        self.processes = {"keepalived", "nginx"}
        self.lines: list[str] = []
        monkeypatch.setattr(guard, "held", lambda addresses: ["it"] if self.bound else [])
        monkeypatch.setattr(guard, "running", lambda name: name in self.processes)
        monkeypatch.setattr(guard, "log", self.lines.append)
        monkeypatch.setattr(guard, "LONGEST_HOLD", 20.0)  # no machine is so busy that it takes this for an answer
        self.config = {
            "track_dir": str(folder),
            "addresses": [{"address": ADDRESS, "interface": "eth0"}],
            "nginx": {"pid_file": str(self.pid_file)},
        }

    def hold(self) -> float:
        begin = time.monotonic()
        guard.hold(self.config)
        return time.monotonic() - begin

    @property
    def file(self) -> str:
        return self.track_file.read_text() if self.track_file.exists() else ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_hold_waits_until_the_address_has_gone(host: Host) -> None:
    def keepalived() -> None:
        eventually(lambda: host.file == "1\n", "the guard says so")
        host.bound = False

    thread = threading.Thread(target=keepalived)
    thread.start()
    assert host.hold() < 10.0
    thread.join()
    assert not host.bound
    assert "let the address go" in host.lines[0]


def test_hold_waits_for_nobody_on_a_standby(host: Host) -> None:
    host.bound = False
    assert host.hold() < 10.0
    assert (host.file, host.lines) == ("1\n", [])


def test_hold_is_patient_but_not_for_ever(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LONGEST_HOLD", 0.05)
    assert 0.05 <= host.hold() < 10.0
    assert "all the same" in host.lines[0]


def test_hold_does_not_wait_for_a_keepalived_that_does_not_run(host: Host) -> None:
    host.processes.remove("keepalived")
    assert host.hold() < 10.0
    assert "keepalived does not run" in host.lines[0]


def test_hold_leaves_a_crash_to_the_watcher(host: Host) -> None:
    """systemd restarts the guard together with a crashed nginx: that is no deliberate stop."""
    host.pid_file.write_text("4194305\n")
    host.hold()
    assert host.file == ""


@pytest.mark.parametrize(("processes", "file"), [({"nginx"}, "1\n"), (set(), "")])
def test_without_a_pid_file_any_nginx_counts(host: Host, processes: set[str], file: str) -> None:
    host.pid_file.unlink()
    host.processes = processes
    host.hold()
    assert host.file == file


def test_release_takes_it_back_in_place(host: Host) -> None:
    host.track_file.write_text("1\n")
    inode = host.track_file.stat().st_ino
    guard.release(host.config)
    assert (host.file, host.track_file.stat().st_ino) == ("0\n", inode)


def test_processes_are_found_by_their_name() -> None:
    name = Path("/proc/self/comm").read_text().strip()
    assert running(name)
    assert not running("no-such-program")


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        eventually(lambda: not alive(child.pid), "ended")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "usage"),
        (["hold", "a", "b"], 2, "usage"),
        (["stop"], 2, "usage"),
        (["hold", "/nonexistent/watcher.json"], 1, "holdfast-guard hold failed with /nonexistent/watcher.json"),
    ],
)
def test_a_wrong_call(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run(part("guard", *arguments), stderr=subprocess.PIPE, check=False)
    assert done.returncode == code
    assert words in done.stderr.decode()


OWN = ("unshare", "--net", "--mount")
IN_OWN_NETWORK = OWN if os.geteuid() == 0 else (*OWN, "--user", "--map-root-user")


def in_own_network(script: str, folder: Path, addresses: t.Sequence[str]) -> list[str]:
    """Run a shell script in a network of its own, where GUARD is the guard's command; return the lines it printed."""
    config = folder / "watcher.json"
    config.write_text(
        json.dumps(
            {
                "track_dir": str(folder),
                "addresses": [{"address": address, "interface": "veth0"} for address in addresses],
                "nginx": {"pid_file": str(folder / "nginx.pid")},
            }
        )
    )
    setup = "mount -t sysfs none /sys\n"
    setup += "ip link add veth0 type veth peer name veth1; ip link set veth0 up; ip link set lo up\n"
    command = f"guard() {{ {' '.join(part('guard'))} $1 {config}; }}\n"
    show = "ip -o address show | awk '$3 ~ /^inet/ && $4 !~ /^fe80/ {print $2, $4}'\n"
    done = subprocess.run(
        [*IN_OWN_NETWORK, "sh", "-e", "-c", f"{setup}{command}{script}\n{show}"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [line for line in done.stdout.decode().split("\n") if line]


def test_scrub_removes_the_addresses_of_keepalived_and_no_other(tmp_path: Path) -> None:
    left = in_own_network(
        """
        ip address add 192.0.2.1/24 dev veth0
        ip address add 192.0.2.100/24 dev veth0
        ip address add 192.0.2.101/32 dev veth0
        ip address add 192.0.2.100/32 dev lo
        ip address add 2001:db8::1/64 dev veth0 nodad
        ip address add 2001:db8::100/64 dev veth0 nodad
        guard scrub
        guard scrub
        """,
        tmp_path,
        ["192.0.2.100", "192.0.2.101", "2001:0db8:0::0100"],
    )
    assert left == ["lo 127.0.0.1/8", "lo 192.0.2.100/32", "lo ::1/128", "veth0 192.0.2.1/24", "veth0 2001:db8::1/64"]


def test_scrub_finds_an_address_on_the_interface_that_keepalived_made_for_it(tmp_path: Path) -> None:
    left = in_own_network(
        """
        for below in veth0 veth1; do
            ip link add link $below name vrrp.$below type macvlan mode private
            ip link set vrrp.$below up
            ip address add 192.0.2.100/24 dev vrrp.$below
        done
        guard scrub
        """,
        tmp_path,
        ["192.0.2.100"],
    )
    # The other one is on top of an interface that is none of keepalived's.
    assert left == ["lo 127.0.0.1/8", "lo ::1/128", "vrrp.veth1 192.0.2.100/24"]


def test_scrub_keeps_the_host_s_own_address_that_the_kernel_would_drop_along(tmp_path: Path) -> None:
    """Where the virtual address came first, the host's own is a secondary of it, and goes with its primary."""
    left = in_own_network(
        """
        ip address add 192.0.2.100/24 dev veth0
        ip address add 192.0.2.1/24 dev veth0
        guard scrub
        """,
        tmp_path,
        ["192.0.2.100"],
    )
    assert "veth0 192.0.2.1/24" in left


def test_scrub_with_nothing_to_do(tmp_path: Path) -> None:
    assert in_own_network("ip address add 192.0.2.1/24 dev veth0; guard scrub", tmp_path, ["192.0.2.100"]) == [
        "lo 127.0.0.1/8",
        "lo ::1/128",
        "veth0 192.0.2.1/24",
    ]


def test_hold_sees_the_real_addresses(tmp_path: Path) -> None:
    (tmp_path / "nginx.pid").write_text(f"{os.getpid()}\n")
    in_own_network("ip address add 192.0.2.100/24 dev veth0; guard hold", tmp_path, ["192.0.2.100"])
    assert (tmp_path / "nginx_stop").read_text() == "1\n"
