# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a service may run for somebody, on files that are really there."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.programs import program_of, unfit_program

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


@pytest.fixture
def folder() -> t.Iterator[Path]:
    """A folder of root's that everybody may pass through, in one with the sticky bit."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def script(folder: Path, mode: int = 0o755, first: str = "#!/bin/sh", owner: int = 0) -> str:
    path = folder / "script"
    path.write_text(f"{first}\n")
    path.chmod(mode)
    os.chown(path, owner, 0)
    return str(path)


def test_a_program_of_root_is_fit(folder: Path) -> None:
    assert unfit_program(script(folder), "nobody") == ""
    assert unfit_program("/bin/true", "nobody") == ""


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"mode": 0o777}, "can be written by others than root: chmod go-w"),
        ({"mode": 0o644}, "nobody cannot run"),
        ({"mode": 0o750}, "nobody cannot run"),
        ({"owner": 12345}, "does not belong to root: chown root"),
        ({"first": "#!/bin/no-such-shell"}, "wants /bin/no-such-shell, which is not there"),
        ({"first": "echo hello"}, "names its interpreter"),
        ({"first": "#!"}, "wants no interpreter"),
    ],
)
def test_an_unfit_program_is_told_with_what_to_do(folder: Path, changes: dict[str, t.Any], fault: str) -> None:
    assert fault in unfit_program(script(folder, **changes), "nobody")


def test_a_folder_on_the_way_counts(folder: Path) -> None:
    path = script(folder)
    folder.chmod(0o777)
    assert f"{folder} can be written by others" in unfit_program(path, "nobody")
    folder.chmod(0o700)
    assert f"nobody cannot pass through {folder}" in unfit_program(path, "nobody")
    assert unfit_program(path, "root") == ""


@pytest.mark.parametrize(
    ("path", "user", "fault"),
    [
        ("true", "nobody", "no absolute path"),
        ("/does/not/exist", "nobody", "does not exist"),
        ("/etc", "nobody", "is no file"),
        ("/bin/true", "nobody-of-this-name", "there is no user nobody-of-this-name"),
    ],
)
def test_what_is_not_there_is_told(path: str, user: str, fault: str) -> None:
    assert fault in unfit_program(path, user)


def test_the_program_is_the_first_word() -> None:
    assert program_of("/a/b 'c d'") == "/a/b"
    assert program_of(["/a b", "c"]) == "/a b"
    with pytest.raises(ValueError, match="is empty"):
        program_of("")
