# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TTL of an advert. Private to this collection; it is delivered with the agent, so it imports nothing of it."""

from __future__ import annotations

__all__ = ("HIGHEST_TTL", "sent_ttl")

HIGHEST_TTL = 255
"""With which an advert is sent (RFC 5798, section 5.1.1.3); one that arrives with less has passed a router."""

ANY_TTL = 0
"""Of adverts whose TTL nobody but the kernel of the sender knows."""


def sent_ttl(unicast_ttl: int | None, family: int) -> int:
    """Return the TTL with which keepalived sends unicast adverts by this option, None where it is not set.

    keepalived 2.2.7 leaves the hop limit of IPv6 to the kernel then, which takes 64 as a rule: ANY_TTL.
    """
    if unicast_ttl is not None:
        return unicast_ttl
    return HIGHEST_TTL if family == 4 else ANY_TTL
