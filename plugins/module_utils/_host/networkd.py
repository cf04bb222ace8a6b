# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-networkd leaves the addresses alone that keepalived adds. Private to this collection."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._host.outcome import Outcome
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import (
    difference,
    read_text,
    replace_text,
)

__all__ = ("keep_addresses",)

UNIT = "systemd-networkd.service"
FOLDERS = ("/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network")
DROP_IN = "holdfast.conf"
CONTENT = """# Owned by holdfast.nginx_ha: edits by hand are lost.
# The addresses that keepalived puts on this interface outlive a reload.
[Network]
KeepConfiguration=static
"""

_FILE = re.compile(r"^\s*Network File: (/\S+\.network)$", re.MULTILINE)
_KEEPS = re.compile(r"^\s*KeepConfiguration\s*=\s*(static|yes|true|on|1)\s*$", re.MULTILINE)


def keep_addresses(interfaces: t.Iterable[str], *, check: bool) -> Outcome:
    """Write a drop-in for each of these interfaces that systemd-networkd manages, and have it read that."""
    paths = dict.fromkeys(_network_file(interface) for interface in interfaces)
    wanted = [_drop_in(path) for path in paths if path and not any(_KEEPS.search(text) for text in _others(path))]
    there = {path: read_text(path) for path in wanted}
    missing = [path for path in wanted if there[path] != CONTENT]
    if missing and not check:
        for path in missing:
            replace_text(path, CONTENT)
        must("networkctl", "reload")
    return Outcome(missing, [difference(path, there[path], CONTENT) for path in missing], returned={"files": wanted})


def _network_file(interface: str) -> str:
    """Return the file by which systemd-networkd manages this interface, empty where it does not."""
    if run("systemctl", "is-active", "--quiet", UNIT).rc:
        return ""
    found = _FILE.search(run("networkctl", "--no-pager", "status", interface).stdout)
    return found[1] if found else ""


def _drop_in(path: str) -> str:
    """Return where our drop-in for a ``.network`` file is; /etc wins over wherever the file itself lies."""
    return os.path.join(FOLDERS[0], f"{os.path.basename(path)}.d", DROP_IN)


def _others(path: str) -> t.Iterator[str]:
    """Yield the text of the file and of its drop-ins, without ours."""
    name = os.path.basename(path)
    for one in [path, *(found for folder in FOLDERS for found in glob.glob(f"{folder}/{name}.d/*.conf"))]:
        if one != _drop_in(path):
            yield _read(one)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""
