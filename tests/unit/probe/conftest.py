# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the client's tests."""

from __future__ import annotations

import socket
import threading
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.tests.unit.probe.misbehaving import Handler, Service, page


@pytest.fixture
def service() -> t.Iterator[Service]:
    """A server that answers every request with a page until its ``behaviour`` is changed."""
    with Service(("127.0.0.1", 0), Handler) as server:
        server.behaviour = page()
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def closed_port() -> int:
    """A port of the loopback interface on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
