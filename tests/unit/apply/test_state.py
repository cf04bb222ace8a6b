# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of state: without room for them nothing is changed, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction import stage
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import Transaction
from fake_daemon import FakeDaemon, request, transaction

OLD = {"a.conf": "a is old\n", "b.conf": "b is old\n", "c.conf": "c is old\n"}
NEW = {"a.conf": "a is new\n", "b.conf": "b is old\n", "new/d.conf": "d is new\n"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # The quickest method: this is about what comes after the test.
    monkeypatch.setattr(stage, "check_staged", functools.partial(stage.check_staged, methods=["copy"]))
    for name in ("etc", "run", "var"):
        (tmp_path / name).mkdir()
    (tmp_path / "loaded").write_text("")
    return str(tmp_path)


def apply(home: str, texts: t.Mapping[str, str]) -> None:
    with transaction(home) as change:
        change.apply(request(home, texts))


def refusal(change: Transaction, act: t.Callable[[Transaction], t.Any]) -> str | None:
    """Return the one sentence with which a step is refused, None where it is done."""
    try:
        with change:
            act(change)
    except HoldfastError as error:
        return str(error)
    return None


def files(home: str) -> dict[str, str]:
    root = Path(home, "etc")
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if not path.is_dir()}


def everything(home: str) -> dict[str, bytes | None]:
    paths = [path for name in ("etc", "var") for path in sorted(Path(home, name).rglob("*"))]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def own_disk(folder: str) -> t.Iterator[None]:
    mount("-t", "tmpfs", "-o", "size=4m,nr_inodes=1000,mode=0755", "holdfast-test", folder)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@as_root
@pytest.mark.parametrize("folder", ["etc", "var"])
@pytest.mark.parametrize("limit", ["nr_inodes", "size"])
def test_wherever_the_room_ends_nothing_is_changed(home: str, folder: str, limit: str) -> None:
    disk, failed = os.path.join(home, folder), 0
    with own_disk(disk):
        apply(home, OLD)
        before, about = everything(home), os.statvfs(disk)
        inodes, blocks = about.f_files - about.f_ffree, about.f_blocks - about.f_bfree
        for more in range(40):
            room = f"{limit}={inodes + more if limit == 'nr_inodes' else (blocks + more) * about.f_frsize}"
            mount("-o", f"remount,{room}", disk)
            words = refusal(transaction(home), lambda change: change.apply(request(home, NEW)))
            if words is None:
                break
            failed += 1
            assert "No space left on device" in words, room
            assert "nothing was changed" in words, room
            assert "\n" not in words, room
            assert everything(home) == before, room
        assert files(home) == NEW
        assert failed > 1
        # It is over: nothing is left for the next run to mend.
        with transaction(home) as change:
            assert not change.repair()


@as_root
@pytest.mark.parametrize("folder", ["etc", "var", "run"])
def test_a_read_only_disk_changes_nothing(home: str, folder: str) -> None:
    with own_disk(os.path.join(home, folder)):
        apply(home, OLD)
        with transaction(home) as change:
            change.stage(request(home, NEW))
        before = everything(home)
        mount("-o", "remount,ro", os.path.join(home, folder))
        said = [
            refusal(transaction(home), lambda change: change.apply(request(home, NEW))),
            refusal(transaction(home), lambda change: change.commit()),
        ]
        if folder != "etc":  # to stage writes nothing there
            said.append(refusal(transaction(home), lambda change: change.stage(request(home, NEW))))
        for words in said:
            assert words is not None
            assert "Read-only file system" in words
            assert "nothing was changed" in words
        assert everything(home) == before


@as_root
def test_a_disk_that_becomes_read_only_is_told_and_all_is_put_back(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = os.path.join(home, "var")
    with own_disk(disk):
        apply(home, OLD)

        def confirm(daemon: FakeDaemon, *args: t.Any, **more: t.Any) -> None:
            mount("-o", "remount,ro", disk)

        with monkeypatch.context() as patched:
            patched.setattr(FakeDaemon, "confirm", confirm)
            with pytest.raises(
                HoldfastError, match="could not be undone: .*Read-only file system.* Mend that, then run"
            ):
                apply(home, NEW)
        assert files(home) == OLD
        mount("-o", "remount,rw", disk)
        with transaction(home) as change:
            assert change.repair()
        assert files(home) == OLD
        apply(home, NEW)
        assert files(home) == NEW


@as_root
def test_a_file_that_may_not_be_replaced_is_no_fault_of_the_undo(home: str) -> None:
    apply(home, OLD)
    before, locked = everything(home), os.path.join(home, "etc", "c.conf")
    if subprocess.run(["chattr", "+i", locked], check=False, capture_output=True).returncode:
        pytest.skip("no file can be locked here")
    try:
        words = refusal(transaction(home), lambda change: change.apply(request(home, dict(NEW, **{"c.conf": "new\n"}))))
    finally:
        subprocess.run(["chattr", "-i", locked], check=True)
    assert words is not None
    assert words.endswith("cannot be replaced (Operation not permitted), all was put back")
    assert everything(home) == before


@pytest.mark.parametrize(
    "detour", ["etc/../outside", "etc//a.conf", "etc/./a.conf", "outside", "etc/new/../../outside"]
)
@pytest.mark.parametrize("name", ["manifest.json", "staged.json"])
def test_no_file_of_state_leads_out_of_the_root(home: str, name: str, detour: str) -> None:
    apply(home, OLD)
    with transaction(home) as change:
        change.stage(request(home, NEW))
    outside = Path(home, "outside")
    outside.write_text("of somebody else\n")
    path = Path(home, "var", "daemon", name)
    path.write_text(path.read_text().replace(f"{home}/etc/c.conf", f"{home}/{detour}"))
    before = everything(home)
    act: t.Callable[[Transaction], t.Any] = Transaction.commit
    if name == "manifest.json":
        act = lambda change: change.apply(request(home, {}))  # noqa: E731
    words = refusal(transaction(home), act) or ""
    assert "is damaged" in words or "lies outside" in words
    assert everything(home) == before
    assert outside.read_text() == "of somebody else\n"


def awaiting(home: str) -> Transaction:
    """Return a change that is open already, or can be made; what systemd is asked for is done."""

    def runner(*args: str, **more: t.Any) -> Completed:
        return Completed(args, 0, "", "") if args[0].startswith("system") else run(*args, **more)

    units = Path(home, "units")
    units.mkdir(exist_ok=True)
    return Transaction(
        FakeDaemon(home), state_folder=f"{home}/var", runtime=f"{home}/run", units=str(units), runner=runner
    )


def test_a_link_that_came_meanwhile_is_not_followed(home: str) -> None:
    apply(home, dict(OLD, **{"sub/e.conf": "e is old\n"}))
    changed = dict(OLD, **{"sub/e.conf": "e is new\n"})
    outside, sub, kept = (Path(home, name) for name in ("outside", "etc/sub", "kept"))
    outside.mkdir()
    (outside / "e.conf").write_text("of somebody else\n")
    with transaction(home) as change:
        change.stage(request(home, changed))
    sub.rename(kept)
    sub.symlink_to(outside)
    with pytest.raises(HoldfastError, match="sub is a symbolic link"), transaction(home) as change:
        change.commit()
    sub.unlink()
    kept.rename(sub)
    with awaiting(home) as change:
        change.commit(confirm_within=60)
    sub.rename(kept)
    sub.symlink_to(outside)
    assert "sub is not the folder that it was" in str(refusal(awaiting(home), Transaction.undo))
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("e.conf", "of somebody else\n")]
    sub.unlink()
    kept.rename(sub)
    with awaiting(home) as change:
        change.undo()
    assert files(home)["sub/e.conf"] == "e is old\n"


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def replaced_by(content: str) -> t.Callable[[Path], t.Any]:
    return lambda path: path.write_text(content)


def folder_in_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_in_place(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


DEFECTS: dict[str, t.Callable[[Path], t.Any]] = {
    "missing": lambda path: path.unlink(),
    "empty": replaced_by(""),
    "cut": cut,
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes()),
    "a folder": folder_in_place,
    "a link": link_in_place,
}
# What is JSON, but not what it should be.
TYPES = {text: replaced_by(text) for text in ("null", "[]", "1", '"text"', "{}", "[" * 100_000)}
TYPES["newer"] = replaced_by('{"format": 2, "files": {}}')
for _key in ("format", "files", "owner", "sha256", "changes", "replaces", "manifest", "content", "mode"):

    def _rename(path: Path, key: str = _key) -> None:
        path.write_text(path.read_text().replace(f'"{key}"', '"other"'))

    def _retype(path: Path, key: str = _key) -> None:
        def retyped(value: t.Any) -> t.Any:
            if not isinstance(value, dict):
                return value
            return {name: [value] if name == key else retyped(one) for name, one in value.items()}

        path.write_text(json.dumps(retyped(json.loads(path.read_text()))))

    TYPES.update({f"without {_key}": _rename, f"{_key} a list": _retype})
STATE = {
    "manifest.json": ("apply",),
    "staged.json": ("commit",),
    "journal/deadline": ("apply", "confirm", "undo"),
    "journal/undo.sh": ("apply", "confirm", "undo"),
    "journal/old/0": ("apply", "undo"),
    "journal/unconfirmed": ("apply", "confirm", "undo"),
    "journal/manifest.json": ("apply", "confirm", "undo"),
}


@pytest.mark.parametrize("name", STATE)
def test_whatever_is_wrong_with_a_file_of_state_is_said_in_a_sentence(home: str, name: str) -> None:
    apply(home, OLD)
    with awaiting(home) as change:
        change.stage(request(home, NEW))
        if name.startswith("journal/"):
            change.commit(confirm_within=60)
            deadline = Path(home, "var", "daemon", "journal", "deadline")
            deadline.write_text(repr(time.time() - 1))
            Path(home, "run", "holdfast-daemon.armed").unlink()
    pristine = {folder: f"{home}/pristine-{folder}" for folder in ("etc", "var")}
    for folder, copy in pristine.items():
        shutil.copytree(f"{home}/{folder}", copy)
    actions: dict[str, t.Callable[[Transaction], t.Any]] = {
        "apply": lambda change: change.apply(request(home, NEW)),
        "commit": lambda change: change.commit(),
        "confirm": lambda change: change.confirm(),
        "undo": lambda change: change.undo(),
    }
    said = {}
    for defect, damage in {**DEFECTS, **({} if "/" in name else TYPES)}.items():
        for action in STATE[name]:
            for folder, copy in pristine.items():
                shutil.rmtree(f"{home}/{folder}")
                shutil.copytree(copy, f"{home}/{folder}")
            damage(Path(home, "var", "daemon", name))
            words = refusal(awaiting(home), actions[action])
            if words is not None:
                said[defect, action] = words
    assert said or name == "journal/unconfirmed"
    for case, words in said.items():
        assert "\n" not in words, case
        assert "Traceback" not in words, case
        assert home in words or "nothing is staged" in words, (case, words)
