# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx reads on a host from files of somebody else. Private to this collection."""

from __future__ import annotations

import contextlib
import glob
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.dump import assemble
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse

__all__ = ("names_in", "read_tree")


def read_tree(main_file: str, main: t.Sequence[Block], owned: t.Container[str]) -> tuple[Block, ...]:
    """Return the blocks of a main file with all that it includes from this host's files, but for the owned ones.

    A file that cannot be read is left out: nginx itself says what is wrong with it.
    """
    folder = os.path.dirname(main_file)
    found: dict[str, tuple[Block, ...]] = {main_file: tuple(main)}
    waiting = [main_file]
    while waiting:
        for block in walk(found[waiting.pop()]):
            if block.name != "include" or len(block.args) != 1 or block.children is not None:
                continue
            for path in sorted(glob.glob(os.path.join(folder, block.args[0]))):
                if path in found or path in owned:
                    continue
                with contextlib.suppress(OSError, ConfigError), open(path, "rb") as file:
                    found[path] = parse(file.read().decode(errors="replace"), path, judged=True)
                    waiting.append(path)
    try:
        return assemble(found)
    except ConfigError:
        return tuple(main)


def names_in(tree: t.Sequence[Block], main_file: str) -> dict[str, frozenset[str]]:
    """Return, by context, the directives that files say which the main file includes."""
    levels = {"main": tree, **{one.name: one.children or () for one in tree if one.children is not None}}
    return {
        context: frozenset(one.name for one in blocks if one.position.file not in ("", main_file))
        for context, blocks in levels.items()
    }
