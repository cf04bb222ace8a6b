# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many files in one step, each only where it differs, and the same said in check mode."""

from __future__ import annotations

import grp
import hashlib
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import owned
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.owned import File, Folder, bring

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the files belong to root")

GROUP = grp.getgrgid(os.getegid()).gr_name


class Systemd:
    """What is run on the host; it knows one unit."""

    def __init__(self, unit: Path | None = None) -> None:
        self.unit = unit
        self.told: list[str] = []

    def __call__(self, *words: str, **_more: t.Any) -> Completed:
        if words[:2] == ("systemctl", "show"):
            return Completed(words, 0, f"FragmentPath={self.unit or ''}\n", "")
        self.told.append(" ".join(words))
        return Completed(words, 0, "", "")


@pytest.fixture
def systemd() -> Systemd:
    return Systemd()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only its owner writes to, as /etc, with the places that systemd looks at."""
    monkeypatch.setattr(owned, "UNITS", f"{tmp_path}/system/")
    monkeypatch.setattr(owned, "TMPFILES", f"{tmp_path}/tmpfiles.d/")
    monkeypatch.setattr(owned, "replace_text", lambda path, text, mode, _owner: _replace(Path(path), text, mode))
    return tmp_path


def _replace(path: Path, text: str | None, mode: int) -> None:
    """As replace_text, which refuses whatever lies below /tmp."""
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)


def test_only_what_differs_is_written_and_check_mode_says_the_same(home: Path, systemd: Systemd) -> None:
    (home / "same").write_text("same\n")
    (home / "old").write_text("old\n")
    files = [
        File(f"{home}/same", "same\n"),
        File(f"{home}/old", "new\n", 0o600),
        File(f"{home}/deep/new", "new\n"),
        File(f"{home}/never", None),
    ]
    told = bring([], files, check=True, runner=systemd)
    assert (home / "old").read_text() == "old\n"
    assert bring([], files, check=False, runner=systemd) == told
    assert [(Path(one.path).name, one.before, one.after) for one in told] == [
        ("old", "old\n", "new\n"),
        ("new", "", "new\n"),
    ]
    assert stat.S_IMODE((home / "old").stat().st_mode) == 0o600
    assert bring([], files, check=False, runner=systemd) == []
    assert systemd.told == []


def test_a_file_without_a_text_goes(home: Path, systemd: Systemd) -> None:
    (home / "gone").write_text("x\n")
    assert [one.before for one in bring([], [File(f"{home}/gone", None)], check=False, runner=systemd)] == ["x\n"]
    assert not (home / "gone").exists()


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(("text", "is_there"), [("as packaged\n", False), ("changed\n", True)])
def test_a_file_of_a_package_goes_only_where_nobody_has_changed_it(
    home: Path, text: str, is_there: bool, link: bool
) -> None:
    path = home / "default.conf"
    (home / "own.conf" if link else path).write_text(text)
    if link:
        path.symlink_to("own.conf")
    conffiles = f"\n /etc/other 0123\n {path} {hashlib.md5(b'as packaged' + bytes([10])).hexdigest()}\n"

    def dpkg(*words: str, **_more: t.Any) -> Completed:
        assert words == ("dpkg-query", "--show", "--showformat=${Conffiles}", "nginx")
        return Completed(words, 0, conffiles, "")

    changes = bring([], [File(str(path), None, conffile_of="nginx")], check=False, runner=dpkg)
    assert path.exists() == bool(is_there or link) != bool(changes)


def test_a_folder_gets_its_mode_and_group(home: Path, systemd: Systemd) -> None:
    wanted = Folder(f"{home}/log", 0o2750, GROUP)
    assert [one.path for one in bring([wanted], [], check=True, runner=systemd)] == [wanted.path]
    assert not (home / "log").exists()
    bring([wanted], [], check=False, runner=systemd)
    assert stat.S_IMODE((home / "log").stat().st_mode) == 0o2750
    assert bring([wanted], [], check=False, runner=systemd) == []
    with pytest.raises(HoldfastError, match="which this host does not have"):
        bring([wanted._replace(group="nobody-knows")], [], check=True, runner=systemd)


def test_a_folder_of_somebody_is_kept_as_it_is(home: Path, systemd: Systemd) -> None:
    wanted = Folder(f"{home}/log", kept=True)
    bring([wanted], [], check=False, runner=systemd)
    assert stat.S_IMODE((home / "log").stat().st_mode) == 0o755
    (home / "log").chmod(0o2700)
    assert bring([wanted], [], check=False, runner=systemd) == []
    assert stat.S_IMODE((home / "log").stat().st_mode) == 0o2700


def test_systemd_reads_units_again_where_one_has_changed(home: Path, systemd: Systemd) -> None:
    files = [File(f"{home}/system/a.service", "[Unit]\n"), File(f"{home}/tmpfiles.d/a.conf", "d /run/a\n")]
    bring([], files, check=True, runner=systemd)
    assert systemd.told == []
    bring([], files, check=False, runner=systemd)
    made = f"systemd-tmpfiles --create {home}/tmpfiles.d/a.conf"
    assert systemd.told == ["systemctl daemon-reload", made]
    systemd.told.clear()
    bring([], files, check=False, runner=systemd)
    assert systemd.told == [made], "what somebody has taken away comes back"


def test_a_drop_in_takes_the_command_line_of_the_unit(home: Path) -> None:
    unit = home / "unit"
    unit.write_text("[Service]\nExecStart=/usr/sbin/x --own $OPTIONS\n")
    text = "[Service]\nExecStart=\nExecStart=@EXEC_START@ --more\nRestart=always\n"
    wanted = [File(f"{home}/x.conf", text, unit="x.service")]
    (found,) = bring([], wanted, check=True, runner=Systemd(unit))
    assert found.after == "[Service]\nExecStart=\nExecStart=/usr/sbin/x --own $OPTIONS --more\nRestart=always\n"
    (found,) = bring([], wanted, check=True, runner=Systemd())
    assert found.after == "[Service]\nRestart=always\n"
