# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change may be tested now, made live at an instant, and kept only if somebody says so in time."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.transaction import Transaction
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Completed, run
from toy import Toy, request, transaction

OLD = {"a.conf": "a is old\n", "b.conf": "b is old\n"}
NEW = {"a.conf": "a is new\n", "c.conf": "c is new\n"}


class Systemd:
    """Takes the orders that systemd would get, and carries the last one out when told that its time has come."""

    def __init__(self) -> None:
        self.timer: tuple[str, ...] | None = None

    def __call__(self, *args: str, **more: t.Any) -> Completed:
        if args[0] == "systemd-run":
            self.timer = args[args.index("/bin/sh") :]
            return Completed(args, 0, "", "")
        if args[0] == "systemctl":
            self.timer = None
            return Completed(args, 0, "", "")
        return run(*args, **more)

    def elapse(self) -> None:
        if self.timer is not None:
            subprocess.run(self.timer, check=True)


@pytest.fixture
def home(tmp_path: Path) -> str:
    for name in ("etc", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "loaded").write_text("")
    with transaction(str(tmp_path)) as change:
        change.apply(request(str(tmp_path), OLD))
    return str(tmp_path)


@pytest.fixture
def systemd() -> Systemd:
    return Systemd()


def opened(home: str, systemd: Systemd) -> Transaction:
    return Transaction(
        Toy(home), state_folder=os.path.join(home, "var"), runtime=os.path.join(home, "run"), runner=systemd
    )


def stage(home: str, texts: t.Mapping[str, str]) -> None:
    with transaction(home) as change:
        change.stage(request(home, texts))


def files(home: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path(home, "etc").iterdir())}


def test_staging_touches_nothing_live(home: str) -> None:
    stage(home, NEW)
    assert files(home) == OLD
    assert Toy(home).running_text() == "".join(OLD.values())
    assert oct(Path(home, "var", "toy", "staged.json").stat().st_mode & 0o777) == "0o600"


def test_what_the_daemon_refuses_cannot_be_staged(home: str) -> None:
    with transaction(home) as change, pytest.raises(HoldfastError, match="refuses the configuration"):
        change.stage(request(home, {"a.conf": "BAD\n"}))
    with transaction(home) as change, pytest.raises(HoldfastError, match="nothing is staged on this host"):
        change.commit()


def test_a_commit_happens_at_its_instant(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    instant = time.time() + 0.5
    with opened(home, systemd) as change:
        result = change.commit(at=instant)
    # The kernel dates files by its coarse clock, which may be a tick behind.
    assert Path(home, "loaded").stat().st_mtime >= instant - 0.01
    assert files(home) == NEW
    assert result.files == {
        f"{home}/etc/a.conf": "changed",
        f"{home}/etc/b.conf": "removed",
        f"{home}/etc/c.conf": "created",
    }
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="nothing is staged"):
        change.commit()


def test_an_instant_that_has_passed_changes_nothing(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match=r"the instant passed \d+\.\d s ago"):
        change.commit(at=time.time() - 5)
    assert files(home) == OLD


def test_files_that_changed_since_are_not_overwritten(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    Path(home, "etc", "a.conf").write_text("edited meanwhile\n")
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="has changed since the change was staged"):
        change.commit()
    assert files(home)["a.conf"] == "edited meanwhile\n"


def test_unconfirmed_it_undoes_itself(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    assert files(home) == NEW
    systemd.elapse()
    assert files(home) == OLD
    assert Toy(home).running_text() == "".join(OLD.values())
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="it has undone itself"):
        change.confirm()


def test_confirmed_it_stays(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    with opened(home, systemd) as change:
        change.confirm()
    assert systemd.timer is None
    systemd.elapse()
    assert files(home) == NEW
    with opened(home, systemd) as change:
        assert not change.apply(request(home, NEW)).changed


def test_undone_by_hand_it_is_as_before(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    with opened(home, systemd) as change:
        change.undo()
    assert files(home) == OLD
    assert systemd.timer is None


def test_nobody_else_changes_anything_while_it_awaits_its_confirmation(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="still awaits its confirmation for"):
        change.apply(request(home, OLD))
    assert files(home) == NEW


def test_without_systemd_nothing_is_committed_that_could_not_be_undone(home: str) -> None:
    stage(home, NEW)
    with transaction(home) as change:
        change.runner = lambda *args, **more: Completed(args, 127, "", "systemd-run is not installed")
        with pytest.raises(HoldfastError, match="no systemd-run to undo the change with, nothing was changed"):
            change.commit(confirm_within=30)
    assert files(home) == OLD
    with transaction(home) as change:
        assert not change.repair()
