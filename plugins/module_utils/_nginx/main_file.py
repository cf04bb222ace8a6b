# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx.conf as this collection writes it: its settings laid over the file that was there before. Private to it.

What the settings do not say lives on: includes, modules that are loaded, formats of logs, blocks of somebody else.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, comment
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import FOLDERS, OWNED
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import Context, MainFile
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.renderer import render

__all__ = ("BEFORE", "is_ours", "places", "standard", "text", "with_streams")

BEFORE = ".distrib"
"""Ends the name of the file that holds the nginx.conf of before, as Debian calls what a file of a package is put by."""

CONTEXTS = ("events", "http", "stream")
# They name what is defined before, in a file that is included.
LAST = ("access_log",)
# Each line of these is one more, where a second line of any other would be an error or take its place.
ADDS = ("env", "load_module", "thread_pool")
# What the package of a Red Hat system serves from within nginx.conf.
WELCOME = {"server_name": ("_",), "root": ("/usr/share/nginx/html",)}


def is_ours(content: bytes | None) -> bool:
    """Return whether a main file was written by this collection, whoever edited it since."""
    return content is not None and content.startswith(f"# {OWNED}\n".encode())


def standard(root: str, user: str, pid: str) -> tuple[Block, ...]:
    """Return the main file for a host on which there was none: what packages include is included where it is there."""

    def included(pattern: str) -> tuple[Block, ...]:
        is_there = os.path.isdir(os.path.join(root, os.path.dirname(pattern)))
        return (Block("include", (os.path.join(root, pattern),)),) if is_there else ()

    return (
        *([Block("user", (user,))] if user else []),
        *([Block("pid", (pid,))] if pid else []),
        *included("modules-enabled/*.conf"),
        Block("events", (), ()),
        Block(
            "http",
            (),
            (
                Block("include", (os.path.join(root, "mime.types"),)),
                Block("default_type", ("application/octet-stream",)),
                Block("include", (os.path.join(root, FOLDERS["http"], "*.conf"),)),
                *included("sites-enabled/*"),
            ),
        ),
    )


def _includes_stream(root: str) -> Block:
    """Return the directive by which stream gets the files of this collection."""
    return Block("include", (os.path.join(root, FOLDERS["stream"], "*.conf"),))


def text(
    settings: MainFile,
    before: t.Sequence[Block],
    root: str,
    *,
    has_streams: bool,
    modules: t.Sequence[str] = (),
) -> str:
    """Return the text of the main file; ``before`` are the blocks of the one before it.

    ``has_streams`` is whether this collection has files for stream, which then are included. The server that Red Hat's
    package has for its welcome page goes. ``modules`` are files that are loaded besides.
    """
    blocks = {one.name: one for one in before if one.children is not None and one.name in CONTEXTS}
    inside = {name: list(blocks[name].children or ()) if name in blocks else [] for name in CONTEXTS}
    inside["stream"] = _streams(inside["stream"], root, has_streams=has_streams)
    inside["http"] = [one for one in inside["http"] if not _is_welcome(one)]
    others = [one for one in before if one.name not in CONTEXTS]
    written = [
        *_laid_over(settings.main, [one for one in others if one.children is None]),
        *(Block("load_module", (path,)) for path in modules),
        Block("events", (), tuple(_laid_over(settings.events, inside["events"]))),
        Block("http", (), tuple(_laid_over(settings.http, inside["http"]))),
    ]
    streams = _laid_over(settings.stream, inside["stream"])
    written += [Block("stream", (), tuple(streams))] if streams else []
    written += [one for one in others if one.children is not None]
    about = comment(
        f"The one that was here before is {os.path.join(root, 'nginx.conf')}{BEFORE}; all it includes lives on."
    )
    return render([comment(OWNED), about, *written])


def with_streams(content: str, root: str, *, has_streams: bool) -> str:
    """Return a main file of ours that includes this collection's files for stream, or no longer does; else as it is.

    A block that nothing is left in goes. ConfigError where the file cannot be read.
    """
    blocks = list(parse(content, os.path.join(root, "nginx.conf")))
    there = next((one for one in blocks if one.name == "stream"), None)
    inside = there.children or () if there else ()
    if (_includes_stream(root) in inside) == has_streams:
        return content
    streams = tuple(_streams(inside, root, has_streams=has_streams))
    block = [Block("stream", (), streams)] if streams else []
    if there:
        return render([*(new for one in blocks for new in (block if one is there else [one]))])
    # Where ``text`` puts it.
    at = next((at for at, one in enumerate(blocks, 1) if one.name == "http"), len(blocks))
    return render([*blocks[:at], *block, *blocks[at:]])


def _streams(inside: t.Sequence[Block], root: str, *, has_streams: bool) -> list[Block]:
    """Return what is in stream, comments left out, with the files of this collection where it has some."""
    own = _includes_stream(root)
    return [*(one for one in inside if not one.is_comment and one != own), *([own] if has_streams else [])]


def _laid_over(context: Context, before: t.Sequence[Block]) -> list[Block]:
    """Return our directives and those of before that they do not say; what needs definitions comes last."""
    own, table = context.to_blocks(), context.plain
    replaced = {one.name for one in own if one.name in table and one.name not in ADDS}
    kept = [one for one in before if not one.is_comment and one.name not in replaced and one not in own]
    first = [one for one in own if one.name not in LAST]
    return [*first, *kept, *(one for one in own if one.name in LAST)]


def _is_welcome(block: Block) -> bool:
    return block.name == "server" and all(
        [one.args for one in block.find(name)] == [args] for name, args in WELCOME.items()
    )


def places(settings: MainFile, written: t.Sequence[Block]) -> dict[int, str]:
    """Return which option each line of the main file comes from; ``written`` are the blocks read back from it."""
    own = {
        "main": settings.main.to_blocks(),
        "events": settings.events.to_blocks(),
        "http": settings.http.to_blocks(),
        "stream": settings.stream.to_blocks(),
    }
    levels = [("main", written), *((one.name, one.children or ()) for one in written if one.name in CONTEXTS)]
    found = {}
    for context, blocks in levels:
        names = {one.name for one in own[context]}
        found.update({one.position.line: f"{context}.{one.name}" for one in blocks if one.name in names})
    return found
