# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the watcher's tests."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.watcher.watcher_harness import Harness


@pytest.fixture
def harness(tmp_path: Path) -> t.Iterator[Harness]:
    """Neither nginx nor the watcher runs yet."""
    harness = Harness(tmp_path)
    try:
        yield harness
    finally:
        harness.close()
