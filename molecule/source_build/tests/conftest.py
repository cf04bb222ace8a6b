# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy pair for every test, and a healthy pair left behind."""

from __future__ import annotations

from harness.cluster import pair

__all__ = ("pair",)
