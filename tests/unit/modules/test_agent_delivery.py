# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a host with host_state holds the whole agent, and the module says what it changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._agent import parts
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.tree import Tree
from documented import ROOT

SETTINGS = {
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
    "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
    "ANSIBLE_NOCOLOR": "1",
}


def run(tmp_path: Path, folder: str) -> dict[str, t.Any]:
    """Return what the module says of this machine, to which Ansible has sent it as to any other."""
    module = ["-m", "holdfast.nginx_ha.host_state", "-a", json.dumps({"agent": {"folder": folder}})]
    there = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    config = tmp_path / "ansible.cfg"
    config.write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "adhoc", "localhost", *there, *module],
        env={**os.environ, **SETTINGS, "ANSIBLE_CONFIG": str(config), "ANSIBLE_HOME": str(tmp_path / "ansible")},
        capture_output=True,
        text=True,
        check=False,
    )
    answer: dict[str, t.Any] = json.loads(done.stdout[done.stdout.index("=> {") + 3 :])
    return answer


def test_ansible_sends_the_whole_agent(tmp_path: Path) -> None:
    answer = run(tmp_path, str(tmp_path / "lib"))
    assert answer["changed"], answer
    assert sorted(answer["sections"]["agent"]["parts"]) == sorted(parts.__all__)
    tree = (tmp_path / "lib" / "agent").resolve()
    there = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")}
    assert there == dict(Tree.of_this_collection().files)
