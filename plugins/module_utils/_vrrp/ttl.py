# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TTL of an advert. Private to this collection; it is delivered with the agent, so it imports nothing."""

from __future__ import annotations

__all__ = ("HIGHEST_TTL",)

HIGHEST_TTL = 255
"""With which an advert is sent (RFC 5798, section 5.1.1.3); one that arrives with less has passed a router."""
