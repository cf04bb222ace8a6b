# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent, delivered to a folder of this machine as it is to a host, and started from there."""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.delivery import deliver


@functools.lru_cache(maxsize=None)
def delivered() -> str:
    """Return the path by which the agent is started, the same in one run of the tests."""
    folder = tempfile.mkdtemp(prefix="holdfast-agent-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return deliver(folder, check=False).path


def part(name: str, *arguments: str) -> list[str]:
    """Return the command that starts a part of the agent, as its unit does."""
    return [sys.executable, "-I", "-S", "-B", delivered(), name, *arguments]
