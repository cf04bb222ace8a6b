# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of track files that goes away: found by the watcher, and brought back in the order in which it is needed."""

from __future__ import annotations

import json
import shutil
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import restore
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.track import FIT, Folder, is_here, put
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import Harness, eventually

LISTENS = "Listen={folder}/notify.fifo (FIFO)\nListen={folder}/events (Datagram)\n"


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def replaced(folder: Path) -> None:
    folder.rename(folder.with_name("other"))
    folder.mkdir()


def linked(folder: Path) -> None:
    folder.rename(folder.with_name("other"))
    folder.with_name("third").mkdir()
    folder.symlink_to(folder.with_name("third"))


GONE = pytest.mark.parametrize("change", [removed, replaced, linked])


@GONE
def test_another_folder_of_this_name_is_told_from_it(tmp_path: Path, change: t.Callable[[Path], None]) -> None:
    folder = tmp_path / "track"
    folder.mkdir()
    held = Folder(str(folder))
    put(str(folder / "nginx_crash"), FIT)
    (folder / "nginx_crash").unlink()
    assert not held.replaced()
    change(folder)
    assert held.replaced()


def test_a_folder_that_was_never_there_is_missed(tmp_path: Path) -> None:
    held = Folder(str(tmp_path / "track"))
    assert held.replaced()
    (tmp_path / "track").mkdir()
    assert held.replaced()


@GONE
def test_the_watcher_has_it_brought_back(harness: Harness, change: t.Callable[[Path], None]) -> None:
    harness.nginx()
    harness.watcher()
    harness.becomes(0, 0)
    change(harness.track)
    eventually(lambda: "track was removed or replaced" in harness.log.read_text(), "it is told")


def test_a_track_file_that_was_removed_is_there_again(harness: Harness) -> None:
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.says("nginx_crash", 1)
    (harness.track / "nginx_crash").unlink()
    harness.says("nginx_crash", 1)


class Systemd:
    """Stands in for the commands: remembers them, and fails at one."""

    def __init__(self, folder: Path, fails: str = "") -> None:
        self.folder, self.fails = folder, fails
        self.ran: list[str] = []

    def __call__(self, *words: str) -> str:
        line = " ".join(words)
        self.ran.append(line)
        if self.fails and self.fails in line:
            raise OSError(f"{line} ended with status 1: no")
        return LISTENS.format(folder=self.folder) if "--property=Listen" in line else ""


@pytest.mark.parametrize("sockets", [True, False])
def test_all_who_use_it_find_it_again_before_keepalived_reads(tmp_path: Path, sockets: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        events.bind(str(tmp_path / "events"))
        if sockets:
            (tmp_path / "notify.fifo").touch()
        systemd = Systemd(tmp_path)
        restore.restore("/run/holdfast/track", str(tmp_path / "events"), systemd)
        told = [json.loads(events.recv(4096)) for _time in range(2)]
    again = ["systemctl restart holdfast-notify.socket holdfast-notify.service"]
    assert systemd.ran == [
        "systemd-tmpfiles --create /etc/tmpfiles.d/holdfast.conf",
        "systemctl show --property=Listen holdfast-notify.socket",
        *([] if sockets else again),
        "systemctl try-restart holdfast-watcher.service",
        "systemctl try-reload-or-restart keepalived.service",
        "systemctl --no-block try-restart holdfast-detector.service",
    ]
    assert [(one["event"], one["state"]) for one in told] == [("watcher", "raised"), ("watcher", "cleared")]


def test_a_step_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: t.Any) -> None:
    config = tmp_path / "watcher.json"
    config.write_text(json.dumps({"track_dir": "/run/holdfast/track", "events": str(tmp_path / "events")}))
    monkeypatch.setattr(restore, "run", Systemd(tmp_path, fails="systemd-tmpfiles"))
    assert restore.main(str(config)) == 1
    assert "is not back, keepalived learns nothing from it: systemd-tmpfiles" in capsys.readouterr().err


def test_an_address_that_is_held_though_the_node_is_unfit_is_told_once(harness: Harness) -> None:
    """What keepalived is told it does not see: whatever the reason is, it has to look again."""
    harness.configure(address="127.0.0.1", interval=0.05)
    nginx = harness.nginx()
    harness.watcher()
    harness.becomes(0, 0)
    nginx.kill()
    harness.says("nginx_crash", 1)
    eventually(lambda: "keepalived holds 127.0.0.1 2 s after" in harness.log.read_text(), "it is told")
    harness.nginx()
    harness.says("nginx_crash", 0)
    assert harness.log.read_text().count("keepalived holds") == 1


def test_an_address_that_was_let_go_is_no_reason_to_say_anything(harness: Harness) -> None:
    nginx = harness.nginx()
    harness.watcher()
    nginx.kill()
    harness.says("nginx_crash", 1)
    with pytest.raises(AssertionError):
        eventually(lambda: "keepalived holds" in harness.log.read_text(), "nothing is told", within=3.0)


@pytest.mark.parametrize(
    ("address", "here"), [("127.0.0.1", True), ("::1", True), ("192.0.2.100", False), ("2001:db8::9", False)]
)
def test_whether_an_address_is_here(address: str, here: bool) -> None:
    assert is_here(address) is here
