# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change is made whole or not at all, whatever happens while it is made."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import stage
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Result, Transaction
from fake_daemon import FakeDaemon, request, transaction

OLD = {"a.conf": "a is old\n", "b.conf": "b is old\n", "c.conf": "c is old\n"}
NEW = {"a.conf": "a is new\n", "b.conf": "b is old\n", "d.conf": "d is new\n"}


@pytest.fixture
def home(tmp_path: Path) -> str:
    for name in ("etc", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "loaded").write_text("")
    apply(str(tmp_path), OLD)
    return str(tmp_path)


def apply(home: str, texts: t.Mapping[str, str], *, check_mode: bool = False, **more: t.Any) -> Result:
    with transaction(home, check_mode=check_mode) as change:
        return change.apply(request(home, texts, **more))


def everything_below(folder: str) -> dict[str, bytes | None]:
    """Every path below the folder with its content, but for the lock."""
    found: dict[str, bytes | None] = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.name != "holdfast-daemon.lock":
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found


def files(home: str) -> dict[str, str]:
    etc = Path(home, "etc")
    return {str(path.relative_to(etc)): path.read_text() for path in sorted(etc.rglob("*")) if path.is_file()}


def test_files_are_written_removed_and_loaded(home: str) -> None:
    result = apply(home, NEW)
    assert files(home) == NEW
    assert FakeDaemon(home).running_text() == "".join(NEW.values())
    assert result.to_dict()["files"] == [
        {"path": f"{home}/etc/a.conf", "action": "changed"},
        {"path": f"{home}/etc/c.conf", "action": "removed"},
        {"path": f"{home}/etc/d.conf", "action": "created"},
    ]
    assert result.changed
    assert result.reloaded
    assert result.validated == "daemon"


def test_a_second_run_changes_nothing(home: str) -> None:
    before = everything_below(home)
    result = apply(home, OLD)
    assert not result.changed
    assert not result.reloaded
    assert everything_below(home) == before


def test_a_second_run_heals_what_the_daemon_has_lost(home: str) -> None:
    lost = Path(home, "loaded.lost")
    lost.touch()
    for check_mode in (True, False):
        assert lost.exists()
        result = apply(home, OLD, check_mode=check_mode)
        assert (result.changed, result.files, result.warnings) == (True, {}, ["it has lost something"])
    assert not lost.exists()
    assert not apply(home, OLD).changed
    lost.mkdir()
    with pytest.raises(HoldfastError, match="^daemon runs, and not as its files say: it has lost something for good$"):
        apply(home, OLD)


def test_a_daemon_that_the_reload_ends_gives_the_reason_itself(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("sh", "-c", f"echo it failed because of an error; rm {home}/loaded; exit 1")
    monkeypatch.setattr(FakeDaemon, "reload_command", command)
    before = "daemon did not take the new configuration, the old one was put back: "
    for running, reason in ((lambda _daemon: True, "it failed because of an error"), (_has_loaded, "a port is taken")):
        Path(home, "loaded").touch()
        monkeypatch.setattr(FakeDaemon, "running", running)
        monkeypatch.setattr(FakeDaemon, "confirm", lambda *_args, **_options: "a port is taken")
        with pytest.raises(HoldfastError) as failed:
            apply(home, {"a.conf": "new\n"})
        assert str(failed.value) == before + reason


def _has_loaded(daemon: FakeDaemon) -> bool:
    return os.path.exists(daemon.loaded)


def test_an_undo_is_over_when_the_old_state_is_back(home: str) -> None:
    Path(home, "loaded.lost").touch()
    with pytest.raises(HoldfastError) as failed:
        apply(home, {"a.conf": "POISON\n"})
    assert str(failed.value) == (
        "daemon did not take the new configuration, the old one was put back: it still runs the old configuration; "
        "the old files of daemon are back, and it does not run as they say: it has lost something. "
        "Restart it: systemctl restart daemon"
    )
    assert files(home) == OLD


def test_check_mode_shows_the_same_diff_and_writes_nothing(home: str) -> None:
    before = everything_below(home)
    shown = apply(home, NEW, check_mode=True)
    assert everything_below(home) == before
    assert shown.changed
    done = apply(home, NEW)
    assert done.diff == shown.diff
    assert done.files == shown.files


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_the_daemon_refuses_is_never_written(home: str, check_mode: bool) -> None:
    before = everything_below(home)
    with pytest.raises(HoldfastError, match=r"refuses the configuration, nothing was changed: .*a\.conf:a is BAD"):
        apply(home, dict(NEW, **{"a.conf": "a is BAD\n"}), check_mode=check_mode)
    assert everything_below(home) == before


def test_a_tree_that_others_broke_is_found_without_a_change_of_ours(home: str) -> None:
    Path(home, "etc", "foreign").write_text("BAD\n")
    with pytest.raises(HoldfastError, match="foreign"):
        apply(home, OLD)


def test_a_reload_that_does_not_take_is_undone(home: str) -> None:
    before = everything_below(home)
    with pytest.raises(HoldfastError, match="the old one was put back: it still runs the old configuration"):
        apply(home, dict(NEW, **{"a.conf": "a is POISON\n"}))
    assert everything_below(home) == before
    assert FakeDaemon(home).running_text() == "".join(OLD.values())


def test_a_rejected_change_a_hundred_times_leaves_the_old_one(home: str) -> None:
    before = everything_below(home)
    for number in range(100):
        with pytest.raises(HoldfastError):
            apply(home, {"a.conf": f"a is BAD {number}\n"})
    assert everything_below(home) == before


def test_only_own_files_are_removed(home: str) -> None:
    foreign = Path(home, "etc", "foreign.conf")
    foreign.write_text("not ours\n")
    apply(home, {})
    assert files(home) == {"foreign.conf": "not ours\n"}


PAGES = {"conf.d/a": "a\n", "holdfast-pages.d/a/404.html": "a\n", "holdfast-pages.d/b/404.html": "b\n"}


def test_a_folder_of_ours_goes_with_the_last_that_lies_in_it(home: str) -> None:
    etc = Path(home, "etc")
    apply(home, {**OLD, **PAGES})
    (etc / "holdfast-pages.d" / "b" / "foreign").write_text("x\n")
    apply(home, OLD, check_mode=True)
    with pytest.raises(HoldfastError, match="the old one was put back"):
        apply(home, {**OLD, "b.conf": "POISON\n"})
    assert (etc / "holdfast-pages.d" / "a" / "404.html").exists()
    apply(home, OLD)
    left = sorted(str(path.relative_to(etc)) for path in etc.rglob("*") if path.name not in OLD)
    assert left == ["conf.d", "holdfast-pages.d", "holdfast-pages.d/b", "holdfast-pages.d/b/foreign"]


def test_a_folder_of_ours_goes_where_somebody_else_has_emptied_it(home: str) -> None:
    page = Path(home, "etc", "holdfast-pages.d", "a", "404.html")
    apply(home, {**OLD, "holdfast-pages.d/a/404.html": "a\n"})
    page.unlink()
    apply(home, OLD)
    assert not page.parent.parent.exists()


def test_a_foreign_file_of_the_same_name_is_not_overwritten(home: str) -> None:
    foreign = Path(home, "etc", "d.conf")
    foreign.write_text("not ours\n")
    with pytest.raises(HoldfastError, match=r"d\.conf is there already and was not written by this collection"):
        apply(home, NEW)
    assert files(home) == dict(OLD, **{"d.conf": "not ours\n"})


@pytest.mark.parametrize(
    ("drift", "expected"), [("overwrite", "a is old\n"), ("keep", "edited\n"), ("fail", "edited\n")]
)
def test_an_edit_by_hand_is_shown_as_drift(home: str, drift: str, expected: str) -> None:
    edited = Path(home, "etc", "a.conf")
    edited.write_text("edited\n")
    if drift == "fail":
        with pytest.raises(HoldfastError, match=r"a\.conf was edited by hand"):
            apply(home, OLD, drift=drift)
    else:
        for _again in range(2 if drift == "keep" else 1):
            assert apply(home, OLD, drift=drift).drifted == [str(edited)]
    assert edited.read_text() == expected


def test_a_file_of_another_module_is_refused(home: str) -> None:
    with transaction(home) as change, pytest.raises(HoldfastError, match="belongs to toy_config on this host"):
        change.apply(request(home, {"a.conf": "mine now\n"}, prune=False).__class__("other", request(home, NEW).owned))


def test_folders_replaced_by_links_and_foreign_owners_are_refused(home: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    Path(home, "etc").rename(elsewhere)
    Path(home, "etc").symlink_to(elsewhere)
    with pytest.raises(HoldfastError, match="etc is a symbolic link"):
        apply(home, NEW)
    Path(home, "etc").unlink()
    elsewhere.rename(Path(home, "etc"))
    Path(home, "etc", "a.conf").unlink()
    Path(home, "etc", "a.conf").symlink_to("/etc/hostname")
    with pytest.raises(HoldfastError, match=r"a\.conf is a symbolic link"):
        apply(home, NEW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_belongs_to_somebody_else_is_refused(home: str) -> None:
    os.chown(Path(home, "etc", "a.conf"), 65534, 65534)
    before = everything_below(home)
    with pytest.raises(HoldfastError, match=r"a\.conf belongs to user id 65534"):
        apply(home, NEW)
    assert everything_below(home) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize(
    ("option", "words"), [("ro,size=1m", "Read-only file system"), ("size=64k", "No space left on device")]
)
def test_a_full_or_read_only_disk_changes_nothing(home: str, option: str, words: str) -> None:
    etc = Path(home, "etc")
    saved = files(home)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "holdfast-test", str(etc)], check=True)
    try:
        for name, text in saved.items():
            (etc / name).write_text(text)
        subprocess.run(["mount", "-o", f"remount,{option}", str(etc)], check=True)
        before = everything_below(home)
        with pytest.raises(HoldfastError, match=rf"cannot be written \({words}\), nothing was changed"):
            apply(home, dict(NEW, **{"e.conf": "x" * 200_000}))
        assert everything_below(home) == before
    finally:
        subprocess.run(["umount", str(etc)], check=True)


@pytest.mark.parametrize("method", stage.METHODS)
def test_the_test_leaves_no_trace_with_any_method(home: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0 and method != "copy":
        pytest.skip("only root can mount")
    only = stage.check_staged
    monkeypatch.setattr(stage, "check_staged", lambda *a, **k: only(*a, methods=[method], **k))
    before = everything_below(home)
    result = apply(home, NEW, check_mode=True)
    assert result.staged_with == method
    assert everything_below(home) == before
    with pytest.raises(HoldfastError, match=rf"{home}/etc/d\.conf:BAD"):
        apply(home, dict(NEW, **{"d.conf": "BAD\n"}))
    assert everything_below(home) == before


def test_killed_at_any_step_the_next_run_mends_it(tmp_path: Path) -> None:
    daemon = str(Path(__file__).with_name("fake_daemon.py"))
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    old = {**OLD, "holdfast-pages.d/a/404.html": "a\n"}
    for step in range(1, 1000):
        home = tmp_path / str(step)
        for name in ("etc", "run"):
            (home / name).mkdir(parents=True)
        (home / "loaded").write_text("")
        apply(str(home), old)
        killed = subprocess.run(
            [sys.executable, daemon, str(home), json.dumps(NEW), str(step)], env=environment, check=False
        )
        with transaction(str(home)) as change:
            change.repair()
        assert files(str(home)) in (old, NEW), step
        assert FakeDaemon(str(home)).running_text() == FakeDaemon(str(home)).files_text(), step
        apply(str(home), NEW)
        assert files(str(home)) == NEW, step
        assert not (home / "etc" / "holdfast-pages.d").exists(), step
        assert FakeDaemon(str(home)).running_text() == "".join(NEW.values()), step
        assert sorted(path.name for path in (home / "var" / "daemon").iterdir()) == ["manifest.json"], step
        assert [path.name for path in (home / "run").iterdir()] == ["holdfast-daemon.lock"], step
        if killed.returncode == 0:
            assert step > 30, "the change has more steps than were tried"
            return
        assert killed.returncode == -signal.SIGKILL
    raise AssertionError("the change never ended")


def test_two_runs_do_not_interleave(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change = transaction(home)
    with open(Path(home, "run", "holdfast-daemon.lock"), "w", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clock = iter(range(0, 1000, 30))
        monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
        with pytest.raises(HoldfastError, match="another change of daemon is running on this host"):
            change.__enter__()
    monkeypatch.undo()
    assert apply(home, NEW).changed


class Dead(FakeDaemon):
    """The daemon does not run. It is ``wanted`` or not, and ``words`` are why it does not start."""

    def __init__(self, home: str, *, wanted: bool = True, words: str | None = None) -> None:
        super().__init__(home)
        self.lives, self.is_wanted, self.words = False, wanted, words
        self.starts = 0

    def running(self) -> bool:
        return self.lives

    def wanted(self) -> bool:
        return self.is_wanted

    def start(self, *, timeout: float) -> str | None:
        self.starts += 1
        self.lives = self.words is None
        return self.words


def dead(home: str, daemon: Dead, texts: t.Mapping[str, str], *, check_mode: bool = False) -> Result:
    """Apply these texts where the daemon does not run."""
    state, runtime = os.path.join(home, "var"), os.path.join(home, "run")
    with Transaction(daemon, check_mode=check_mode, state_folder=state, runtime=runtime) as change:
        return change.apply(request(home, texts))


def test_a_daemon_that_is_wanted_is_started_with_its_new_files_and_without_any(home: str) -> None:
    """N3: repaired files and a dead daemon are no success."""
    daemon = Dead(home)
    assert dead(home, daemon, {"a.conf": "new\n"}, check_mode=True).files
    assert not daemon.lives
    result = dead(home, daemon, {"a.conf": "new\n"})
    assert (result.started, result.running, daemon.files_text()) == (True, True, "new\n")
    daemon.lives = False
    result = dead(home, daemon, {"a.conf": "new\n"}, check_mode=True)
    assert (result.changed, result.started, daemon.lives) == (True, True, False)
    result = dead(home, daemon, {"a.conf": "new\n"})
    assert (result.changed, result.started, daemon.lives, daemon.starts) == (True, True, True, 2)
    assert not dead(home, daemon, {"a.conf": "new\n"}).changed


def test_one_that_nothing_wants_to_run_is_told_of(home: str) -> None:
    daemon = Dead(home, wanted=False)
    result = dead(home, daemon, {"a.conf": "new\n"})
    assert (result.changed, result.started, result.running, daemon.starts) == (True, False, False, 0)


def test_one_that_does_not_start_gets_its_old_files_back(home: str) -> None:
    dead(home, Dead(home), {"a.conf": "old\n"})
    daemon = Dead(home, words="the port is taken")
    with pytest.raises(HoldfastError) as error:
        dead(home, daemon, {"a.conf": "new\n"})
    assert str(error.value) == (
        "daemon did not run, and does not start with the new configuration, the old one was put back: the port is taken"
    )
    assert daemon.files_text() == "old\n"
    assert not os.path.exists(os.path.join(home, "var", "daemon", "journal"))
