# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived text and blocks without their secrets: passwords, keys, and words of commands. Private."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, rebuilt
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.secrets import HIDDEN, StandIn, hide, mask

__all__ = ("NAMES", "hidden", "redact")

NAMES = ("auth_pass", "key", "password")
_LINE = re.compile(
    r"((?:^|[{}])[^\S\n]*(?:[@~]\S*[^\S\n]+)*"  # the beginning of a line, or what may precede a keyword on it
    rf'"?(?:{"|".join(NAMES)})"?(?:[^\S\n]+|(?=")))'  # the keyword, and what ends it
    r"(\S.*)$",
    re.MULTILINE,
)


def redact(text: str, stand_in: StandIn = mask) -> str:
    """Return the text with its secrets hidden, also where it is no whole configuration."""
    return hide(_LINE.sub(lambda found: found[1] + stand_in(found[2]), text), stand_in)


def hidden(block: Block) -> Block:
    """Return the block with every secret in it hidden."""
    (shown,) = rebuilt([block], _hidden, None)
    return shown


def _hidden(block: Block, state: None) -> tuple[Block, None]:
    if block.name in NAMES:
        return replace(block, args=(HIDDEN,), raw=None), state
    raw = None if block.raw is None else redact(block.raw)
    return replace(block, args=tuple(map(hide, block.args)), raw=raw), state
