# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a value is repeated in a sentence. Private to this collection."""

from __future__ import annotations

import typing as t

__all__ = ("LONGEST", "line", "shown")

LONGEST = 60
"""Characters of a value that are repeated."""


def line(text: str) -> str:
    """Return a text in which what cannot be printed, such as the end of a line, is written as Python does."""
    return text if text.isprintable() else "".join(item if item.isprintable() else repr(item)[1:-1] for item in text)


def shown(value: t.Any, quote: str = '"') -> str:
    """Return a value as it is repeated in a sentence: in quotes, in one line, and not too long."""
    text = line(str(value))
    return f"{quote}{text}{quote}" if len(text) <= LONGEST else f"{quote}{text[:LONGEST]}...{quote}"
