# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that makes room for another one, or for none. Private to this collection.

What this collection brought goes: its sites, and the service where it was this collection that installed it. A web
server that was there before goes on, without our sites.
"""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._httpd.daemon import HttpdDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.change import apply
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.daemon import NginxDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import PACKAGE
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.options import NGINX_OPTIONS
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must, unit_properties
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import Wanted, read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import replace_text
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import (
    Request,
    Result,
    Transaction,
    owned_files,
)

__all__ = ("Replaced", "note")

NGINX_OWNER = "nginx_config"
BROUGHT = "/var/lib/holdfast/web_servers.json"
"""The web servers that this collection has installed on the host."""

DAEMONS: dict[str, t.Callable[[], Daemon]] = {"nginx": NginxDaemon, "httpd": HttpdDaemon}


def note(servers: t.Iterable[str], *, check: bool) -> None:
    """Remember that these were installed by this collection just now."""
    known = _brought()
    after = [*known, *(name for name in servers if name not in known)]
    if after != known and not check:
        os.makedirs(os.path.dirname(BROUGHT), mode=0o700, exist_ok=True)
        replace_text(BROUGHT, json.dumps(after) + "\n", 0o600)


def _brought() -> list[str]:
    content = read_state(BROUGHT).content
    try:
        found = json.loads(content) if content else []
        return [str(name) for name in found]
    except (ValueError, TypeError):
        raise HoldfastError(
            f"{BROUGHT} cannot be read: it is a list of the web servers that this collection has installed"
        ) from None


class Replaced:
    """A web server that the host shall not serve with any more."""

    def __init__(self, name: str, runner: Runner = run) -> None:
        self._runner = runner
        self._daemon = DAEMONS[name]()
        self._unit = f"{self._daemon.name}.service"
        self._owned = owned_files(self._daemon.name)
        self._before: dict[str, dict[str, Wanted]] = {}
        self._brought = name in _brought()
        look = unit_properties(self._unit, ["ActiveState", "UnitFileState"], runner)
        self._runs, self._enabled = look["ActiveState"] == "active", look["UnitFileState"] == "enabled"

    @property
    def program(self) -> str:
        """The name of its process."""
        return self._daemon.name

    @property
    def is_ours(self) -> bool:
        """Whether it has any port through this collection alone, and gives it up."""
        return bool(self._owned) or self._brought

    @property
    def differs(self) -> bool:
        """Whether anything of it is left."""
        return bool(self._owned) or (self._brought and (self._runs or self._enabled))

    def free(self, *, check: bool) -> Outcome:
        """Take its sites away, and stop it for good where this collection has brought it."""
        outcome, main = Outcome(), self._daemon.main_file
        for owner in sorted({entry.owner for entry in self._owned.values()}):
            paths = [path for path, entry in self._owned.items() if entry.owner == owner]
            states = [read_state(path) for path in paths if path != main]
            self._before[owner] = {
                one.path: Wanted(one.content, one.mode, one.gid) for one in states if one.content is not None
            }
            result = self._without(owner, check=check)
            outcome.changes += [f"{path} {action}" for path, action in sorted(result.files.items())]
            outcome.diff += result.diff
            outcome.warnings += result.warnings
        if self._brought and (self._runs or self._enabled):
            if not check:
                must("systemctl", "disable", "--now", self._unit, runner=self._runner)
            outcome.changes.append(f"disable --now {self._unit}")
        return outcome

    def _without(self, owner: str, *, check: bool) -> Result:
        """Remove what an owner has there; nginx.conf, where the role has taken it over, is given back."""
        if owner == NGINX_OWNER:
            nothing: dict[str, t.Any] = {name: [] for name in NGINX_OPTIONS}
            return apply({**nothing, "nginx_conf": PACKAGE}, owner=owner, check_mode=check)
        with Transaction(self._daemon, check_mode=check) as change:
            return change.apply(Request(owner, {}))

    def put_back(self) -> None:
        """Let it serve again as it did before ``free``; what cannot be is left to the next run."""
        try:
            for owner, files in self._before.items():
                with Transaction(self._daemon) as change:
                    change.apply(Request(owner, files, prune=False))
        except HoldfastError:
            return
        if self._brought and self._enabled:
            self._runner("systemctl", "enable", self._unit)
        if self._brought and self._runs:
            self._runner("systemctl", "start", self._unit)
