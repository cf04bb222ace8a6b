# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text file of a module's own is written whole, in folders that nobody else writes to, and removed again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import read_text, replace_text


def test_it_is_made_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.conf"
    assert read_text(str(path)) == ""
    for text, mode in (("one\n", 0o644), ("\u00e9\n", 0o600), ("", 0o644)):
        replace_text(str(path), text, mode)
        assert (read_text(str(path)), path.stat().st_mode & 0o777) == (text, mode)
    assert os.listdir(path.parent) == ["file.conf"]
    replace_text(str(path), None)
    assert os.listdir(path.parent) == []


def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "folder").symlink_to("other")
    with pytest.raises(HoldfastError, match="is a symbolic link"):
        replace_text(str(tmp_path / "folder" / "file.conf"), "text")
    assert os.listdir(tmp_path / "other") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize(("option", "words"), [("ro", "Read-only file system"), ("size=4k", "No space left on device")])
def test_where_it_cannot_be_written_it_is_as_it_was(tmp_path: Path, option: str, words: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "holdfast-test", str(tmp_path)], check=True)
    try:
        path = tmp_path / "file.conf"
        path.write_text("old\n")
        subprocess.run(["mount", "-o", f"remount,{option}", str(tmp_path)], check=True)
        with pytest.raises(HoldfastError, match=f"file.conf.*: {words}; {path} is as it was"):
            replace_text(str(path), "new\n" * 5000)
        assert os.listdir(tmp_path) == ["file.conf"]
        assert path.read_text() == "old\n"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
