# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree that nginx and keepalived text both become. Private to this collection.

Nothing here calls itself: the daemons take blocks that lie deeper in each other than Python lets calls do.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.position import Position

__all__ = ("COMMENT", "Block", "Position", "comment", "plain", "rebuilt", "walk")

COMMENT = "#"

# Python ends what calls itself at about 1,000 calls. Ansible and json do so, up to four times a block.
DEEPEST_SHOWN = 100

State = t.TypeVar("State")


@dataclass(frozen=True)
class Block:
    """One directive (nginx) or keyword line (keepalived), with its words decoded.

    ``children`` is None for a directive without a body, and a tuple (maybe empty) for one with ``{ }``.
    A comment is a Block named ``#`` whose single argument is the text behind the sign.
    ``raw`` is the source text where a dialect must keep what it cannot model; it counts in comparison.
    The position does not: two trees are equal when they mean the same, wherever they were read.
    """

    name: str
    args: tuple[str, ...] = ()
    children: tuple[Block, ...] | None = None
    raw: str | None = None
    position: Position = field(default=Position(), compare=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Block):
            return NotImplemented
        pairs = [(self, other)]
        while pairs:
            item, two = pairs.pop()
            inside, others = item.children, two.children
            if (item.name, item.args, item.raw) != (two.name, two.args, two.raw):
                return False
            if inside is None or others is None or len(inside) != len(others):
                if inside is not others:
                    return False
            else:
                pairs.extend(zip(inside, others))
        return True

    def __hash__(self) -> int:
        return hash((self.name, self.args, self.raw, len(self.children or ())))

    @property
    def is_comment(self) -> bool:
        return self.name == COMMENT and self.children is None and self.raw is None

    def find(self, *names: str) -> tuple[Block, ...]:
        """Return the direct children of these names, in their order; empty for a block without a body."""
        return tuple(child for child in self.children or () if child.name in names)


def comment(text: str) -> Block:
    """Return the comment ``# text``."""
    return Block(COMMENT, (text,))


def walk(blocks: t.Iterable[Block]) -> t.Iterator[Block]:
    """Yield every block and everything inside it, parents first, in source order."""
    levels = [iter(blocks)]
    while levels:
        for block in levels[-1]:
            yield block
            if block.children:
                levels.append(iter(block.children))
                break
        else:
            levels.pop()


def rebuilt(
    blocks: t.Iterable[Block], change: t.Callable[[Block, State], tuple[Block, State]], state: State
) -> tuple[Block, ...]:
    """Return the trees with every block changed, parents first.

    ``change`` gets a block and the state around it; it returns the block in its place, with the children that are to
    be changed in turn, and the state for these.
    """
    done: list[Block] = []
    # What is open: the block, the rest of its children, their state, and those that are changed already.
    levels: list[tuple[Block | None, t.Iterator[Block], State, list[Block]]] = [(None, iter(blocks), state, done)]
    while levels:
        parent, rest, state, changed = levels[-1]
        for block in rest:
            block, inner = change(block, state)
            if block.children:
                levels.append((block, iter(block.children), inner, []))
                break
            changed.append(block)
        else:
            levels.pop()
            if parent is not None:
                levels[-1][3].append(replace(parent, children=tuple(changed)))
    return tuple(done)


def plain(block: Block) -> dict[str, t.Any]:
    """Return a block as plain data: directive, args, line, and block where it has a body; comments are left out.

    Raises ConfigError for what lies in more than DEEPEST_SHOWN blocks.
    """
    top: list[dict[str, t.Any]] = []
    levels = [(iter([block]), top)]
    while levels:
        rest, shown = levels[-1]
        for each in rest:
            data: dict[str, t.Any] = {"directive": each.name, "args": list(each.args), "line": each.position.line}
            shown.append(data)
            if each.children is not None:
                if len(levels) > DEEPEST_SHOWN:
                    raise ConfigError(each.position, f"this is {DEEPEST_SHOWN} blocks deep, more than can be shown")
                data["block"] = []
                levels.append((iter([child for child in each.children if not child.is_comment]), data["block"]))
                break
        else:
            levels.pop()
    return top[0]
