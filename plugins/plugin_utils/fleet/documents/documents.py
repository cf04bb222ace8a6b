# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished plan of a host: what each role wants of it, complete but for what only the host knows.

Private to this collection.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.documents import backend, keepalived, nginx
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("Documents", "documents")

Documents = t.Dict[str, t.Dict[str, t.Any]]
"""By role: ``state``, which are the sections of ``host_state``, and ``preflight``, the options of that module.

Of the role keepalived also ``outage``, how long a client waits at most, in words.

They hold secrets, so they are written into no result and no log.
"""


def documents(plan: Plan, hosts: Iterable[str]) -> dict[str, Documents]:
    """Return the documents of those of the hosts that belong to the fleet; raises InputError."""
    found: dict[str, Documents] = {}
    for host in hosts:
        if host in plan.members:
            derived = plan.balancer(host)
            state = nginx.balancer(plan, host, derived)
            found[host] = {
                "nginx": nginx.installed(plan.members[host].variables, nginx.question(plan.members[host].variables)),
                "balancer": {"state": state, "preflight": nginx.balancer_preflight(plan, host, state)},
                "keepalived": {
                    "state": keepalived.state(plan, host, derived),
                    "preflight": keepalived.preflight(plan, host, derived),
                    "outage": derived["outage_sentence"],
                },
            }
        elif host in plan.fleet.backends:
            state = backend.backend(plan, host)
            found[host] = {
                "nginx": backend.installed(plan, host),
                "backend": {"state": state, "preflight": backend.backend_preflight(plan, host, state)},
            }
    return found
