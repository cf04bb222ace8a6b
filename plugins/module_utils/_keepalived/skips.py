# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blocks keepalived skips because of their first line. Private to this collection.

Facts from the calls of ``skip_block()`` in keepalived 2.2.7 (vrrp_parser.c, vrrp_track.c, check_data.c, bfd_parser.c).
The content of such a block is not read: it may be anything.
"""

from __future__ import annotations

import re
import socket
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.grammar import ROOT
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import family_of

__all__ = ("Skips",)

_NAMED = ("vrrp_instance", "vrrp_sync_group", "track_group")
LONGEST_BFD_NAME = 31
LARGEST_PORT = 65535
LARGEST_MARK = 2**32 - 1
# What strtoul() takes for a number that has no sign of its own.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*(?:\+?(\d+))?")


class Skip(t.NamedTuple):
    """Why a block is skipped: rule and sentence. ``is_inside``: it has begun already, and only its rest goes."""

    rule: str
    message: str
    is_inside: bool = False


class Skips:
    """What one of keepalived's processes skips; it remembers the names that the process has read."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._names: set[tuple[str, str]] = set()
        # The last bfd_instance, and whether it has a neighbour: at its end the bfd process forgets one that has none.
        self._neighbour = ""
        self._has_address = False

    def why(self, table: str, name: str, args: t.Sequence[str], before: t.Iterable[Block]) -> Skip | None:
        """Return why keepalived skips the block of a line, None where it reads it; ``before`` is what precedes it."""
        if table == ROOT and name in _NAMED:
            if len(args) != 1:
                return Skip("name-missing", f"{name} must have exactly one name")
            return self._twice(name, args[0])
        if table == ROOT and name == "bfd_instance":
            return self._bfd(args[0])
        if name == "group" and any(item.name == name and item.children for item in before):
            return Skip("group-twice", f"{table} has its group already, and keepalived drops the rest of it")
        if name == "virtual_server" and args[0] in ("fwmark", "group"):
            if args[0] == "fwmark" and not _is_number(args[1], 0, LARGEST_MARK):
                return Skip("place-wrong", f"{shown(args[1])} is no firewall mark, and keepalived skips the {name}")
        elif name in ("virtual_server", "real_server") and not _is_place(*args[:2]):
            return Skip("place-wrong", f"{' '.join(args)} is no address and port, and keepalived skips the {name}")
        elif name in ("neighbor_ip", "neighbour_ip") and self._process == "bfd":
            self._has_address = _is_place(args[0])
            if not self._has_address:
                return Skip(
                    "place-wrong", f"{shown(args[0])} is no address, and keepalived drops the bfd_instance", True
                )
        return None

    def _twice(self, name: str, argument: str) -> Skip | None:
        if (name, argument) in self._names:
            return Skip("name-twice", f"{name} {argument} is there already, and keepalived drops this one")
        self._names.add((name, argument))
        return None

    def _bfd(self, name: str) -> Skip | None:
        if self._process == "bfd" and not self._has_address:
            self._names.discard(("bfd_instance", self._neighbour))
        if len(name.encode(errors="surrogateescape")) > LONGEST_BFD_NAME and self._process != "checker":
            return Skip("name-long", f"bfd_instance {name} has a name of more than {LONGEST_BFD_NAME} bytes")
        skip = self._twice("bfd_instance", name)
        if skip is None:
            self._neighbour, self._has_address = name, False
        return skip


def _is_place(address: str, port: str = "") -> bool:
    """Tell whether ``inet_stosockaddr()`` takes the two: a range or a mask does not count, nor does port 0."""
    alone = re.split("-" if "-" in address else "/", address, maxsplit=1)[0]
    try:
        socket.inet_pton(family_of(address), alone)
    except (OSError, UnicodeError):
        return False
    return not port.strip("0") or _is_number(port, 1, LARGEST_PORT)


def _is_number(word: str, low: int, high: int) -> bool:
    match = _NUMBER.fullmatch(word)
    return match is not None and low <= int(match.group(1) or 0) <= high
