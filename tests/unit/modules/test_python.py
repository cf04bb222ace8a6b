# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that is too old for what stays on a host is named before anything is changed."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.python import unfit_python


@pytest.mark.parametrize(
    ("rc", "printed", "told"),
    [
        (0, "Python 3.7.17\n", ""),
        (0, "Python 3.12.9\n", ""),
        (0, "Python 3.6.8\n", "/usr/bin/python3 is Python 3.6.8, and what this collection starts needs Python 3.7"),
        (NOT_FOUND, "", "/usr/bin/python3 is not there, and what this collection starts needs Python 3.7"),
    ],
)
def test_an_old_one_or_none_is_told_with_what_to_do(rc: int, printed: str, told: str) -> None:
    found = unfit_python(runner=lambda *args: Completed(args, rc, printed, ""))
    assert found.startswith(told)
    assert bool(found) == bool(told)
    assert not told or "dnf install python3.11" in found


def test_the_one_that_runs_this_is_fit() -> None:
    assert unfit_python(sys.executable) == ""
