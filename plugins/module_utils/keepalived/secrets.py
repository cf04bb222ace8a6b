# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived text and blocks without their secrets: passwords, keys, and words of commands. Private."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.secrets import HIDDEN, hide

__all__ = ("NAMES", "hidden", "redact")

NAMES = ("auth_pass", "key", "password")
_LINE = re.compile(rf"^([ \t]*(?:{'|'.join(NAMES)})[ \t]+).*$", re.MULTILINE)


def redact(text: str) -> str:
    """Return the text with its secrets hidden, also where it is no whole configuration."""
    return hide(_LINE.sub(rf"\1{HIDDEN}", text))


def hidden(block: Block) -> Block:
    """Return the block with every secret in it hidden."""
    if block.name in NAMES:
        return replace(block, args=(HIDDEN,), raw=None)
    raw = None if block.raw is None else redact(block.raw)
    children = None if block.children is None else tuple(hidden(child) for child in block.children)
    return replace(block, args=tuple(map(hide, block.args)), raw=raw, children=children)
