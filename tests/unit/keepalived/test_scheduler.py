# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether keepalived got the real-time priority that its configuration asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.scheduler import (
    Scheduler,
    refused,
    scheduler,
)

ASKS = "global_defs {\n    vrrp_rt_priority 50\n}\n"


@pytest.mark.parametrize("now", [Scheduler("rr", 50), Scheduler("fifo", 50), None])
def test_nothing_is_said_where_nothing_is_wrong(now: Scheduler | None) -> None:
    assert refused(parse(ASKS), now) == ""
    assert refused(parse("global_defs {\n    router_id lb1\n}\n"), Scheduler("other", 0)) == ""


def test_a_priority_that_was_refused_is_told() -> None:
    assert "without the real-time priority 50 that it asks for" in refused(parse(ASKS), Scheduler("other", 0))


def test_the_process_of_the_pid_file_is_asked(tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "keepalived")
    process = subprocess.Popen([tmp_path / "keepalived", "60"])
    try:
        (tmp_path / "vrrp.pid").write_text(f"{process.pid}\n")
        files = [str(tmp_path / "old.pid"), str(tmp_path / "vrrp.pid")]
        assert scheduler(files) == Scheduler("other", 0)
        (tmp_path / "old.pid").write_text(f"{os.getpid()}\n")  # another program has the number now
        assert scheduler(files) == Scheduler("other", 0)
    finally:
        process.kill()
        process.wait()
    assert scheduler(files) is None
