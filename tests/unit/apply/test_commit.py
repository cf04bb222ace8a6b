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
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import settle
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Transaction
from fake_daemon import FakeDaemon, request, transaction

OLD = {"a.conf": "a is old\n", "b.conf": "b is old\n"}
NEW = {"a.conf": "a is new\n", "c.conf": "c is new\n"}


class Systemd:
    """Takes the orders that systemd would get, and runs the unit that is enabled when told to."""

    def __init__(self, home: str) -> None:
        self.units = Path(home, "units")
        self.units.mkdir(exist_ok=True)
        self.refuses = ""
        self.orders: set[str] = set()

    def __call__(self, *args: str, **more: t.Any) -> Completed:
        if args[0] == "systemctl":
            self.orders.add(args[1])
            return Completed(args, 1 if self.refuses else 0, "", self.refuses)
        return run(*args, **more)

    def elapse(self) -> None:
        """Let the time of an open change be over, and its unit run; nothing happens where there is none."""
        assert "restart" in self.orders
        for unit in self.units.glob("*.service"):
            (self.units.parent / "run" / "holdfast-daemon.armed").write_text("0 0")
            self.run(unit)

    def boot(self) -> None:
        """Run the unit as on a host that was started anew."""
        assert "enable" in self.orders
        for unit in self.units.glob("*.service"):
            (self.units.parent / "run" / "holdfast-daemon.armed").unlink()
            self.run(unit)

    @staticmethod
    def run(unit: Path) -> None:
        [command] = [
            line[len("ExecStart=") :] for line in unit.read_text().split("\n") if line.startswith("ExecStart=")
        ]
        subprocess.run(command.split(), check=True, timeout=60)


def command_of(unit: Path) -> list[str]:
    return unit.read_text().partition("ExecStart=")[2].split("\n")[0].split()


@pytest.fixture
def home(tmp_path: Path) -> str:
    for name in ("etc", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "loaded").write_text("")
    with transaction(str(tmp_path)) as change:
        change.apply(request(str(tmp_path), OLD))
    return str(tmp_path)


@pytest.fixture
def systemd(home: str) -> Systemd:
    return Systemd(home)


def opened(home: str, systemd: Systemd) -> Transaction:
    return Transaction(
        FakeDaemon(home),
        state_folder=os.path.join(home, "var"),
        runtime=os.path.join(home, "run"),
        units=str(systemd.units),
        runner=systemd,
    )


def stage(home: str, texts: t.Mapping[str, str]) -> None:
    with transaction(home) as change:
        change.stage(request(home, texts))


def files(home: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path(home, "etc").iterdir())}


def test_staging_touches_nothing_live(home: str) -> None:
    stage(home, NEW)
    assert files(home) == OLD
    assert FakeDaemon(home).running_text() == "".join(OLD.values())
    assert oct(Path(home, "var", "daemon", "staged.json").stat().st_mode & 0o777) == "0o600"


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
    assert FakeDaemon(home).running_text() == "".join(OLD.values())
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="it has undone itself"):
        change.confirm()


def test_confirmed_it_stays(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    with opened(home, systemd) as change:
        change.confirm()
    assert leftovers(home) == ["manifest.json"]
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
    assert leftovers(home) == ["manifest.json"]


def test_nobody_else_changes_anything_while_it_awaits_its_confirmation(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match="still awaits its confirmation for"):
        change.apply(request(home, OLD))
    assert files(home) == NEW


def test_what_systemd_does_not_arm_is_not_committed(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    systemd.refuses = "Unit is masked."
    words = r"would undo the change \(Unit is masked\.\), nothing was changed"
    with opened(home, systemd) as change, pytest.raises(HoldfastError, match=words):
        change.commit(confirm_within=30)
    assert files(home) == OLD
    assert leftovers(home) == ["manifest.json", "staged.json"]


def test_after_a_boot_it_is_undone(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=3600)
    systemd.boot()
    assert files(home) == OLD
    assert leftovers(home) == ["manifest.json"]


def test_an_undo_that_failed_is_tried_again_and_stands_in_nobodys_way(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=3600)
    script = Path(home, "var", "daemon", "journal", "undo.sh")
    whole = script.read_text()
    script.write_text("echo there is no room; exit 1\n# the end of the undo\n")
    for unit in systemd.units.glob("*.service"):
        Path(home, "run", "holdfast-daemon.armed").unlink()
        trying = subprocess.Popen(command_of(unit), stderr=subprocess.PIPE, text=True)
    assert trying.stderr is not None
    line = "The change of daemon could not be undone, tried again in {} s: there is no room\n"
    assert [trying.stderr.readline() for _count in range(2)] == [line.format(1), line.format(2)]
    script.write_text(whole)
    assert trying.wait(30) == 0
    assert files(home) == OLD
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=30)
        change.confirm()
    assert files(home) == NEW


def test_nobody_confirms_what_is_about_to_be_undone(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.commit(confirm_within=settle.LAST_MOMENT / 2)
        with pytest.raises(HoldfastError, match="can no longer be confirmed: it undoes itself, unless a peer has kept"):
            change.confirm()
    systemd.elapse()
    assert files(home) == OLD


def test_what_peers_hear_of_a_change_from_its_beginning_to_its_end(home: str, systemd: Systemd) -> None:
    heard = settle.Change(f"{home}/var/daemon", f"{home}/run", str(systemd.units))
    for number, (outcome, end) in enumerate(
        [(settle.CONFIRMED, Transaction.confirm), (settle.UNDONE, Transaction.undo)]
    ):
        stage(home, OLD if number else NEW)
        name = str(number) * 32
        with opened(home, systemd) as change:
            change.agree(name, [])
            assert heard.known()[name] == settle.STAGED
            change.commit(confirm_within=3600)
            assert heard.known()[name] == settle.OPEN
            armed = Path(home, "run", "holdfast-daemon.armed")
            armed.rename(f"{armed}.away")
            assert heard.known()[name] == settle.LATE, "a host that was started anew is confirmed by a peer alone"
            Path(f"{armed}.away").rename(armed)
            end(change)
            assert heard.known() == {name: outcome}
        assert leftovers(home) == ["manifest.json"]
        assert files(home) == NEW


def test_a_confirmation_that_comes_after_that_of_a_peer_is_one(home: str, systemd: Systemd) -> None:
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.agree("a" * 32, [])
        change.commit(confirm_within=30)
    settle.Change(f"{home}/var/daemon", f"{home}/run", str(systemd.units)).keep()
    with opened(home, systemd) as change:
        change.confirm("a" * 32)
        with pytest.raises(HoldfastError, match="no change of daemon awaits its confirmation"):
            change.confirm("b" * 32)
        assert not change.apply(request(home, NEW)).changed


@pytest.mark.parametrize("booted", [False, True])
@pytest.mark.parametrize("said", [settle.CONFIRMED, settle.UNDONE])
def test_what_a_peer_says_decides(
    home: str, systemd: Systemd, monkeypatch: pytest.MonkeyPatch, said: str, booted: bool
) -> None:
    monkeypatch.setattr(settle, "ask", lambda _identity, peers, **_more: dict.fromkeys(peers, said))
    stage(home, NEW)
    with opened(home, systemd) as change:
        change.agree("a" * 32, ["192.0.2.2"])
        change.commit(confirm_within=60)
    armed = Path(home, "run", "holdfast-daemon.armed")
    if booted:
        armed.unlink()
    else:
        armed.write_text(f"{time.monotonic() + 60} 0")
    settle.settle(settle.Change(os.path.join(home, "var", "daemon"), os.path.join(home, "run"), str(systemd.units)))
    assert files(home) == (NEW if said == settle.CONFIRMED else OLD)
    assert not Path(home, "var", "daemon", "journal").exists()
    assert list(systemd.units.glob("*.service")) == []


def test_a_node_is_not_changed_where_a_peer_is_not_prepared(
    home: str, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "ask", lambda _identity, peers, **_more: dict.fromkeys(peers, settle.STAGED))
    stage(home, NEW)
    words = r"not all nodes are prepared for the change at its instant \(192\.0\.2\.2 \(staged\)\), nothing was changed"
    with opened(home, systemd) as change:
        change.agree("a" * 32, ["192.0.2.2"])
        with pytest.raises(HoldfastError, match=words):
            change.commit(at=time.time() + 1, confirm_within=30)
    assert files(home) == OLD
    assert settle.Change(f"{home}/var/daemon", f"{home}/run").known() == {"a" * 32: settle.UNDONE}
    with opened(home, systemd) as change:
        assert change.forget()
    assert leftovers(home) == ["manifest.json"]


def test_a_node_that_has_nothing_to_change_takes_part(home: str, systemd: Systemd) -> None:
    stage(home, OLD)
    with opened(home, systemd) as change:
        change.agree("a" * 32, [])
        assert not change.commit(confirm_within=30).changed
        assert settle.Change(f"{home}/var/daemon", f"{home}/run").known() == {"a" * 32: settle.OPEN}
        change.confirm("a" * 32)
    assert leftovers(home) == ["manifest.json"]


def leftovers(home: str) -> list[str]:
    """Return what lies in the state folder, and whatever else a change may leave behind."""
    beside = [path.name for folder in ("units", "run", "etc") for path in Path(home, folder).rglob("*holdfast*")]
    return sorted(
        [path.name for path in Path(home, "var", "daemon").iterdir()] + [x for x in beside if ".lock" not in x]
    )
