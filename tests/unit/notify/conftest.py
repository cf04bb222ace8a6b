# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the service that tells."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.notify.notify_harness import MailServer, NotifyHarness


@pytest.fixture
def harness(tmp_path: Path) -> t.Iterator[NotifyHarness]:
    """The service does not run yet."""
    harness = NotifyHarness(tmp_path)
    try:
        yield harness
    finally:
        harness.close()


@pytest.fixture
def server() -> t.Iterator[MailServer]:
    """A mail server that takes everything."""
    server = MailServer()
    try:
        yield server
    finally:
        server.close()
