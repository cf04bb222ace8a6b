# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the documents can be planned, and every play of them can be read."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from examples import Example, plays, variables
from inventory_builder import InventoryBuilder

from harness.playing import ansible_playbook


@pytest.mark.parametrize("example", list(variables()), ids=lambda example: example.place)
def test_an_example_can_be_planned(example: Example) -> None:
    inventory = InventoryBuilder(example.everywhere, groups=example.groups, **example.hosts)
    assert [str(one) for one in inventory.findings() if one.severity == "error"] == []


def test_every_document_was_looked_at() -> None:
    assert {example.place.partition(":")[0] for example in variables()} >= {
        "README.md",
        "docs/using/clouds.md",
        "docs/using/haproxy.md",
        "docs/using/health.md",
        "docs/using/layer4.md",
        "docs/using/lvs.md",
        "docs/using/modes.md",
        "docs/using/notifications.md",
        "docs/using/recipes.md",
        "docs/using/start.md",
        "docs/using/tls.md",
        "docs/using/sources.md",
        "roles/keepalived/README.md",
    }


def test_the_plays_can_be_read(tmp_path: pathlib.Path) -> None:
    names = []
    for number, (_place, play) in enumerate(plays()):
        names.append(f"play{number}.yml")
        (tmp_path / names[-1]).write_text(yaml.safe_dump(play))
    assert names
    code, output = ansible_playbook(tmp_path, "--syntax-check", *names)
    assert code == 0, output
