# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a firewall's part, from which its rules follow. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.access import Access, AccessError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.heard import Heard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall_setup.host import is_kept, settle
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import host_addresses

__all__ = ("FIREWALL_OPTIONS", "open_firewall")

FIREWALL_OPTIONS: dict[str, dict[str, t.Any]] = {
    "adverts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "source": {"type": "str", "required": True},
            "group": {"type": "str"},
            "ttl": {"type": "int", "default": 255},
        },
    },
    "ports": {"type": "list", "elements": "str", "default": []},
    "sources": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "through": {"type": "bool", "default": True},
    "guard": {"type": "bool", "default": False},
    "authenticated": {"type": "bool", "default": False},
    "senders": {"choices": ["exact", "joined", "joined_where_any"], "default": "exact"},
}


def open_firewall(given: t.Mapping[str, t.Any], *, check: bool) -> Outcome:
    """Let in what these options say, and no other adverts; HoldfastError leaves the old rules."""
    if given["senders"] == "joined_where_any" and not is_kept():
        return Outcome(returned={"firewalls": [], "added": [], "removed": [], "files": []})
    try:
        interfaces = {one.interface: None for one in host_addresses() if one.address in given["addresses"]}
        access = Access.read(given["adverts"], given["ports"], given["sources"], interfaces)
        heard = Heard.read(given["adverts"], authenticated=given["authenticated"]) if given["guard"] else None
    except AccessError as error:
        raise HoldfastError(str(error)) from None
    done = settle(access if given["through"] else None, heard, keep=given["senders"] != "exact", check=check)
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (done.removed, done.added))
    return Outcome(
        changes=[*(f"- {line}" for line in done.removed), *(f"+ {line}" for line in done.added), *done.files],
        diff=[{"before_header": "firewall", "after_header": "firewall", "before": before, "after": after}],
        returned={"firewalls": done.firewalls, "added": done.added, "removed": done.removed, "files": done.files},
    )
