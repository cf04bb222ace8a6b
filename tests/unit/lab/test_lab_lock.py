# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who comes second waits, and is told for whom."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lab.lock import HELD, lab_lock
from lab.number import NAME


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the lock under which the tests themselves may run."""
    monkeypatch.delenv(HELD, raising=False)


def test_the_second_waits_for_the_first(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        os.environ.pop(HELD)
        waiting.set()
        with lab_lock("bin/demo", folder=folder):
            order.append("second")

    thread = threading.Thread(target=second)
    with lab_lock("bin/test", folder=folder):
        thread.start()
        assert waiting.wait(5)
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert "waiting for bin/test of " in capfd.readouterr().err


def test_what_the_holder_starts_works_under_its_lock(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.lock"
    with lab_lock("bin/test", folder=str(tmp_path)):
        assert os.environ[HELD].split() == [NAME]
        with lab_lock("bin/lab up", folder=str(tmp_path)):
            assert "bin/test" in file.read_text()
    assert not os.environ[HELD]


def test_a_lab_is_held_beside_another(tmp_path: Path) -> None:
    with lab_lock("bin/test", 1, str(tmp_path)):
        with lab_lock("bin/test", 2, str(tmp_path)):
            assert os.environ[HELD].split() == ["holdfast-lab-1", "holdfast-lab-2"]
        assert os.environ[HELD].split() == ["holdfast-lab-1"]


def test_a_shorter_purpose_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.lock"
    file.write_text("x" * 1000)
    with lab_lock("bin/lab up", folder=str(tmp_path)):
        assert file.read_text().startswith("bin/lab up of ")
        assert "x" * 10 not in file.read_text()
