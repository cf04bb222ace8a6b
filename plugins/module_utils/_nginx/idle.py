# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many idle connections to an upstream each worker of this host keeps, where nobody says it. Private.

``keepalive`` counts for one worker: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive
"""

from __future__ import annotations

import os
import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.config import MANAGED
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._nginx.model.main_file import CONNECTIONS

__all__ = ("Workers", "kept", "with_idle", "workers_of")

TOGETHER = 128
"""Connections that all workers of a balancer keep to one upstream; a backend has those of each balancer."""

LEAST = 16
"""Connections that a worker keeps however many workers there are: with fewer, it would often open new ones."""

PLAIN = 512
"""Connections of a worker where no file says it, nginx's own default."""


class Workers(t.NamedTuple):
    """How many workers there are, and how many connections each may have, to clients and to backends."""

    processes: int
    connections: int


def workers_of(options: Mapping[str, t.Any], main: t.Sequence[Block], processors: int | None = None) -> Workers:
    """Return the workers that nginx will have on this host.

    ``options`` are those of nginx_config; where they leave nginx.conf alone, it is ``main``. ``processors`` are those
    of this host.
    """
    if options.get("nginx_conf") == MANAGED:
        said = {name: (options.get(context) or {}).get(name) for context, name in _PLACES}
        count, connections = said["worker_processes"] or "auto", said["worker_connections"] or CONNECTIONS
    else:
        count, connections = "1", PLAIN
        for block in main:
            if block.name == "worker_processes" and block.args:
                count = block.args[0]
            for child in block.find("worker_connections") if block.name == "events" else ():
                connections = child.args[0] if child.args else connections
    found = _number(count)
    return Workers(found if found is not None else processors or os.cpu_count() or 1, _number(connections) or PLAIN)


def kept(servers: int, workers: Workers) -> int:
    """Return how many a worker keeps: its share, and two a server, but no more than a quarter of its connections."""
    share = -(-TOGETHER // max(workers.processes, 1))
    return max(1, min(max(share, LEAST, 2 * servers), workers.connections // 4))


def with_idle(upstreams: t.Any, workers: Workers) -> t.Any:
    """Return the upstreams of http with that number, each that does not say its own."""
    if not isinstance(upstreams, list):
        return upstreams
    return [
        {**one, "keepalive": kept(len(one["servers"]), workers)}
        if isinstance(one, Mapping) and one.get("keepalive") is None and isinstance(one.get("servers"), list)
        else one
        for one in upstreams
    ]


_PLACES = (("main", "worker_processes"), ("events", "worker_connections"))


def _number(said: t.Any) -> int | None:
    return int(str(said)) if str(said).isdecimal() else None
