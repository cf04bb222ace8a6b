# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proof of the trackers holds as long as nothing that it rests on is another."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host import proof_key as proof

STARTED = {"keepalived.service": "1000", "holdfast-watcher.service": "2000"}


class Host:
    """Files in a folder in place of those of a host, and what systemd says there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started = dict(STARTED)
        for name in ("boot_id", "watcher.json", "nginx", "keepalived.conf", "unit"):
            (home / name).write_text("1")
        (home / "agent").symlink_to("agent-1")

    def run(self, *command: str) -> Completed:
        began = self.started.get(command[-1], "7")
        said = f"FragmentPath={self.home}/unit\nActiveState=active\nActiveEnterTimestampMonotonic={began}\n"
        return Completed(command, 0, said, "")

    @property
    def kept(self) -> str:
        return str(self.home / "proof")

    def holds(self) -> bool:
        return proof.holds(self.kept, track_dir=str(self.home), runner=self.run)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setattr(proof, "BOOT_ID", str(tmp_path / "boot_id"))
    monkeypatch.setattr(proof, "FOLDER", str(tmp_path))
    monkeypatch.setattr(proof, "PROGRAMS", (str(tmp_path / "nginx"),))
    monkeypatch.setattr(proof, "SETTINGS", (str(tmp_path / "watcher.json"), str(tmp_path / "keepalived.conf")))
    monkeypatch.setattr(proof, "watched_inodes", lambda _program: {os.stat(tmp_path).st_ino})
    (tmp_path / "proof").write_text(f"{proof.proof_key(host.run)}\n")
    return host


def restart(unit: str) -> t.Callable[[Host], None]:
    return lambda host: host.started.update({unit: "9999"})


def write(name: str) -> t.Callable[[Host], None]:
    return lambda host: t.cast(None, (host.home / name).write_text("other"))


def other_agent(host: Host) -> None:
    (host.home / "agent").unlink()
    (host.home / "agent").symlink_to("agent-2")


CHANGES: dict[str, t.Callable[[Host], None]] = {
    "another boot": write("boot_id"),
    "another document of the watcher": write("watcher.json"),
    "another configuration of keepalived": write("keepalived.conf"),
    "another unit": write("unit"),
    "another nginx": write("nginx"),
    "another agent": other_agent,
    "the watcher was restarted": restart("holdfast-watcher.service"),
    "keepalived was restarted": restart("keepalived.service"),
}


def test_it_holds_while_nothing_changes(host: Host) -> None:
    assert host.holds()
    host.started["nginx.service"] = "9999"  # as the proof itself does
    assert host.holds()


@pytest.mark.parametrize("change", CHANGES)
def test_it_holds_no_longer(host: Host, change: str) -> None:
    CHANGES[change](host)
    assert not host.holds()


def test_it_does_not_hold_where_nothing_was_proven(host: Host) -> None:
    (host.home / "proof").unlink()
    assert not host.holds()


def test_it_does_not_hold_where_keepalived_watches_another_folder(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "watched_inodes", lambda _program: {1})
    assert not host.holds()
