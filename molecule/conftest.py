# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A slice of a long scenario: HOLDFAST_SLICE tests of it, drawn by HOLDFAST_SEED, so that each has its turn."""

from __future__ import annotations

import os
import random

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep as many tests as a slice has, in their order."""
    size = int(os.environ.get("HOLDFAST_SLICE", "0"))
    if 0 < size < len(items):
        kept = set(random.Random(os.environ.get("HOLDFAST_SEED", "0")).sample(range(len(items)), size))
        config.hook.pytest_deselected(items=[item for index, item in enumerate(items) if index not in kept])
        items[:] = [item for index, item in enumerate(items) if index in kept]
