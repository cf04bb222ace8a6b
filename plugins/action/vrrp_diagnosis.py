# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what was seen on the hosts of a play: the documentation is in modules/vrrp_diagnosis.py."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.case import DOWN
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.diagnosis import (
    Case,
    Finding,
    Outside,
    diagnose,
    diagnose_noticed,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.holders import wrong_holders
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.failure import failure
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.read_only import ReadOnlyAction


class ActionModule(ReadOnlyAction):
    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "plan": {"type": "dict", "required": True},
        "facts": {"type": "dict", "required": True},
        "clocks": {"type": "dict", "default": {}},
        "outside": {"type": "dict", "default": {}},
        "part": {"type": "str", "choices": ["all", "noticed", "proof"], "default": "all"},
    }

    def gather(self, given: Mapping[str, t.Any], variables: Mapping[str, t.Any]) -> dict[str, t.Any]:
        hosts = given["plan"]["hosts"]
        healthy, report = True, []
        if given["part"] == "proof":
            unsettled = wrong_holders(hosts, given["facts"])
            if unsettled:
                return {"healthy": False, "settled": False, "report": unsettled}
        for cluster in dict.fromkeys(hosts[host]["cluster"] for host in hosts if "cluster" in hosts[host]):
            case = _case(cluster, hosts, given)
            findings = diagnose(case) if given["part"] == "all" else diagnose_noticed(case)
            findings = [*_unreachable(case, given["facts"]), *findings]
            healthy = healthy and all(finding.note for finding in findings)
            report += _report(cluster, case, findings)
        return {"healthy": healthy, "report": report, **({"settled": True} if given["part"] == "proof" else {})}


def _case(cluster: str, hosts: t.Mapping[str, t.Any], args: t.Mapping[str, t.Any]) -> Case:
    plan = {host: one for host, one in hosts.items() if one.get("cluster") == cluster}
    members = next(iter(plan.values()))["members"]
    facts = {host: args["facts"][host]["facts"] for host in members if "facts" in args["facts"].get(host, ())}
    clocks = {
        host: (float(one["offset"]), float(one["uncertainty"]))
        for host, one in args["clocks"].items()
        if host in facts and "offset" in one
    }
    outside = [
        Outside(
            str(host),
            _by_address(one.get("asked") or {}, "answered"),
            _neighbours(one.get("seen") or {}),
            _by_address(one.get("asked") or {}, "mute"),
        )
        for host, one in args["outside"].items()
        if host
    ]
    return Case(plan, facts, [host for host in members if host not in facts], clocks, outside)


def _unreachable(case: Case, facts: t.Mapping[str, t.Any]) -> list[Finding]:
    """Return a finding for every member that was to be looked at and could not be reached."""
    return [
        Finding(
            DOWN,
            host,
            f"{host} cannot be reached ({failure(facts[host])}), so nothing is known of it: see that it runs, and that "
            "ansible_host is its address.",
        )
        for host in case.unseen
        if facts.get(host, {}).get("unreachable")
    ]


def _by_address(asked: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    """Return what ``site_probe`` returns by address, of all clusters; one that could not be asked is left out."""
    found: dict[str, t.Any] = {}
    for one in asked.get("results") or ():
        found.update(one.get(name) or {})
    return found


def _neighbours(seen: t.Mapping[str, t.Any]) -> t.Mapping[str, str]:
    neighbours: t.Mapping[str, str] = seen.get("facts", {}).get("neighbours", {})
    return neighbours


def _report(cluster: str, case: Case, findings: t.Sequence[Finding]) -> list[str]:
    """Return the lines that a person reads about one cluster."""
    part = f" Only a part was seen: nothing is known of {', '.join(case.unseen)}." if case.unseen else ""
    ills = [finding for finding in findings if not finding.note]
    notes = [f"  Note: {finding.message}" for finding in findings if finding.note]
    if not ills:
        return [f"Cluster {cluster} is healthy: {_holders(case)}.{part}", *notes]
    count = "1 finding" if len(ills) == 1 else f"{len(ills)} findings"
    numbered = [f"  {number}. {finding.message}" for number, finding in enumerate(ills, 1)]
    return [f"Cluster {cluster} has {count}.{part}", *numbered, *notes]


def _holders(case: Case) -> str:
    """Return who holds what, in words."""
    holdings = []
    for host, facts in case.facts.items():
        here = {address for link in facts["interfaces"].values() for address in link["addresses"]}
        held = [vip for vip in case.plan[host]["vips"] if vip in here]
        holdings.append(f"{host} holds {', '.join(held)}" if held else f"{host} stands by")
    return ", ".join(holdings)
