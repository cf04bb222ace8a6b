# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel as a file of sysctl.d, with what they were before. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

__all__ = ("HEADER", "Setting", "parse", "render")

HEADER = "# Owned by holdfast.nginx_ha: edits by hand are lost.\n"
_LINE = re.compile(r"# (?P<reason>.*) \(was (?P<before>\S*)\)\n(?P<name>[\w.-]+) = (?P<value>\S+)\n")


@dataclass(frozen=True)
class Setting:
    """A setting with its value, why it is needed, and what it was before; ``before`` is empty where nobody knows."""

    name: str
    value: str
    reason: str = ""
    before: str = ""
    is_needed: bool = False

    @property
    def path(self) -> str:
        return "/proc/sys/" + self.name.replace(".", "/")


def render(settings: t.Sequence[Setting]) -> str:
    """Return the text of the file; ``parse`` reads it."""
    lines = [f"# {setting.reason} (was {setting.before})\n{setting.name} = {setting.value}\n" for setting in settings]
    return HEADER + "".join(lines)


def parse(text: str) -> dict[str, Setting]:
    """Return the settings of a file by name; what was not written by ``render`` is passed over."""
    result = {}
    for match in _LINE.finditer(text):
        result[match["name"]] = Setting(match["name"], match["value"], match["reason"], match["before"])
    return result
