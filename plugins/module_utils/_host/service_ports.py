# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of the service that the watcher looks after, written around a change of nginx. Private to this collection.

A port that goes is looked after no longer before nginx closes it, and one that comes only when nginx has opened it: a
change of the service never makes a balancer unfit.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import make_folders
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import read_text, replace_text

__all__ = ("PORTS_FILE", "service_ports")

PORTS_FILE = "/etc/holdfast/ports.json"

Ports = t.Sequence[t.Mapping[str, t.Any]]


@contextlib.contextmanager
def service_ports(wanted: Ports, *, check: bool, path: str = PORTS_FILE) -> t.Iterator[bool]:
    """Bring the file to ``wanted`` around a change of nginx; yield whether that changes it.

    Where the change fails, what was looked after before is looked after again.
    """
    before, after = read_text(path), _text(wanted)
    if check or before == after:
        yield before != after
        return
    make_folders(os.path.dirname(path))
    replace_text(path, _text([port for port in _ports(before) if port in wanted]))
    try:
        yield True
    except BaseException:
        replace_text(path, before or None)
        raise
    replace_text(path, after)


def _ports(text: str) -> Ports:
    try:
        ports: Ports = json.loads(text or "{}")["ports"]
    except (ValueError, KeyError, TypeError):
        return []
    return ports


def _text(ports: Ports) -> str:
    return json.dumps({"ports": list(ports)}, indent=4) + "\n"
