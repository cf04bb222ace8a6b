# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the rules back after the firewall of a host was loaded anew. Private to this collection."""

from __future__ import annotations

from .access import Access, AccessError
from .netfilter import Netfilter, Runner

__all__ = ("put_back",)

WANTED = "/etc/holdfast/firewall.json"


def put_back(run: Runner, wanted: str = WANTED) -> str:
    """Bring the rules of nftables and iptables back; return in a sentence what was done, or why nothing could be.

    Raises AccessError when the firewall refuses them.
    """
    try:
        with open(wanted, encoding="utf-8") as file:
            access = Access.from_text(file.read())
    except (OSError, ValueError, KeyError) as error:
        raise AccessError(f"{wanted} cannot be read: {error}. Run the playbook again") from None
    filters = Netfilter(run)
    steps = filters.steps(access)
    filters.perform(steps)
    return "\n".join(f"added to {line}" for step in steps for line in step.added) or "every rule is in its place"
