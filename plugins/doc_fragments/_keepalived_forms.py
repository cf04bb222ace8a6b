# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that options of keepalived have in common: commands, and lists of trackers. Private to this collection."""

from __future__ import annotations

__all__ = ("command", "tracked")


def command(name: str, sentence: str, since: str = "") -> str:
    """Return an option that is a command; ``since`` is the first keepalived that has it."""
    return f"""\
{name}:
  description:
    - {sentence}
    - A command line, or a mapping of C(command), C(user) and C(group). No shell reads it.
{_needs(since)}  type: raw
"""


def tracked(name: str, sentence: str, since: str = "") -> str:
    """Return an option that lists trackers; ``since`` is the first keepalived that has it."""
    return f"""\
{name}:
  description:
    - {sentence}
    - An element is a name, or a mapping of C(name), C(weight) and C(reverse), or the line as keepalived has it, such as
      V(uplink weight -20).
    - A weight of V(0) makes a failure the state C(FAULT), any other changes the priority. With C(reverse), good and bad
      change places.
{_needs(since)}  type: list
  elements: raw
"""


def _needs(since: str) -> str:
    return f"    - Needs keepalived {since}.\n" if since else ""
