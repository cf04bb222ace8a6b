# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the agent of this collection lies on a host. Private to this collection."""

from __future__ import annotations

__all__ = ("AGENT", "FOLDER")

FOLDER = "/usr/local/lib/holdfast"
AGENT = "agent"
"""The link to the tree that is in force."""
