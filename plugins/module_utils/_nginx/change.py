# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a module to nginx's files on the host. Private to this collection."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.files import FOLDERS, file_name, files
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import KINDS, NginxConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.parser import parse
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.rules import check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted, read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Result,
    Transaction,
)

__all__ = ("apply",)

MODE = 0o640  # nginx reads it as root, and a header may hold a password
_STREAM = "\n# holdfast.nginx_ha: layer 4 lies in the folder below.\nstream {\n    include %s/*.conf;\n}\n"


def apply(
    options: t.Mapping[str, t.Any],
    *,
    owner: str,
    check_mode: bool,
    single: tuple[str, str] | None = None,
    drift: str = "overwrite",
    stage_only: bool = False,
    root: str = "/etc/nginx",
) -> Result:
    """Make nginx serve what these options describe; see Transaction.apply for what can go wrong.

    ``options`` are those of NginxConfig. ``single`` is option and name of the only block that is meant; where the
    options do not hold it, it goes, and all others stay as they are.
    """
    need_root()
    daemon = NginxDaemon(root=root)
    try:
        config = NginxConfig.from_options(options, version=daemon.version)
    except InputError as error:
        raise InputError(_as_said(error.path, single), error.message) from None
    daemon.places = lambda: _places(config, root, single)
    owned: dict[str, Wanted | None] = {
        os.path.join(root, name): Wanted(text.encode(), MODE) for name, text in files(config).items()
    }
    if single:
        option, name = single
        kind = next(kind for kind in KINDS if kind.option == option)
        owned.setdefault(os.path.join(root, file_name(kind, name)), None)
    shared = {}
    stream = os.path.join(root, FOLDERS["stream"])
    if any(path.startswith(stream + os.sep) and wanted for path, wanted in owned.items()):
        shared[daemon.main_file] = _with_stream(daemon.main_file, stream)
    findings = _findings(config, single) if daemon.version is None else []
    with Transaction(daemon, check_mode=check_mode) as change:
        act = change.stage if stage_only else change.apply
        return act(Request(owner, owned, shared=shared, prune=not single, drift=drift, findings=findings))


def _findings(config: NginxConfig, single: tuple[str, str] | None) -> list[Finding]:
    """Return what the rules say of the request alone, where no nginx is there yet that could show the whole."""
    return [replace(one, where=_as_said(one.where, single)) for one in check(config.to_blocks())]


def _as_said(path: str, single: tuple[str, str] | None) -> str:
    """Return an input path as the user of the module wrote it: that of a single block has no list around it."""
    return path[len(f"{single[0]}[0].") :] if single else path


def _places(config: NginxConfig, root: str, single: tuple[str, str] | None) -> dict[str, dict[int, str]]:
    """Return which input each line of the owned files comes from."""
    placed = {context.name: iter(context.children or ()) for context in config.to_blocks()}
    texts = files(config)
    found = {}
    for kind, _path, model in config.elements():
        name = file_name(kind, model.name)
        [written] = [block for block in parse(texts[name]) if not block.is_comment]
        lines = zip(walk([written]), walk([next(placed[kind.context])]))
        found[os.path.join(root, name)] = {
            block.position.line: _as_said(origin.position.file, single) for block, origin in lines
        }
    return found


def _with_stream(main_file: str, folder: str) -> Wanted:
    """Return the main file with the block that includes our layer 4, which no distribution's main file has."""
    main = read_state(main_file)
    if main.content is None:
        raise HoldfastError(f"{main_file} is not there: install nginx first")
    if os.fsencode(folder) in main.content:
        return Wanted(main.content, main.mode)
    return Wanted(main.content.rstrip(b"\n") + b"\n" + (_STREAM % folder).encode(), main.mode)
