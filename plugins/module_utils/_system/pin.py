# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version that a package shall have. Private to this collection."""

from __future__ import annotations

import typing as t

__all__ = ("Pin",)


class Pin(t.NamedTuple):
    """The version that a package shall have, with ``*`` for anything; ``path`` is the variable that says so."""

    package: str
    version: str
    path: str
