# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's dump is looked for where it is written, and its place is taken from whoever holds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived import dump


@pytest.mark.parametrize(
    ("folder", "option", "place"),
    [
        (None, "", "/tmp/keepalived.json"),
        ("/run/own", "", "/run/own/keepalived.json"),
        ("own", "", "/tmp/keepalived.json"),
        ("/run/own", "json_dump_file /run/other/state", "/run/other/state"),
    ],
)
def test_the_place_is_the_one_that_keepalived_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str | None, option: str, place: str
) -> None:
    main = tmp_path / "keepalived.conf"
    main.write_text(f"global_defs {{\n    router_id here\n    {option}\n}}\n")
    monkeypatch.setattr(dump, "MAIN_FILE", str(main))
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    environment.update({} if folder is None else {"TMPDIR": folder})
    waiting = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = dump._place(process.pid)
        process.communicate(b"\n")
    assert found == f"/proc/{process.pid}/root{place}"


@pytest.mark.parametrize("kind", ["nothing", "file", "folder", "full folder", "link", "dangling", "pipe"])
def test_whatever_is_there_an_empty_file_of_ours_takes_its_place(tmp_path: Path, kind: str) -> None:
    path, beside = tmp_path / "keepalived.json", tmp_path / "beside"
    beside.mkdir()
    (beside / "file").write_text("of somebody else")
    if kind == "file":
        path.write_text("{}")
    elif "folder" in kind:
        path.mkdir()
        if kind == "full folder":
            (path / "file").write_text("text")
    elif kind == "link":
        path.symlink_to(beside)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    inode = dump._occupy(str(path))
    about = path.lstat()
    assert (about.st_ino, about.st_size, about.st_mode, about.st_uid) == (inode, 0, 0o100600, os.geteuid())
    assert sorted(os.listdir(tmp_path)) == ["beside", "keepalived.json"]
    assert (beside / "file").read_text() == "of somebody else"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HoldfastError, match="cannot write its state to .*/nowhere/keepalived.json: No such file"):
        dump._occupy(str(tmp_path / "nowhere" / "keepalived.json"))
