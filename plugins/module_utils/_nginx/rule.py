# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule of nginx is asked of, and the table of them. Private to this collection.

An error is something that cannot do what it says; a warning can, but most likely not what was meant.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.rule import Rules
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version

__all__ = ("RULES", "Found", "Scope", "rule", "where")


@dataclass(frozen=True)
class Scope:
    """One context (http or stream) as the rules see it; ``others`` are the servers of the other one."""

    name: str
    blocks: tuple[Block, ...]
    upstreams: tuple[Block, ...]
    servers: tuple[Block, ...]
    others: tuple[Block, ...]
    version: Version | None

    def passes(self, *names: str) -> t.Iterator[tuple[tuple[Block, ...], Block]]:
        """Yield every proxy_pass, or directive of these names, with the blocks around it, outermost first."""
        for around in self.levels():
            yield from ((around, child) for child in around[-1].find(*(names or ("proxy_pass",))) if child.args)

    def levels(self) -> t.Iterator[tuple[Block, ...]]:
        """Yield every block that is no upstream, behind the blocks around it, outermost first."""
        top = Block(self.name, (), self.blocks)
        levels: collections.deque[tuple[Block, ...]] = collections.deque([(top,)])
        while levels:
            around = levels.popleft()
            yield around
            levels.extend(
                (*around, child)
                for child in around[-1].children or ()
                if child.children is not None and child.name != "upstream"
            )


Found = t.Iterator[t.Tuple[Block, str]]


def where(block: Block) -> str:
    """Return file and line of a block, or the input path that stands in their place."""
    return str(block.position) if block.position.line else block.position.file


RULES: Rules[Scope, Block] = Rules(where)
rule = RULES.rule
