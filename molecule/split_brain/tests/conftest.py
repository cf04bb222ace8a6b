# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy pair for every test, and a healthy pair left behind."""

from __future__ import annotations

import typing as t

import pytest
from broken_pair import BrokenPair


@pytest.fixture
def pair() -> t.Iterator[BrokenPair]:
    made = BrokenPair()
    made.recover()
    yield made
    made.recover()
