# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of the service that the watcher looks after, written around a change of nginx. Private to this collection.

A port that goes is looked after no longer before nginx closes it, and one that comes only when nginx has opened it: a
change of the service never makes a balancer unfit.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import make_folders
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import read_text, replace_text

__all__ = ("PORTS_FILE", "by_protocol", "service_ports")

PORTS_FILE = "/etc/holdfast/ports.json"
UDP = "udp"

Ports = t.Sequence[t.Mapping[str, t.Any]]


@contextlib.contextmanager
def service_ports(wanted: Ports, *, check: bool, path: str = PORTS_FILE) -> t.Iterator[bool]:
    """Bring the file to ``wanted`` around a change of nginx; yield whether that changes it.

    Where the change fails, what was looked after before is looked after again.
    """
    before, after = read_text(path), _text(wanted)
    stay = [*itertools.chain.from_iterable(by_protocol(wanted).values())]
    if check or before == after:
        yield before != after
        return
    make_folders(os.path.dirname(path))
    replace_text(path, _text([port for port in _ports(before) if port in stay]))
    try:
        yield True
    except BaseException:
        replace_text(path, before or None)
        raise
    replace_text(path, after)


def _ports(text: str) -> Ports:
    try:
        said = json.loads(text or "{}")
        return [*said["ports"], *said.get(UDP, ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def by_protocol(ports: Ports) -> dict[str, list[t.Mapping[str, t.Any]]]:
    """Return what the file holds. Those of UDP stand apart: an older watcher took all of ``ports`` for TCP."""
    of_udp = [one for one in ports if one.get("protocol") == UDP]
    of_tcp: list[t.Mapping[str, t.Any]] = [
        {name: one[name] for name in one if name != "protocol"} for one in ports if one not in of_udp
    ]
    return {"ports": of_tcp, **({UDP: of_udp} if of_udp else {})}


def _text(ports: Ports) -> str:
    return json.dumps(by_protocol(ports), indent=4) + "\n"
