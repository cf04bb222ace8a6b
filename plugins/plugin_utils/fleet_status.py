# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds what in a fleet, since when, and who is fit: as data and as a table. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import failure

__all__ = ("cluster_status", "node_status", "table")

Result = Mapping[str, t.Any]
Status = t.Dict[str, t.Any]

FIT = ("0", "")
HEADINGS = ("CLUSTER", "NODE", "HOLDS", "STATE", "SINCE", "FIT", "KEEPALIVED", "NGINX", "LAST CHANGE")


def node_status(planned: Result, vrrp: Result, nginx: Result, changed: Iterable[Result]) -> Status:
    """Return what is known of a balancer, from its plan and the results of the modules that looked at it.

    ``changed`` are those of stat on what is written with each change. Times are in UTC, as ISO 8601 has them; None
    where there was nothing of that yet.
    """
    if not vrrp or vrrp.get("unreachable") or "running" not in vrrp:
        why = f"cannot be reached: {failure(vrrp)}" if vrrp.get("unreachable") else f"tells nothing: {failure(vrrp)}"
        return {"seen": False, "message": why if vrrp else "was not looked at", "holds": [], "fit": False}
    instances = {
        one["name"]: {
            "state": one["state"],
            "since": _utc(one["last_transition"]),
            "addresses": [*one["addresses"], *one["excluded_addresses"]],
        }
        for one in vrrp["instances"]
    }
    unfit = [name for name, content in vrrp["trackers"].items() if content not in FIT]
    unfit += [
        f"{name} in {one['state']}" for name, one in instances.items() if one["state"] not in ("MASTER", "BACKUP")
    ]
    if planned["vips"] and not vrrp["running"]:
        unfit.append("keepalived does not run")
    if not nginx.get("running"):
        unfit.append("nginx does not run")
    written = [one["stat"]["mtime"] for one in changed if one.get("stat", {}).get("exists")]
    return {
        "seen": True,
        "message": "",
        "holds": vrrp["held"],
        "instances": instances,
        "fit": not unfit,
        "unfit": unfit,
        "keepalived": vrrp.get("version"),
        "nginx": nginx.get("version"),
        "last_change": _utc(max(written)) if written else None,
        "edited": sorted({*vrrp["drifted"], *(nginx.get("drifted") or ())}),
        "amiss": vrrp["amiss"],
    }


def cluster_status(addresses: Iterable[str], members: Mapping[str, Status]) -> Status:
    """Return the holders of each address, and in sentences what is not as it should be."""
    unseen = [host for host, one in members.items() if not one["seen"]]
    holders = {address: [host for host, one in members.items() if address in one["holds"]] for address in addresses}
    wrong = [f"{host} {members[host]['message']}" for host in unseen]
    for address, hosts in holders.items():
        if len(hosts) > 1:
            wrong.append(f"{address} is held by {' and '.join(hosts)}")
        elif not hosts:
            wrong.append(f"{address} is held by nobody{' that was seen' if unseen else ''}")
    for host, one in members.items():
        if one["seen"] and not one["fit"]:
            wrong.append(f"{host} is unfit: {', '.join(one['unfit'])}")
        wrong += [f"{path} on {host} was edited by hand" for path in one.get("edited", ())]
        wrong += [f"on {host}, {sentence}" for sentence in one.get("amiss", ())]
    return {"addresses": holders, "members": dict(members), "wrong": wrong}


def table(clusters: Mapping[str, Status]) -> list[str]:
    """Return the lines of a screen: a row for each balancer, and below what is not as it should be."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for name, cluster in clusters.items():
        rows += [_row(name, host, one) for host, one in cluster["members"].items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    wrong = [f"{name}: {sentence}" for name, cluster in clusters.items() for sentence in cluster["wrong"]]
    return [*lines, "", *wrong] if wrong else lines


def _row(cluster: str, host: str, node: Status) -> tuple[str, ...]:
    if not node["seen"]:
        return (cluster, host, "?", "?", "", "?", "", "", "")
    instances = node["instances"].values()
    since = max((one["since"] for one in instances if one["since"]), default="")
    return (
        cluster,
        host,
        ", ".join(node["holds"]) or "-",
        "/".join(dict.fromkeys(one["state"] for one in instances)) or "-",
        since,
        "yes" if node["fit"] else "no",
        node["keepalived"] or "-",
        node["nginx"] or "-",
        node["last_change"] or "-",
    )


def _utc(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
