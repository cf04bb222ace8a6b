# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ufw: adverts in its own files, ports by its own command. Private to this collection.

``ufw allow proto vrrp`` is known to few versions. ``before.rules`` is known to all, is loaded with every start and
reload, and its rules are met before those of the user, among which a port belongs.
"""

from __future__ import annotations

import shlex
import typing as t

from .access import MARK, Access, Item
from .iptables import statement

__all__ = ("CHAIN", "FILES", "Ports", "ports", "with_adverts")

CHAIN = "ufw-before-input"
FILES = {4: "/etc/ufw/before.rules", 6: "/etc/ufw/before6.rules"}

BEGIN = f"# {MARK}: adverts of the peers (begin)"
END = f"# {MARK}: adverts of the peers (end)"
AFTER = "# End required lines"
CHAINS = {4: "ufw-before-input", 6: "ufw6-before-input"}


def with_adverts(text: str, items: t.Sequence[Item], family: int) -> str:
    """Return the file with exactly these adverts in it, above everything that may turn them away."""
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        if line == BEGIN:
            inside = True
        elif line == END:
            inside = False
        elif not inside:
            lines.append(line)
    own = [f"-A {CHAINS[family]} {' '.join(statement(item))}" for item in items if item.is_advert]
    if own:
        lines[_place(lines, family) : _place(lines, family)] = [BEGIN, *own, END]
    return "\n".join(lines)


def _place(lines: list[str], family: int) -> int:
    """Return the number of the line before which rules of the filter may stand."""
    if AFTER in lines:
        return lines.index(AFTER) + 1
    chains = [number for number, line in enumerate(lines) if line.startswith(f":{CHAINS[family]}")]
    return chains[-1] + 1 if chains else lines.index("COMMIT")


class Ports(t.NamedTuple):
    """Commands of ufw to run in this order, and what they do, in words."""

    commands: list[tuple[str, ...]]
    added: list[str]
    removed: list[str]


def ports(added: str, access: Access) -> Ports:
    """Return the commands that let in the wanted ports, from what ``ufw show added`` prints.

    A rule of the user that says the same stays the user's.
    """
    there: dict[str, str] = {}
    for line in added.split("\n"):
        words = shlex.split(line) if line.startswith("ufw ") else []
        if words[1:2] == ["allow"]:
            comment = words[words.index("comment") + 1] if "comment" in words else ""
            rule = words[1 : words.index("comment")] if "comment" in words else words[1:]
            there[" ".join(rule)] = comment
    wanted: dict[str, Item] = {}
    for family in (4, 6):
        for item in access.items(family):
            if not item.is_advert:
                wanted.setdefault(_shown(item), item)
    gone = [rule for rule, comment in there.items() if comment.startswith(MARK) and rule not in wanted]
    new = [item for rule, item in wanted.items() if rule not in there]
    return Ports(
        [("ufw", *_written(item)) for item in new] + [("ufw", "delete", *rule.split()) for rule in gone],
        [f"ufw: {item.comment}" for item in new],
        [f"ufw: {there[rule]}" for rule in gone],
    )


def _shown(item: Item) -> str:
    """Return the rule as ufw shows it."""
    numbers = item.ports.replace("-", ":")
    return (
        f"allow from {item.source} to any port {numbers} proto {item.protocol}"
        if item.source
        else (f"allow {numbers}/{item.protocol}")
    )


def _written(item: Item) -> list[str]:
    return [*_shown(item).split(), "comment", item.comment]
