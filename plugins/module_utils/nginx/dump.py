# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole configuration of a host from what ``nginx -T`` prints. Private to this collection."""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.nginx.parser import parse

__all__ = ("assemble", "parse_dump")

_FILE = re.compile(r"^# configuration file (/.*):\n", re.MULTILINE)
_WILD = re.compile(r"(\*)|(\?)|\[([!^]?)([^]]+)\]")


def parse_dump(text: str) -> dict[str, tuple[Block, ...]]:
    """Return the blocks of every file by its path, the main file first.

    Positions count from the beginning of each file. Raises ConfigError for a text that nginx would not have printed.
    """
    parts = _FILE.split(text)[1:]
    # nginx adds a newline behind each file.
    return {path: parse(content[:-1], path) for path, content in zip(parts[::2], parts[1::2])}


def assemble(files: t.Mapping[str, tuple[Block, ...]]) -> tuple[Block, ...]:
    """Return the main file, which is the first, with the files in the place of each include.

    A pattern is matched against the names of the files, as nginx prints all that it has included. Positions keep the
    file that a block stands in. Raises ConfigError for a file that includes itself.
    """
    main = next(iter(files), "")
    return _expanded(files.get(main, ()), files, posixpath.dirname(main), (main,))


def _expanded(
    blocks: t.Iterable[Block], files: t.Mapping[str, tuple[Block, ...]], folder: str, opened: tuple[str, ...]
) -> tuple[Block, ...]:
    found: list[Block] = []
    for block in blocks:
        if block.name == "include" and len(block.args) == 1 and block.children is None:
            pattern = _pattern(posixpath.join(folder, block.args[0]))
            for path in sorted(files):
                if pattern.fullmatch(path):
                    if path in opened:
                        raise ConfigError(block.position, f"{path} includes itself")
                    found.extend(_expanded(files[path], files, folder, (*opened, path)))
        elif block.children is not None:
            found.append(replace(block, children=_expanded(block.children, files, folder, opened)))
        else:
            found.append(block)
    return tuple(found)


def _pattern(path: str) -> re.Pattern[str]:
    """Return what matches the paths that glob(3) would find for one."""
    text, last = "", 0
    for wild in _WILD.finditer(path):
        text += re.escape(path[last : wild.start()])
        star, question, negated, characters = wild.groups()
        if star:
            text += "[^/]*"
        elif question:
            text += "[^/]"
        else:
            text += f"[{'^' if negated else ''}{re.escape(characters).replace(chr(92) + '-', '-')}]"
        last = wild.end()
    return re.compile(text + re.escape(path[last:]))
