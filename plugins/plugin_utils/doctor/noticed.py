# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detectors have raised and what was seen on the network, as findings. Private to this collection.

Doctor and proof say the same of it, and nothing that is raised is left out: what is not explained by a foreign router,
by two members that hold an address, or by a node that gave way, is told in the detector's own words.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.case import FOREIGN, TWICE, Case, Finding

__all__ = ("Outsider", "noticed", "of_members", "outsiders")

_VMAC = re.compile(r"00:00:5e:00:0[12]:[0-9a-f]{2}")  # RFC 5798, section 7.3

Record = t.Mapping[str, t.Any]


@dataclasses.dataclass
class Outsider:
    """A host that is no member, by all that was noticed of it; ``since`` is in seconds since the epoch, 0 for now.

    ``addresses`` are those of the cluster that it has, ``twin`` those of members; ``others`` it announces beside.
    """

    mac: str = ""
    source: str = ""
    since: float = 0.0
    router_id: int | None = None
    priority: int | None = None
    addresses: dict[str, None] = dataclasses.field(default_factory=dict)
    twin: dict[str, None] = dataclasses.field(default_factory=dict)
    others: dict[str, None] = dataclasses.field(default_factory=dict)
    seen_by: dict[str, None] = dataclasses.field(default_factory=dict)
    instances: dict[str, None] = dataclasses.field(default_factory=dict)

    def is_also(self, mac: str, source: str) -> bool:
        return bool(mac and mac == self.mac) or bool(source and source == self.source)


def noticed(case: Case, strange: t.Sequence[Outsider]) -> list[Finding]:
    """Return a finding for every outsider, and for all else that a detector has raised and nothing else explains."""
    result = [Finding(TWICE if item.addresses else FOREIGN, "", _outsider(item)) for item in strange]
    for host, facts in case.facts.items():
        for record in of_members(case, host):
            if not any(explains(case, host, record) for explains in _EXPLAINED.get(record["event"], ())):
                when = _moment(record.get("since"))
                result.append(Finding(FOREIGN, host, f"The detector of {host} tells{when}: {record['message']}"))
        if facts["units"]["holdfast-detector"]["active"] and not facts.get("detector_tells", True):
            result.append(
                Finding(
                    FOREIGN,
                    host,
                    f"The detector of {host} runs and its state file cannot be read, so nobody knows what it has "
                    "noticed: systemctl restart holdfast-detector, and journalctl -u holdfast-detector.",
                )
            )
    return result


def of_members(case: Case, host: str) -> list[Record]:
    """Return what the detector of a host has raised that is not about an outsider."""
    return [item for item in case.facts[host]["split_brain"] if not _about_outsider(case, item)]


def outsiders(case: Case) -> list[Outsider]:
    """Return every host that is no member and has an address of the cluster, or speaks with its router id."""
    result: list[Outsider] = []
    for host, facts in case.facts.items():
        for router in facts.get("foreign_routers", ()):
            of = _of(result, router["mac"], router["source"])
            of.seen_by[host] = None
            of.instances.update(dict.fromkeys(filter(None, [router["instance"]])))
            kept = {"twin": of.twin, "router_id": of.others}.get(router["kind"], of.addresses)
            kept.update(dict.fromkeys(router["addresses"]))
            if router["router_id"] is not None:
                of.router_id, of.priority = router["router_id"], router["priority"]
        for record in facts["split_brain"]:
            if _about_outsider(case, record):
                of = _of(result, record.get("other_mac", ""), record.get("other_address", ""))
                of.seen_by[host] = None
                of.instances.update(dict.fromkeys(filter(None, [record.get("instance", "")])))
                of.addresses.update(dict.fromkeys(filter(None, [record.get("address", "")])))
                of.since = min(filter(None, (of.since, record.get("since", 0.0))), default=0.0)
                if of.router_id is None:
                    of.router_id, of.priority = record.get("router_id"), record.get("priority")
    return result


def _of(found: list[Outsider], mac: str, source: str) -> Outsider:
    """Return the one that has this MAC or this address, a new one where there is none."""
    item = next((item for item in found if item.is_also(mac, source)), None)
    if item is None:
        item = Outsider()
        found.append(item)
    item.mac, item.source = item.mac or mac, item.source or source
    return item


def _about_outsider(case: Case, record: Record) -> bool:
    """Whether the other one of a record is no member. Of one that is not known by MAC or address nobody can tell."""
    mac, source = record.get("other_mac", ""), record.get("other_address", "")
    if mac in _macs(case) or source in _own_addresses(case):
        return False
    if record["event"] == "foreign_adverts":
        return True
    # A member that was not seen has a MAC that is not known here.
    return bool(mac or source) and not _VMAC.fullmatch(mac) and not (case.unseen and not source)


def _macs(case: Case) -> set[str]:
    return {link["mac"] for facts in case.facts.values() for link in facts["interfaces"].values()} - {""}


def _own_addresses(case: Case) -> set[str]:
    """Return the addresses of all members, by the plan and as they were seen."""
    planned = (address for plan in case.plan.values() for item in plan["detected"] for address in _ends(item))
    shared = {vip for plan in case.plan.values() for vip in plan["vips"]}
    there = (a for facts in case.facts.values() for link in facts["interfaces"].values() for a in link["addresses"])
    return ({*planned, *there} - shared) - {""}


def _ends(instance: Record) -> tuple[str, ...]:
    return (instance["address"], *instance.get("peers", ()))


def _two_hold(case: Case, _host: str, record: Record) -> bool:
    """Whether two members have the address, which is told of the address itself."""
    shared = [address for address in (record.get("address"),) if address]
    return any(
        sum(any(vip in link["addresses"] for link in facts["interfaces"].values()) for facts in case.facts.values()) > 1
        for vip in shared
    )


def _gave_way(case: Case, host: str, record: Record) -> bool:
    """Whether the node is in FAULT because it is cut off, which is told of its instance."""
    if record.get("reason") != "cut_off":
        return False
    trackers = case.facts[host]["tracked"].get(record.get("instance"), ())
    return any(tracker["name"].startswith("cut_off_") and tracker["content"] == "1" for tracker in trackers)


# What is said of an event at another place. An event that is not listed is always told.
_EXPLAINED: dict[str, tuple[t.Callable[[Case, str, Record], bool], ...]] = {"split_brain": (_two_hold, _gave_way)}


def _outsider(outsider: Outsider) -> str:
    who = f"{outsider.source} ({outsider.mac})" if outsider.source and outsider.mac else outsider.source or outsider.mac
    noticed_by = f"noticed by {' and '.join(outsider.seen_by)}{_moment(outsider.since)}"
    of = f" of {', '.join(outsider.instances)}" if outsider.instances else ""
    heard = "" if outsider.router_id is None else f"sends adverts with router id {outsider.router_id}"
    if heard and outsider.priority is not None:
        heard += f" and priority {outsider.priority}"
    if outsider.twin:
        return (
            f"{', '.join(outsider.twin)} is the address of {' and '.join(outsider.seen_by)}, and {outsider.mac}, "
            "which is no member, answers for it as well: give one of the two hosts another address."
        )
    if outsider.addresses and heard:
        return (
            f"{who} is no balancer of this inventory and acts as a holder of {', '.join(outsider.addresses)}{of}: it "
            f"{heard}, {noticed_by}. Stop keepalived there for good (systemctl disable --now keepalived), or bring it "
            "back into the inventory and run the playbook holdfast.nginx_ha.site."
        )
    if outsider.addresses:
        return (
            f"{who} is no balancer of this inventory and answers for {', '.join(outsider.addresses)}{of} as well, "
            f"{noticed_by}: stop keepalived there if it was a balancer (systemctl disable --now keepalived), take the "
            "address off that host, or choose a free one (keepalived_vips)."
        )
    its = f" for {', '.join(outsider.others)}" if outsider.others else ""
    return (
        f"{who} is no balancer of this inventory and {heard}{its}, which is the router id{of} here too, {noticed_by}: "
        "give one of the two another id (keepalived_virtual_router_id), or take that host off this network."
    )


def _moment(since: float | None) -> str:
    return datetime.fromtimestamp(since, timezone.utc).strftime(" since %Y-%m-%d %H:%M:%S UTC") if since else ""
