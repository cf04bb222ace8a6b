# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which share of the code the unit tests reach."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

from lab.command import LAB_DIRECTORY

__all__ = ("REPORT", "figures")

REPORT = LAB_DIRECTORY / "coverage.xml"
"""Where the unit tests leave their report, in the format of Cobertura."""


def figures(report: str) -> str:
    """Return in one line the percentage of lines reached, of all and of each package, the lowest first.

    A test that starts another process, as those of the agent and of whole playbooks do, adds nothing to it.
    """
    lines: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for file in ElementTree.fromstring(report).iter("class"):
        folders = file.get("filename", "").split("/")[:-1]
        package = folders[1] if len(folders) > 1 else folders[0] if folders else ""
        hits = [int(line.get("hits", "0")) > 0 for line in file.iter("line")]
        lines[package] += len(hits)
        reached[package] += sum(hits)
    share = {package: 100 * reached[package] / count for package, count in lines.items() if count}
    each = ", ".join(f"{package} {percent:.0f}" for package, percent in sorted(share.items(), key=lambda one: one[1]))
    return f"{100 * sum(reached.values()) / max(sum(lines.values()), 1):.0f} % of the lines are reached: {each}"
