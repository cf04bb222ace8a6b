# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that runs what its files said once is told from one that is as its files say."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.services import Service, settle

UNIT = "example.service"
STARTED, RELOADED = 300.0, 200.0
"""Seconds ago."""

Host = t.Callable[..., t.List[str]]


class Systemd:
    """One service, of which the files were written so many seconds ago; it notes what it is told."""

    def __init__(self, folder: Path, **facts: t.Any) -> None:
        ages = {"unit": 400, "drop-in": 400, "program": 400, "setting": 400, **facts}
        for name in ("unit", "drop-in", "program", "setting"):
            (folder / name).touch()
            os.utime(folder / name, (time.time() - ages[name],) * 2)
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.said = {
            "ActiveState": facts.get("state", "active"),
            "NeedDaemonReload": facts.get("unread", "no"),
            "FragmentPath": folder / "unit",
            "DropInPaths": f"{folder}/drop-in {folder}/gone",
            "ActiveEnterTimestampMonotonic": int((now - STARTED) * 1e6),
            "StateChangeTimestampMonotonic": int((now - RELOADED) * 1e6),
            "UnitFileState": facts.get("file_state", "enabled"),
            "Triggers": UNIT,
        }
        self.told: list[str] = []

    def __call__(self, *words: str, **_more: t.Any) -> Completed:
        if words[1] == "show":
            return Completed(words, 0, "".join(f"{name}={value}\n" for name, value in self.said.items()), "")
        self.told.append(" ".join(words[1:]))
        return Completed(words, 0, "", "")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        pytest.param({}, [], id="all is older than the service"),
        pytest.param({"setting": 250}, [], id="a setting was read again by a reload"),
        pytest.param({"setting": 100}, [f"reload {UNIT}"], id="a setting is newer than the reload"),
        pytest.param({"program": 250}, [f"restart {UNIT}"], id="a program is not read again by a reload"),
        pytest.param({"unit": 250}, [f"restart {UNIT}"], id="nor is a unit"),
        pytest.param({"drop-in": 250, "setting": 100}, [f"restart {UNIT}"], id="a restart reads all of it"),
        pytest.param({"program": 100, "state": "inactive"}, [f"start {UNIT}"], id="one that does not run is started"),
        pytest.param({"unread": "yes"}, ["daemon-reload"], id="systemd has to read the unit again"),
        pytest.param({"file_state": "disabled"}, [f"enable {UNIT}"], id="one that is not enabled"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_service_runs_what_its_files_say(
    tmp_path: Path, facts: dict[str, t.Any], told: list[str], check: bool
) -> None:
    systemd = Systemd(tmp_path, **facts)
    service = Service(UNIT, [f"{tmp_path}/program", f"{tmp_path}/missing"], [f"{tmp_path}/setting"], enabled=True)
    done = settle([service], check=check, runner=systemd)
    assert [f"{verb} {name}".strip() for name, verb in done] == told
    assert systemd.told == ([] if check else told)


def test_what_is_not_asked_for_is_left_alone(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, state="inactive", file_state="disabled")
    assert settle([Service(UNIT, runs=False)], check=False, runner=systemd) == []
    systemd = Systemd(tmp_path, unit=100)
    assert settle([Service(UNIT, restarts=False)], check=False, runner=systemd) == []


def test_one_that_shall_not_start_at_boot_is_disabled(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path)
    settle([Service(UNIT, enabled=False)], check=False, runner=systemd)
    assert systemd.told == [f"disable {UNIT}"]


def test_in_check_mode_a_file_that_would_be_written_is_newer(tmp_path: Path) -> None:
    services = [Service(UNIT, [f"{tmp_path}/program"], [f"{tmp_path}/setting"])]
    systemd = Systemd(tmp_path)
    for path, verb in (("program", "restart"), ("unit", "restart"), ("setting", "reload")):
        assert settle(services, check=True, written={f"{tmp_path}/{path}"}, runner=systemd) == [(UNIT, verb)]
    assert settle(services, check=False, written={f"{tmp_path}/program"}, runner=systemd) == []


def test_the_service_of_a_socket_makes_way_for_it(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, unit=100)
    settle([Service("example.socket")], check=False, runner=systemd)
    assert systemd.told == [f"stop {UNIT}", "restart example.socket"]


def test_what_systemd_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, state="failed")

    def refuses(*words: str, **more: t.Any) -> Completed:
        return systemd(*words) if words[1] == "show" else Completed(words, 1, "", "Job for example.service failed.")

    with pytest.raises(
        HoldfastError, match=r"`systemctl start example.service` fails: Job for example.service failed."
    ):
        settle([Service(UNIT)], check=False, runner=refuses)
