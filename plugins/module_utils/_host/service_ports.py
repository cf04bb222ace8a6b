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

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import (
    Wanted,
    prepare,
    prepared_path,
    read_state,
)

__all__ = ("PORTS_FILE", "service_ports")

PORTS_FILE = "/etc/holdfast/ports.json"

Ports = t.Sequence[t.Mapping[str, t.Any]]


@contextlib.contextmanager
def service_ports(wanted: Ports, *, check: bool, path: str = PORTS_FILE) -> t.Iterator[bool]:
    """Bring the file to ``wanted`` around a change of nginx; yield whether that changes it.

    Where the change fails, what was looked after before is looked after again.
    """
    before = read_state(path).content
    text = _text(wanted)
    if check or before == text:
        yield before != text
        return
    kept = [one for one in _ports(before) if one in wanted]
    _write(path, _text(kept))
    try:
        yield True
    except BaseException:
        if before is None:
            os.unlink(path)
        else:
            _write(path, before)
        raise
    _write(path, text)


def _ports(text: bytes | None) -> Ports:
    try:
        found: Ports = json.loads(text or b"{}")["ports"]
    except (ValueError, KeyError, TypeError):
        return []
    return found


def _text(ports: Ports) -> bytes:
    return (json.dumps({"ports": list(ports)}, indent=4) + "\n").encode()


def _write(path: str, text: bytes) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    prepare(path, Wanted(text, 0o644))
    os.rename(prepared_path(path), path)
