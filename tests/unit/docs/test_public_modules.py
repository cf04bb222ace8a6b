# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module is public or internal, and its documentation and the guide say the same."""

from __future__ import annotations

import importlib
import re

import yaml
from documented import MODULES, PLUGINS, ROOT

GUIDE = (ROOT / "docs" / "using" / "modules.md").read_text()
PUBLIC, _heading, INTERNAL = GUIDE.partition("## Internal")


def named(text: str) -> list[str]:
    """Return the modules in the first column of the table."""
    return sorted(name for row in re.findall(r"(?m)^\| (`.*?) \|", text) for name in re.findall(r"`(\w+)`", row))


def internal(name: str) -> bool:
    documentation = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{name}").DOCUMENTATION)
    return str(documentation["description"][0]).startswith("Internal to ")


def test_every_module_has_its_row() -> None:
    assert named(PUBLIC) == [name for name in MODULES if not internal(name)]
    assert named(INTERNAL) == [name for name in MODULES if internal(name)]


def test_a_public_module_shows_how_it_is_used() -> None:
    for name in named(PUBLIC):
        assert yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{name}").EXAMPLES), name
