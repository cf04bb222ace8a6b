# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections and directives of Apache httpd as text, with what httpd has for quotes. Private to this collection."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.message import shown

__all__ = ("Section", "line", "word")

# A word that httpd reads as it stands: server/util.c, ap_getword_conf.
_PLAIN = re.compile(r"[A-Za-z0-9_./:*+,=!@%^|()?\[\]-]+")


@dataclass
class Section:
    """A container such as ``<Location "/x">``; ``lines`` are its directives, ``sections`` what lies in it."""

    name: str
    argument: str = ""
    lines: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def add(self, name: str, *words: str, path: str = "") -> None:
        """Add a directive; InputError, with the path of the input, for a word that cannot be written."""
        self.lines.append(line(name, *words, path=path))

    def text(self, indent: str = "") -> t.Iterator[str]:
        """Yield the lines of the container."""
        yield f"{indent}<{self.name} {self.argument}>".replace(" >", ">")
        for each in self.lines:
            yield f"{indent}    {each}"
        for section in self.sections:
            yield from section.text(f"{indent}    ")
        yield f"{indent}</{self.name}>"


def line(name: str, *words: str, path: str = "") -> str:
    """Return a directive with its words quoted where they need it."""
    return " ".join((name, *(word(one, path) for one in words)))


def word(text: str, path: str = "") -> str:
    """Return a word as httpd reads it; InputError for one that it would change.

    It replaces ``${NAME}`` by what is defined under this name, and nothing quotes that.
    """
    if "${" in text or any(sign in text for sign in "\r\n\0"):
        raise InputError(path, f"{shown(text)} cannot be written for Apache httpd, which would change it")
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
