# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts documentation together from pieces, so that an option that several places have is described once.

A piece is YAML: options one after the other, at the left margin. In it, ``O(.name)`` is an option beside this one;
the way to it from the top is put in where the piece is used. Private to this collection.
"""

from __future__ import annotations

import textwrap

__all__ = ("blocks", "options", "suboptions")


def options(*pieces: str) -> str:
    """Return the pieces as the options of a module.

    A fragment annotates its DOCUMENTATION, since ``ansible-test sanity`` takes a plain assignment for a literal text.
    """
    return "options:\n" + textwrap.indent("".join(pieces), "  ").replace("O(.", "O(")


def suboptions(path: str, *pieces: str) -> str:
    """Return the pieces as the suboptions of the option that ends a piece; ``path`` is its name, a list's with []."""
    text = "".join(pieces).replace("O(.", f"O(.{path}.")
    return "  suboptions:\n" + textwrap.indent(text, "    ")


def blocks(name: str, sentence: str, *pieces: str) -> str:
    """Return an option that is a list of blocks."""
    return f"{name}:\n  description: {sentence}\n  type: list\n  elements: dict\n" + suboptions(f"{name}[]", *pieces)
