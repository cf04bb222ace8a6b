# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide on a planned move: the documentation is in modules/planned_move.py."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.move import (
    Instance,
    Request,
    Seen,
    concerned,
    decide,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "to": {"type": "str", "default": ""},
        "away": {"type": "str", "default": ""},
        "back": {"type": "bool", "default": False},
        "addresses": {"type": "list", "elements": "str", "default": []},
        "plan": {"type": "dict", "required": True},
        "seen": {"type": "dict"},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        request = Request(given["to"], given["away"], given["back"], tuple(given["addresses"]))
        found = concerned(request, _clusters(given["plan"]))
        members = _members(found, given["plan"])
        if given["seen"] is None:
            return {"members": members}
        units = [unit for units in found.values() for unit in units]
        decision = decide(request, units, {name: _seen(given["seen"][name]) for name in members})
        return {
            "members": members,
            "moves": [dict(vars(move), addresses=list(move.addresses), words=str(move)) for move in decision.moves],
            "steps": {name: dict(vars(steps)) for name, steps in decision.steps.items()},
        }


def _clusters(plan: Mapping[str, t.Any]) -> dict[str, list[Instance]]:
    """Return the instances of every cluster, from the plans of its members."""
    found: dict[str, dict[str, dict[str, t.Any]]] = {}
    for host, own in plan.items():
        if "cluster" not in own:
            continue  # a backend
        groups = {
            name: group["name"]
            for group in own.get("keepalived_sync_groups") or ()
            for name in group.get("group") or ()
        }
        for options in own["keepalived_instances"]:
            same = found.setdefault(own["cluster"], {}).setdefault(
                options["name"],
                {
                    "name": options["name"],
                    "addresses": tuple(_addresses(options)),
                    "advert_int": float(options["advert_int"]),
                    "group": groups.get(options["name"], ""),
                    "priorities": {},
                },
            )
            same["priorities"][host] = int(options["priority"])
    return {cluster: [Instance(**one) for one in instances.values()] for cluster, instances in found.items()}


def _addresses(options: Mapping[str, t.Any]) -> t.Iterator[str]:
    for option in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for written in options.get(option) or ():
            address = written["address"] if isinstance(written, Mapping) else written
            yield str(ipaddress.ip_interface(address.split()[0]).ip)


def _members(found: Iterable[str], plan: Mapping[str, t.Any]) -> list[str]:
    """Return the nodes of these clusters; raises HoldfastError where the play leaves one of them out."""
    members = [host for host, own in plan.items() if own.get("cluster") in found and "cluster" in own]
    for host in list(members):
        for other in plan[host]["members"]:
            if other not in plan:
                raise HoldfastError(
                    f"{other} belongs to the cluster of {host} and is left out of this play: a move needs all of them, "
                    "so run it without --limit"
                )
    return members


def _seen(report: Mapping[str, t.Any]) -> Seen:
    """Return a node as the play found it: results of ``vrrp_info``, of a test of its files, and of its nginx."""
    info = report.get("info") or {}
    return Seen(
        reachable=bool(report.get("reachable")),
        running=bool(info.get("running")),
        states={one["name"]: one["state"] for one in info.get("instances") or ()},
        held=frozenset(info.get("held") or ()),
        trackers=info.get("trackers") or {},
        drift=str(report.get("drift") or ""),
        mute=str(report.get("mute") or ""),
        marks={name: int(mark) for name, mark in (report.get("marks") or {}).items()},
    )
