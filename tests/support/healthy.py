# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixture of every scenario that breaks the pair: healthy before each test, and left so."""

from __future__ import annotations

import typing as t

import pytest
from pair import Pair

__all__ = ("pair",)


@pytest.fixture
def pair() -> t.Iterator[Pair]:
    made = Pair()
    made.recover()
    yield made
    made.recover()
