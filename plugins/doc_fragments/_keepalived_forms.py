# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that options of keepalived share: commands, lists of trackers and of addresses. Private to this collection."""

from __future__ import annotations

__all__ = ("addresses", "command", "tracked")


def addresses(name: str, sentence: str, *more: str) -> str:
    """Return an option that lists addresses; ``more`` is what else is to be said of it."""
    rest = "".join(f"    - {one}\n" for one in more)
    return f"""\
{name}:
  description:
    - {sentence}
    - An element is an address with the prefix length of its subnet, such as V(192.0.2.100/24), or the line as
      keepalived has it, such as V(192.0.2.100/24 dev eth0 label eth0:1), or a mapping.
    - The keys of a mapping are C(address), C(dev) for the interface, C(label) for the name of an alias, C(brd) for the
      broadcast address or V(+) to derive it, C(scope), C(peer), and C(preferred_lft) for seconds or V(forever).
    - An IPv6 address of an instance that does not say C(preferred_lft) is deprecated, so that the host does not begin
      its own connections from an address that goes away. Clients reach it all the same.
    - The keys C(home), C(nodad), C(mngtmpaddr), C(noprefixroute) and C(autojoin) are switches of the system's
      addresses. C(no_track) leaves the instance as it is when somebody removes the address, C(use_vmac) gives the
      address a MAC of its own.
{rest}  type: list
  elements: raw
"""


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
