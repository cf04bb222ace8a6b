# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When dpkg is told to divert nginx.conf, when no longer, and what is said where it cannot be."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx import diversion

CONF, BESIDE = "/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf.distrib"
OURS = f"{CONF}\n{BESIDE}\n:\n"
OTHER = "/bin/sh\n/bin/sh.distrib\ndash\n"
FOREIGN = f"{CONF}\n/etc/nginx/nginx.conf.debathena\nconfig-package\n"


@pytest.mark.parametrize(
    ("database", "wanted", "order"),
    [
        (OTHER, True, "--add"),
        (OTHER + OURS, True, ""),
        (OTHER + OURS, False, "--remove"),
        (OTHER, False, ""),
        (FOREIGN, False, ""),
        (None, True, ""),
    ],
)
def test_it_is_told_once(
    database: str | None, wanted: bool, order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database is not None:
        (tmp_path / "diversions").write_text(database)
    monkeypatch.setattr(diversion, "DATABASE", str(tmp_path / "diversions"))
    asked: list[t.Sequence[str]] = []

    def runner(*command: str, **_more: t.Any) -> Completed:
        asked.append(command)
        return Completed(command, 0, "", "")

    for check in (True, False):
        assert diversion.settle(CONF, BESIDE, wanted=wanted, check=check, runner=runner) == bool(order)
    assert [command[-2] for command in asked] == ([order] if order else [])


def test_a_diversion_of_somebody_else_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "diversions").write_text(FOREIGN)
    monkeypatch.setattr(diversion, "DATABASE", str(tmp_path / "diversions"))
    with pytest.raises(HoldfastError, match="not by this collection"):
        diversion.settle(CONF, BESIDE, wanted=True, check=True)
