# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a section to Apache httpd's files on the host. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.config import HttpdConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.daemon import HttpdDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.listen import listeners_of_others
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import listeners, need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Result,
    Transaction,
    owned_files,
)

__all__ = ("apply",)

OWNER = "httpd"
MODE = 0o640  # httpd reads it as root, and a header may hold a password


def apply(
    options: t.Mapping[str, t.Any],
    *,
    check_mode: bool,
    drift: str = "overwrite",
    freed: t.Container[str] = (),
    folders: t.Iterable[str] = (),
    root: str = "",
) -> Result:
    """Make Apache httpd serve what these options describe; see Transaction.apply for what can go wrong.

    ``options`` are HTTPD_OPTIONS. Programs that are ``freed`` give up their ports before this becomes live. ``folders``
    are those that an earlier step makes for it, which in check mode are there in the test alone.
    """
    need_root()
    daemon = HttpdDaemon(root=root)
    daemon.folders = tuple(sorted(folders))
    root = daemon.root
    config = HttpdConfig.from_options(options, daemon.layout, root)
    mine = owned_files(daemon.name)
    others = listeners_of_others(root, mine, daemon.layout)
    texts = config.files(others)
    daemon.places = lambda: {
        os.path.join(root, name): dict.fromkeys(range(1, texts[name].count("\n") + 1), path)
        for name, path in config.places().items()
    }
    _refuse_taken(config, daemon.name, freed)
    owned: dict[str, Wanted | None] = {
        os.path.join(root, name): Wanted(text.encode(), MODE) for name, text in texts.items()
    }
    for name, file in config.beside.items():
        secret = (MODE, daemon.workers_group()) if file.is_secret else ()
        owned[os.path.join(root, name)] = Wanted(file.text.encode(), *secret)
    was_running = daemon.running()
    with Transaction(daemon, check_mode=check_mode) as change:
        try:
            return change.apply(Request(OWNER, owned, drift=drift))
        except HoldfastError as error:
            if was_running and not daemon.running():
                raise HoldfastError(f"{error}; it does not run any more: systemctl start {daemon.name}") from None
            raise


def _refuse_taken(config: HttpdConfig, own: str, freed: t.Container[str]) -> None:
    """Raise where another program has a port: a graceful restart would end httpd for it."""
    for listener in config.listeners:
        taken = sorted(name for name in listeners(listener.port) - {own} if name not in freed)
        if taken:
            raise HoldfastError(
                f"port {listener.port} is in use by {' and '.join(taken)}, and Apache httpd would end for it, nothing "
                "was changed: stop it, or let the site listen elsewhere"
            )
