# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that knows a change is told how it stands here, though no port is open; nobody else hears a word."""

from __future__ import annotations

import os
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent.detector.answer import Answerer
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.settle import CONFIRMED, ask

KNOWN = "k" * 32


@pytest.fixture
def answering(tmp_path: Path) -> t.Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root reads what is on the wire")
    (tmp_path / "decided").mkdir()
    (tmp_path / "decided" / "keepalived").write_text(f"{KNOWN} {CONFIRMED}\n")
    answerer, ended = Answerer(str(tmp_path / "keepalived"), str(tmp_path)), threading.Event()

    def serve() -> None:
        while not ended.wait(0.01):
            answerer.serve()

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    ended.set()
    thread.join()
    answerer.connection.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_question_is_answered_through_the_wire(answering: None, address: str) -> None:
    assert ask(KNOWN, [address], within=2.0) == {address: CONFIRMED}
    assert ask("x" * 32, [address], within=0.3) == {}
