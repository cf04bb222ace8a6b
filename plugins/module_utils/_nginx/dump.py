# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole configuration of a host from what ``nginx -T`` prints. Private to this collection."""

from __future__ import annotations

import ctypes
import itertools
import posixpath
import re
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.lexer import (
    CLOSE,
    COMMENT,
    END,
    OPEN,
    statements,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse

__all__ = ("assemble", "parse_dump")

Read = t.Callable[[str], t.Optional[str]]

_FILE = re.compile(r"^# configuration file (/.*):\n", re.MULTILINE)

# ngx_conf_include asks glob(3) for a path with one of these; in any other, every character stands for itself.
_WILD = re.compile(r"[*?[]")
# What glob(3) itself matches each name of a path with: nothing but a period matches a period that comes first.
_LIBC = ctypes.CDLL(None)
_FNM_PERIOD = 4


def parse_dump(text: str, read: Read = lambda _path: None) -> dict[str, tuple[Block, ...]]:
    """Return the blocks of every file by its path, the main file first.

    Positions count from the beginning of each file. ``read`` returns what a file holds, decoded as the text was, or
    None; it makes sure where a file ends that holds a saved text of this kind. Raises ConfigError for a text that
    nginx would not have printed.
    """
    begins = list(_beginnings(text, read))
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    # nginx adds a newline behind each file.
    return {
        begin.group(1): parse(text[begin.end() : end - 1], begin.group(1), judged=True)
        for begin, end in zip(begins, ends)
    }


def assemble(files: t.Mapping[str, tuple[Block, ...]]) -> tuple[Block, ...]:
    """Return the main file, which is the first, with the files in the place of each include.

    A pattern is matched against the names of the files, as nginx prints all that it has included. Positions keep the
    file that a block stands in. Raises ConfigError for a file that includes itself.
    """
    main = next(iter(files), "")
    folder = posixpath.dirname(main)
    found: list[Block] = []
    # What is open: a block (None for a file), the rest of it, the files around it, and where its blocks go.
    levels: list[tuple[Block | None, t.Iterator[Block], tuple[str, ...], list[Block]]] = [
        (None, iter(files.get(main, ())), (main,), found)
    ]
    while levels:
        parent, rest, opened, done = levels[-1]
        for block in rest:
            if block.name == "include" and len(block.args) == 1 and block.children is None:
                paths = _included(posixpath.join(folder, block.args[0]), files)
                for path in set(paths).intersection(opened):
                    raise ConfigError(block.position, f"{path} includes itself")
                levels.extend((None, iter(files[path]), (*opened, path), done) for path in reversed(paths))
                break
            if block.children:
                levels.append((block, iter(block.children), opened, []))
                break
            done.append(block)
        else:
            levels.pop()
            if parent is not None:
                levels[-1][3].append(replace(parent, children=tuple(done)))
    return tuple(found)


def _beginnings(text: str, read: Read) -> t.Iterator[re.Match[str]]:
    """Yield the lines with which nginx begins each file that it prints.

    A file may hold such a line too, as a comment: whoever saves the output of ``nginx -T`` has it. It begins a file
    only outside of all blocks, and where the one before ends. Where that cannot be read, it begins one if nginx, which
    prints the files as it opens them, would open this one next.
    """
    main = _FILE.search(text)
    if main is None:
        return
    yield main
    printed = text[main.start() :]
    folder = posixpath.dirname(main.group(1))
    opened = {main.group(1)}
    # The includes that nginx has yet to follow, the next one last; those of the file that is being read, the first
    # one first; and the lines since the last statement, which may have comments among its words.
    waiting: list[str] = []
    own: list[str] = []
    lines: list[int] = []
    depth = 0
    end = _end(text, main, read)
    for statement in itertools.chain(statements(printed, "nginx -T", judged=True), (None,)):
        if statement is not None and statement.end == COMMENT:
            lines.append(statement.offset)
            continue
        for offset in lines if depth == 0 else ():
            line = _FILE.match(text, main.start() + offset)
            if line is None or (statement is not None and statement.offset < offset):
                continue
            ahead = [*waiting, *reversed(own)]
            left = _followed(ahead, line.group(1), opened)
            if left is not None if end is None else line.start() == end:
                waiting, own = ahead if left is None else left, []
                opened.add(line.group(1))
                end = _end(text, line, read)
                yield line
        lines = []
        if statement is None:
            return
        if statement.end == END and statement.words[0] == "include" and len(statement.words) == 2:
            own.append(posixpath.join(folder, statement.words[1]))
        depth += {OPEN: 1, CLOSE: -1}.get(statement.end, 0)


def _end(text: str, begin: re.Match[str], read: Read) -> int | None:
    """Return where a file that was printed ends, with the newline that nginx adds, or None where that is not known."""
    content = read(begin.group(1))
    if content is None or not text.startswith(f"{content}\n", begin.end()):
        return None
    end = begin.end() + len(content) + 1
    return end if end == len(text) or _FILE.match(text, end) else None


def _followed(waiting: list[str], path: str, opened: t.Collection[str]) -> list[str] | None:
    """Return the includes that are left when nginx opens a path next, or None where it opens another, or none."""
    if path in opened:
        return None  # nginx prints a file once
    for i in reversed(range(len(waiting))):
        is_wild = _WILD.search(waiting[i])
        if _finds(waiting[i], path):
            return waiting[: i + 1] if is_wild else waiting[:i]
        if not is_wild and waiting[i] not in opened:
            return None
    return None


def _included(pattern: str, paths: t.Collection[str]) -> list[str]:
    """Return those of the paths that nginx includes, in its order."""
    if not _WILD.search(pattern):
        return [pattern] if pattern in paths else []
    return sorted((path for path in paths if _finds(pattern, path)), key=_bytes)


def _finds(pattern: str, path: str) -> bool:
    """Tell whether nginx includes a path, or glob(3) finds it, for a pattern; both are absolute."""
    if not _WILD.search(pattern):
        return pattern == path
    names, parts = _bytes(path).split(b"/"), _bytes(pattern).split(b"/")
    return len(names) == len(parts) and all(_LIBC.fnmatch(*each, _FNM_PERIOD) == 0 for each in zip(parts, names))


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
