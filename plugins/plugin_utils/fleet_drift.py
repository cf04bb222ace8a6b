# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what hosts differ from their plan, as data and in sentences. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import failure

__all__ = ("host_drift", "report")

Result = Mapping[str, t.Any]
Drift = t.Dict[str, t.Any]


def host_drift(looks: Iterable[Result]) -> Drift:
    """Return what ``host_state`` would change on a host, and why it cannot be told where a look at it failed.

    ``looks`` are its results in check mode; those of tasks that were skipped say nothing.
    """
    taken = [one for one in looks if one and not one.get("skipped")]
    unseen = [one for one in taken if one.get("unreachable")]
    failed = [one for one in taken if one.get("failed") and not one.get("unreachable")]
    error = ""
    if unseen:
        error = f"cannot be reached: {failure(unseen[0])}"
    elif failed:
        error = "; ".join(dict.fromkeys(map(failure, failed)))
    elif not taken:
        error = "was not looked at"
    return {"differs": [change for one in taken for change in one.get("changes") or ()], "error": error}


def report(hosts: Mapping[str, Drift]) -> list[str]:
    """Return the sentences for a person: the hosts that differ or tell nothing, and how many are as planned."""
    lines = []
    for host, drift in hosts.items():
        if drift["differs"]:
            lines.append(f"{host} differs from its plan: {'; '.join(drift['differs'])}")
        if drift["error"]:
            lines.append(f"{host}: {drift['error']}")
    good = sum(not (drift["differs"] or drift["error"]) for drift in hosts.values())
    return [*lines, f"{good} of {len(hosts)} hosts are as planned."]
