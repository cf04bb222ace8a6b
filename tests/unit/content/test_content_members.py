# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that a folder or an archive holds leads out of the tree that it becomes."""

from __future__ import annotations

import io
import os
import tarfile
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._content.members import (
    archive_members,
    entries,
    folder_members,
    pack,
    unpack,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

Kind = t.Tuple[str, bytes, str]
"""Type of tar, content, where a link leads."""
FILE: Kind = (tarfile.REGTYPE.decode(), b"hello", "")


def link(to: str) -> Kind:
    return (tarfile.SYMTYPE.decode(), b"", to)


def made_tar(path: Path, members: t.Sequence[tuple[str, Kind]], mode: str = "w:gz") -> str:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, (kind, content, to) in members:
            about = tarfile.TarInfo(name)
            about.type, about.size, about.linkname = kind.encode(), len(content), to
            tar.addfile(about, io.BytesIO(content))
    return str(path)


def made_zip(path: Path, members: t.Mapping[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return str(path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_read_with_every_compression(tmp_path: Path, mode: str) -> None:
    archive = made_tar(tmp_path / "a", [("./shop/css/a.css", FILE), ("shop/now", link("css"))], mode)
    assert entries(archive_members(archive)) == {
        "shop": "folder",
        "shop/css": "folder",
        "shop/css/a.css": HELLO,
        "shop/now": "-> css",
    }
    assert entries(archive_members(archive, 1)) == {"css": "folder", "css/a.css": HELLO, "now": "-> css"}
    assert entries(archive_members(archive, 3)) == {}


def test_a_zip_is_read(tmp_path: Path) -> None:
    archive = made_zip(tmp_path / "a", {"shop/": b"", "shop/a": b"hello"})
    assert entries(archive_members(archive, 1)) == {"a": HELLO}


def test_a_tar_that_ends_in_a_zip_is_a_tar(tmp_path: Path) -> None:
    inner = made_zip(tmp_path / "z", {"z": b"z"})
    archive = made_tar(tmp_path / "a", [("inner.zip", ("0", Path(inner).read_bytes(), ""))], "w")
    assert list(entries(archive_members(archive))) == ["inner.zip"]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("../x", FILE)], 'has "../x", which lies outside of it'),
        ([("a/../../x", FILE)], "which lies outside of it"),
        ([("/etc/x", FILE)], "which lies outside of it"),
        ([("a/..", ("5", b"", ""))], "which lies outside of it"),
        ([("x", link("/etc/passwd"))], 'has the link "x", which leads out of it'),
        ([("a/x", link("../../y"))], "which leads out of it"),
        # `b` leads to the top, and `b/..` out of it.
        ([("a/b", link("..")), ("c", link("a/b/../x"))], 'has the link "c", which leads out of it'),
        ([("a", link("b")), ("a/x", FILE)], 'has "a/x" below "a", which is no folder'),
        ([("a", FILE), ("a/x", FILE)], "which is no folder"),
        ([("a", FILE), ("a", FILE)], 'has "a" twice'),
        ([("a", FILE), ("./a", link("b"))], 'has "a" twice'),
        ([("x", ("3", b"", ""))], 'has "x", which is neither a file nor a folder'),
        ([("x", ("6", b"", ""))], "which is neither a file nor a folder"),
    ],
)
def test_what_leads_out_of_a_tar_or_is_no_file_is_refused(
    tmp_path: Path, members: list[tuple[str, Kind]], told: str
) -> None:
    with pytest.raises(HoldfastError) as caught:
        entries(archive_members(made_tar(tmp_path / "a", members)))
    assert told in str(caught.value)


@pytest.mark.parametrize("strip", [0, 1, 2])
def test_no_name_is_stripped_into_one_that_is_let_in(tmp_path: Path, strip: int) -> None:
    for name in ("../x", "a/../../x", "/x"):
        for archive in (made_tar(tmp_path / "t", [(name, FILE)]), made_zip(tmp_path / "z", {name: b""})):
            with pytest.raises(HoldfastError, match="lies outside of it"):
                entries(archive_members(archive, strip))


@pytest.mark.parametrize("damage", ["text", "cut", "turned", "empty"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_damaged_archive_is_a_sentence(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / "a"
    content = os.urandom(5000)
    if kind == "tar":
        made_tar(path, [("x", ("0", content, ""))])
    else:
        made_zip(path, {"x": content})
    whole = path.read_bytes()
    turned = whole[:2000] + bytes(255 - one for one in whole[2000:2010]) + whole[2010:]
    path.write_bytes({"text": b"no archive", "cut": whole[:3000], "turned": turned, "empty": b""}[damage])
    with pytest.raises(HoldfastError, match="cannot be read"):
        entries(archive_members(str(path)))


def test_a_folder_is_read_without_its_version_control(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("secret")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a").write_text("hello")
    (tmp_path / "b").symlink_to("a")
    assert entries(folder_members(str(tmp_path))) == {"a": HELLO, "b": "-> a", "empty": "folder"}
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HoldfastError, match="neither a file nor a folder"):
        entries(folder_members(str(tmp_path)))


def test_what_is_packed_is_what_is_unpacked(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "\u00e4 b").write_text("hello")
    (source / "deep" / "up").symlink_to("../empty")
    (source / "empty").mkdir()
    wanted = entries(folder_members(str(source)))
    packed = str(tmp_path / "pack")
    pack(folder_members(str(source)), packed)
    assert entries(archive_members(packed)) == wanted
    target.mkdir()
    unpack(archive_members(packed), str(target), wanted)
    assert entries(folder_members(str(target))) == wanted
