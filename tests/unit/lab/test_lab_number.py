# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs side by side: nothing of one has the name of another's, and a wrong number is one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lab.command import ROOT

SHOWN = """
import json
from lab import machine, number, podman
print(json.dumps([number.NAME, number.LABEL, podman.NETWORK, podman.container_name("lb1"),
                  str(machine.CONTAINERS_CONF), str(machine.NETWORKS), number.variables()["ANSIBLE_HOME"]]))
"""


def in_lab(number: str, code: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HOLDFAST_LAB": number, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)


def test_labs_share_no_name() -> None:
    labs = [json.loads(in_lab(number, SHOWN).stdout) for number in ("0", "1", "11")]
    for names in zip(*labs):
        assert len(set(names)) == len(labs)


@pytest.mark.parametrize("number", ["", "x", "-1", "100", "1.5", "²"])
def test_a_wrong_number_is_one_sentence(number: str) -> None:
    done = in_lab(number, SHOWN)
    assert done.returncode == 1
    assert done.stderr.startswith(f"lab: HOLDFAST_LAB={number}: the number of a lab is 0 to 99")
    assert done.stderr.count("\n") == 1


def test_lab_0_is_where_everybody_is() -> None:
    assert json.loads(in_lab("0", "import json\nfrom lab.number import enter\nprint(json.dumps(enter()))").stdout) == []
