# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stale_services tells a service that runs what its files said once from one that is as its files say."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.stale import stale

UNIT = "example.service"
STARTED, RELOADED = 300.0, 200.0
"""Seconds ago."""


@pytest.fixture
def host(tmp_path: Path) -> t.Callable[..., t.Any]:
    """What systemd says of one service, and files of it that were written so many seconds ago."""

    def asked(*, unit: float = 400, file: float = 400, state: str = "active", unread: str = "no") -> t.Any:
        for name, age in (("unit", unit), ("drop-in", 400), ("file", file)):
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (time.time() - age,) * 2)
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        said = {
            "ActiveState": state,
            "NeedDaemonReload": unread,
            "FragmentPath": tmp_path / "unit",
            "DropInPaths": f"{tmp_path}/drop-in {tmp_path}/gone",
            "ActiveEnterTimestampMonotonic": int((now - STARTED) * 1e6),
            "StateChangeTimestampMonotonic": int((now - RELOADED) * 1e6),
        }
        text = "".join(f"{name}={value}\n" for name, value in said.items())
        return stale(
            {UNIT: [f"{tmp_path}/file", f"{tmp_path}/missing"]}, lambda *words, **_: Completed(words, 0, text, "")
        )

    return asked


@pytest.mark.parametrize(
    ("facts", "services"),
    [
        pytest.param({}, [], id="all is older than the service"),
        pytest.param({"file": 250}, [], id="a file was read again by a reload"),
        pytest.param({"file": 100}, [UNIT], id="a file is newer than the reload"),
        pytest.param({"unit": 250}, [UNIT], id="a unit is not read again by a reload"),
        pytest.param({"file": 100, "state": "inactive"}, [], id="what does not run is not stale"),
    ],
)
def test_a_service_is_stale_when_a_file_is_newer(
    host: t.Callable[..., t.Any], facts: dict[str, t.Any], services: list[str]
) -> None:
    assert host(**facts) == (services, False)


def test_systemd_itself_may_have_to_read_a_unit_again(host: t.Callable[..., t.Any]) -> None:
    assert host(unread="yes", state="inactive") == ([], True)


def test_a_file_has_to_be_said_from_the_root() -> None:
    with pytest.raises(HoldfastError, match=r"services\.example\.service: has to be a list of absolute paths"):
        stale({UNIT: ["example.py"]})
