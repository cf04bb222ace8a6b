# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that a site serves is replaced as a whole and in one step, and only where it is nobody else's."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content import place
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.members import entries, folder_members, pack
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.place import Content, bring, differing
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what it brings about belongs to root")

SAID = "backend_content"


@pytest.fixture(autouse=True)
def owned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "content.json"
    monkeypatch.setattr(place, "OWNED", str(path))
    return path


def content(home: Path, files: t.Mapping[str, str], **more: t.Any) -> Content:
    """Return what puts these files into the folder ``site``."""
    source, packed = home / "source", home / "pack.tar.gz"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    pack(folder_members(str(source)), str(packed))
    return Content(
        **{
            "path": str(home / "site"),
            "where": SAID,
            "archive": str(packed),
            "wanted": entries(folder_members(str(source))),
            **more,
        }
    )


def there(home: Path) -> dict[str, str]:
    site = home / "site"
    return {str(path.relative_to(site)): path.read_text() for path in site.rglob("*") if path.is_file()}


def test_the_second_run_changes_nothing_and_what_the_source_lacks_goes(tmp_path: Path) -> None:
    first = content(tmp_path, {"index.html": "1", "css/a.css": "a"}, owner="nobody", mode=0o640, folder_mode=0o750)
    assert [change.path for change in bring([first], check=True)] == [first.path]
    assert not (tmp_path / "site").exists()
    assert bring([first], check=False)
    assert there(tmp_path) == {"index.html": "1", "css/a.css": "a"}
    assert bring([first], check=False) == []
    about = {str(path): path.stat() for path in (tmp_path / "site", tmp_path / "site" / "css" / "a.css")}
    assert [oct(one.st_mode & 0o7777) for one in about.values()] == ["0o750", "0o640"]
    assert {one.st_uid for one in about.values()} == {65534}

    second = replace(content(tmp_path, {"index.html": "2"}), owner="nobody", mode=0o640, folder_mode=0o750)
    [change] = bring([second], check=True)
    assert [line.split()[0] for line in change.before.splitlines()] == ["css", "css/a.css", "index.html"]
    assert [line.split()[0] for line in change.after.splitlines()] == ["index.html"]
    assert differing([second]) == [second.path]
    assert bring([second], check=False)
    assert there(tmp_path) == {"index.html": "2"}
    assert differing([second]) == []
    assert [path.name for path in tmp_path.iterdir() if "holdfast" in path.name] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda site: (site / "index.html").write_text("edited"),
        lambda site: (site / "index.html").chmod(0o600),
        lambda site: os.chown(site / "index.html", 65534, 0),
        lambda site: site.chmod(0o700),
        lambda site: (site / "more").write_text("put there"),
        lambda site: (site / "index.html").unlink(),
        lambda site: os.mkfifo(site / "pipe"),
        lambda site: (site / "css").mkdir(),
    ],
    ids=["edited", "mode", "owner", "root", "more", "gone", "pipe", "folder"],
)
def test_what_others_changed_is_mended(tmp_path: Path, change: t.Callable[[Path], t.Any]) -> None:
    wanted = content(tmp_path, {"index.html": "1"})
    bring([wanted], check=False)
    change(tmp_path / "site")
    assert bring([wanted], check=False)
    assert bring([wanted], check=False) == []
    assert there(tmp_path) == {"index.html": "1"}


def test_a_folder_of_others_is_refused_with_what_would_be_lost(tmp_path: Path) -> None:
    wanted = content(tmp_path, {"a": "1"})
    site = tmp_path / "site"
    site.mkdir()
    (site / "theirs").write_text("")
    for check in (True, False):
        with pytest.raises(HoldfastError) as caught:
            bring([wanted], check=check)
        assert str(caught.value) == (
            f'{SAID}: {site} has "theirs", which would be lost, nothing was changed: move them away, or let the site '
            "have another root"
        )
    assert there(tmp_path) == {"theirs": ""}


def test_the_page_of_before_and_what_comes_again_may_go(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    for name in ("index.html", "a"):
        (site / name).write_text("old")
    assert bring([content(tmp_path, {"a": "1"})], check=False)
    assert there(tmp_path) == {"a": "1"}


def test_a_folder_is_nobody_s_any_more_once_no_site_has_it(tmp_path: Path, owned: Path) -> None:
    wanted = content(tmp_path, {"a": "1"})
    bring([wanted], check=False)
    assert owned.stat().st_mode & 0o777 == 0o600
    bring([], check=False)
    assert not owned.exists()
    assert there(tmp_path) == {"a": "1"}
    (tmp_path / "site" / "theirs").write_text("")
    with pytest.raises(HoldfastError, match="would be lost"):
        bring([wanted], check=False)


def test_what_is_no_folder_of_its_own_is_refused(tmp_path: Path) -> None:
    wanted = content(tmp_path, {"a": "1"})
    (tmp_path / "site").symlink_to(tmp_path)
    with pytest.raises(HoldfastError, match="is a symbolic link: move it away"):
        bring([wanted], check=True)
    (tmp_path / "site").unlink()
    (tmp_path / "site").write_text("")
    with pytest.raises(HoldfastError, match="is no folder: move it away"):
        bring([wanted], check=True)
    with pytest.raises(HoldfastError, match="is a mount"):
        bring([replace(wanted, path="/proc")], check=True)
    with pytest.raises(HoldfastError, match="shall be of user no-such, which this host does not have"):
        bring([replace(wanted, owner="no-such")], check=True)


def test_a_source_that_changed_meanwhile_changes_nothing(tmp_path: Path) -> None:
    bring([content(tmp_path, {"a": "1"})], check=False)
    wanted = replace(content(tmp_path, {"a": "2"}), wanted={"a": "3" * 64})
    with pytest.raises(HoldfastError, match="has changed while it was read"):
        bring([wanted], check=False)
    assert there(tmp_path) == {"a": "1"}
    assert not (tmp_path / ".site.holdfast-content").exists()


def test_an_archive_of_the_host_is_read_there(tmp_path: Path) -> None:
    wanted = replace(content(tmp_path, {"top/a": "1", "top/b/c": "2"}), wanted=None, strip=1)
    assert bring([wanted], check=False)
    assert there(tmp_path) == {"a": "1", "b/c": "2"}
    assert bring([wanted], check=False) == []
    with pytest.raises(HoldfastError, match="no-such is not there: bring the archive onto the host first"):
        bring([replace(wanted, archive="/no-such")], check=True)


@pytest.mark.parametrize("knows", [True, False], ids=["renameat2", "without"])
def test_a_reader_never_sees_half_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knows: bool) -> None:
    if not knows:

        class Old:
            """A C library of before 2018."""

        monkeypatch.setattr("ctypes.CDLL", lambda *_given, **_more: Old())
    trees: list[Content] = []
    for number in range(2):
        home = tmp_path / str(number)
        home.mkdir()
        files = {f"{index}.html": str(number) for index in range(40)}
        trees.append(replace(content(home, files), path=str(tmp_path / "site")))
    bring(trees[:1], check=False)
    seen: list[set[str]] = []
    away: list[FileNotFoundError] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                folder = os.open(tmp_path / "site", os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError as error:
                away.append(error)
                continue
            found = set()
            try:
                for index in (0, 20, 39):
                    handle = os.open(f"{index}.html", os.O_RDONLY, dir_fd=folder)
                    found.add(os.read(handle, 9).decode())
                    os.close(handle)
                seen.append(found)
            except FileNotFoundError:
                pass  # the old one, which is removed
            finally:
                os.close(folder)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(10):
            assert bring([trees[1 - turn % 2]], check=False)
    finally:
        stop.set()
        reader.join()
    assert seen
    assert all(len(found) == 1 for found in seen)
    assert not (knows and away)


def test_what_cannot_change_places_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring([content(tmp_path, {"a": "1"})], check=False)

    def refuse(_one: str, other: str) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", other)

    monkeypatch.setattr(place, "exchange", refuse)
    with pytest.raises(HoldfastError, match="Device or resource busy; it is as it was"):
        bring([content(tmp_path, {"a": "2"})], check=False)
    assert there(tmp_path) == {"a": "1"}
