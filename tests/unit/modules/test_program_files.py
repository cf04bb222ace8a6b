# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""program_files writes what differs, in order, with the bits a program needs, and nothing where one file is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.modules.program_files import bring

FILES = {"words.py": "WORD = 1\n", "say.py": "#!/usr/bin/python3\nimport words\n"}


def names(diff: list[dict[str, str]]) -> list[str]:
    return [Path(one["after_header"]).name for one in diff]


def test_what_is_missing_or_differs_is_written_and_then_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    assert names(bring(str(folder), FILES, write=True)) == ["words.py", "say.py"]
    assert {path.name: path.read_text() for path in folder.iterdir()} == FILES
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in FILES] == [0o644, 0o755]
    assert bring(str(folder), FILES, write=True) == []
    (folder / "words.py").write_text("WORD = 2\n")
    (folder / "say.py").chmod(0o644)
    assert names(bring(str(folder), FILES, write=True)) == ["words.py", "say.py"]
    assert bring(str(folder), FILES, write=True) == []


def test_who_only_asks_changes_nothing(tmp_path: Path) -> None:
    [first, _second] = bring(str(tmp_path / "programs"), FILES, write=False)
    assert (first["before"], first["after"]) == ("", FILES["words.py"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"good.py": "", "../bad.py": ""}, "is no name of a file"),
        ({"good.py": "", "..": ""}, "is no name of a file"),
        ({"good.py": "", "bad.py": ["a"]}, r"files\.bad\.py: has to be a text"),
        ({"good.py": "", "link.py": ""}, "link.py is a symbolic link"),
    ],
)
def test_one_wrong_file_leaves_all_as_they_were(tmp_path: Path, files: dict[str, object], words: str) -> None:
    (tmp_path / "link.py").symlink_to("elsewhere")
    with pytest.raises(HoldfastError, match=words):
        bring(str(tmp_path), files, write=True)
    assert [path.name for path in tmp_path.iterdir()] == ["link.py"]


def test_a_folder_has_to_be_said_from_the_root() -> None:
    with pytest.raises(HoldfastError, match="folder: programs is no absolute path"):
        bring("programs", FILES, write=True)
