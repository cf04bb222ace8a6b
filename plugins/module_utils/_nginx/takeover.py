# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx.conf that a host had before this collection: taken over with a copy kept, and given back. Private to it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.foreign import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.main_file import BEFORE, is_ours, standard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import FileState, Wanted, read_state

__all__ = ("STREAM", "Foreign", "as_wanted", "foreign_tree", "given_back")

STREAM = "\n# holdfast.nginx_ha: layer 4 lies in the folder below.\nstream {\n    include %s/*.conf;\n}\n"
"""What a main file of somebody else gets where this collection has files for stream."""


class Foreign(t.NamedTuple):
    """What is somebody else's on a host: the blocks of its main file, and all that nginx reads, includes laid in.

    ``keep`` is the copy of the main file that has to be made, None where there is one. ``spared`` are formats of logs
    that a main file has which is still to come, with its package. ``is_known`` is false where nothing could be read.
    """

    before: tuple[Block, ...]
    tree: tuple[Block, ...]
    keep: Wanted | None
    spared: tuple[str, ...] = ()
    is_known: bool = True


def foreign_tree(daemon: NginxDaemon, owned: t.Container[str], *, must_be_read: bool = False) -> Foreign:
    """Return what is somebody else's; where its main file cannot be read, nothing, or HoldfastError if it must be."""
    try:
        return _foreign_tree(daemon, owned)
    except HoldfastError as error:
        if must_be_read:
            raise HoldfastError(
                f"nginx.conf cannot be taken over, as it cannot be read: {error}. Correct it, or leave it to its owner "
                "(nginx_conf: package)"
            ) from None
        return Foreign((), (), None, is_known=False)


def _foreign_tree(daemon: NginxDaemon, owned: t.Container[str]) -> Foreign:
    path = daemon.main_file
    there, kept = read_state(path), read_state(path + BEFORE)
    source = kept if kept.exists else FileState(path) if is_ours(there.content) else there
    if source.content is None:
        installed = daemon.build.rc == 0
        paths = parse_build(daemon.build.output).paths if installed else {}
        before = standard(daemon.root, paths.get("user", ""), paths.get("pid-path", ""))
        return Foreign(before, read_tree(path, before, owned), None, () if installed else ("main",))
    content = _without_ours(source.content, daemon.root)
    before = parse(content.decode(errors="replace"), path, judged=True)
    return Foreign(before, read_tree(path, before, owned), None if kept.exists else Wanted(content, source.mode))


def given_back(path: str) -> dict[str, Wanted | None]:
    """Return the changes that bring the main file of before back; none where it is in place.

    HoldfastError where the file here is ours and the one of before is gone.
    """
    there, kept = read_state(path), read_state(path + BEFORE)
    if kept.exists:
        return {path: as_wanted(kept), path + BEFORE: None}
    if is_ours(there.content):
        raise HoldfastError(
            f"{path} cannot be given back, as {path}{BEFORE} is gone: put there what nginx.conf shall be (the package "
            "has one)"
        )
    return {}


def as_wanted(state: FileState) -> Wanted | None:
    """Return a file as it is, as one that is wanted; None where there is none."""
    return None if state.content is None else Wanted(state.content, state.mode)


def _without_ours(content: bytes, root: str) -> bytes:
    """Return a main file of somebody else without the lines that it got from this collection."""
    return content.replace((STREAM % os.path.join(root, "holdfast-stream.d")).encode(), b"\n")
