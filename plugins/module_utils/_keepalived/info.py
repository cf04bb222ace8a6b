# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived does on a host now, and waiting for what it is to do. Private to this collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block, plain
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.daemon import KeepalivedDaemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import read_states
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.kernel import own_interfaces
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.scheduler import refused, scheduler
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import hidden
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import host_addresses, need_root
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.transaction import drifted, owned_files

__all__ = ("gather", "settle", "wanting")

TRACK_FOLDER = "/run/holdfast/track"
RAW = ("address_lines", "routes", "rules")
PAUSE = 0.5


def trackers(folder: str = TRACK_FOLDER) -> dict[str, str]:
    """Return name and content of every track file; empty where the folder is not there."""
    found = {}
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
                found[name] = file.read().strip()
    return found


def gather(root: str, *, configuration: bool) -> tuple[dict[str, t.Any], str]:
    """Return what the module returns, and its warning, which may be empty."""
    need_root()
    daemon = KeepalivedDaemon(root=root)
    version = daemon.version
    found: dict[str, t.Any] = {"installed": version is not None, "running": daemon.running()}
    if version is not None:
        found["version"] = str(version)
    instances: list[dict[str, t.Any]] = []
    amiss: list[str] = []
    if daemon.running():
        here = {(one.interface, one.address) for one in host_addresses()}
        for state in read_states():
            own = own_interfaces(state)
            facts = {key: value for key, value in dataclasses.asdict(state).items() if key not in RAW}
            instances.append(dict(facts, present=[address for address in own if (own[address], address) in here]))
        amiss = daemon.differs()
    blocks: tuple[Block, ...] = ()
    if configuration or daemon.running():
        blocks = read_tree(daemon.main_file, parse_build(daemon.build.output) if version else None).blocks
    if configuration:
        found["configuration"] = [plain(hidden(block)) for block in blocks]
    now = scheduler() if daemon.running() else None
    if now:
        found["scheduler"] = now._asdict()
    manifest = owned_files(daemon.name)
    masters = [one for one in instances if one["state"] == "MASTER"]
    found.update(instances=instances, held=[address for one in masters for address in one["present"]], amiss=amiss)
    found.update(trackers=trackers(), owned=sorted(manifest), drifted=drifted(manifest))
    return found, refused(blocks, now)


def wanting(found: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any]) -> str:
    """Return what is not yet as it was asked for, as a clause; empty where all is."""
    if params["settled"]:
        if not found["running"]:
            return "keepalived does not run here"
        if not found["instances"]:
            return "keepalived runs here without any instance"
        others = [one for one in found["instances"] if one["state"] not in ("MASTER", "BACKUP")]
        if others:
            says = ", ".join(
                f"{name} says {reading}"
                for name, reading in found.get("trackers", {}).items()
                if reading not in ("0", "")
            )
            states = ", ".join(f"{one['name']} is in {one['state']} here" for one in others)
            return f"{states} ({says})" if says else states
    missing = [one for one in params["holds"] if one not in found["held"]]
    if missing:
        return f"{', '.join(missing)} did not come to this host"
    left = [one for one in params["lacks"] if one in found["held"]]
    return f"{', '.join(left)} did not leave this host" if left else ""


def settle(params: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], str]:
    """Return what ``gather`` does once all is as it was asked for; HoldfastError where that takes too long."""
    until = time.monotonic() + params["patience"]
    since: float | None = None  # when all was first as it was asked for
    while True:
        try:
            found, warning = gather(params["root"], configuration=params["configuration"])
            wrong = wanting(found, params)
            if not wrong:
                since = time.monotonic() if since is None else since
                if time.monotonic() - since >= params.get("steady", 0):
                    return found, warning
                time.sleep(PAUSE)
                continue
        except HoldfastError as error:
            if not params["patience"]:
                raise
            wrong = str(error)  # it is just being started, or reads its files again
        since = None
        if time.monotonic() >= until:
            raise HoldfastError(
                f"{wrong}, after {params['patience']:g} s: journalctl -u keepalived -u holdfast-watcher says why, and "
                "the playbook holdfast.nginx_ha.doctor what to do"
            )
        time.sleep(PAUSE)
