# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real daemons take the options that docs/developing/options.md adds."""

from __future__ import annotations

from pathlib import Path

import pytest
from walkthrough import Command, apply, changes, commands, copy_tree, run


@pytest.mark.parametrize("command", commands("pytest tests/integration"), ids=lambda command: command.line)
def test_the_real_daemon_takes_the_new_option(tmp_path: Path, command: Command) -> None:
    tree = copy_tree(tmp_path)
    apply(changes(), tree)
    done = run(command, tree, "-q", "-n0")
    assert done.returncode == 0, done.stdout
