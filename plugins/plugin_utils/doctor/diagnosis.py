# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was seen on all members to sentences: what is wrong, where, what to do. Private to this collection.

A finding that explains another comes first, and the other is then left out: an nginx that is dead is the reason of a
FAULT, and not a second ailment.
"""

from __future__ import annotations

import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.case import (
    BLIND,
    CLOCK,
    DOWN,
    DRIFT,
    FAULT,
    LATER,
    NOBODY,
    STALE,
    TWICE,
    UNREACHABLE,
    Case,
    Finding,
    Outside,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.certificates import (
    different_certificates,
    ending_certificates,
    unfetched_certificates,
)
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.doctor.noticed import (
    Outsider,
    noticed,
    of_members,
    outsiders,
)

__all__ = ("Case", "Finding", "Outside", "diagnose", "diagnose_noticed")

CLOCKS = 1.0
"""Seconds by which the clocks of two members may differ before logs cannot be compared and a common change is late."""

WATCHER, DETECTOR, RESTORE = "holdfast-watcher", "holdfast-detector", "holdfast-restore"


def diagnose(case: Case) -> list[Finding]:
    """Return what is wrong with a cluster, worst first; nothing where all is well."""
    result = [finding for host, facts in case.facts.items() for finding in _of_host(case, host, facts)]
    ill = {finding.where for finding in result if not finding.note and finding.rank < DRIFT}
    strange = outsiders(case)
    result += noticed(case, strange)
    result += _addresses(case, ill, strange)
    result += _clocks(case)
    result += different_certificates(case)
    result += ending_certificates(case)
    result += unfetched_certificates(case)
    return sorted(result, key=lambda finding: (finding.note, finding.rank))


def diagnose_noticed(case: Case) -> list[Finding]:
    """Return only what the detectors and the network tell, worst first, and certificates that are not the same.

    That nobody watches is told too.
    """
    result = noticed(case, outsiders(case))
    result += [finding for host, facts in case.facts.items() for finding in _units(host, facts) if not finding.note]
    result += different_certificates(case)
    return sorted(result, key=lambda finding: finding.rank)


def _of_host(case: Case, host: str, facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Yield what is wrong with one member, seen alone."""
    if not case.plan[host]["keepalived_instances"]:
        yield from _units(host, {**facts, "units": {"nginx": facts["units"].get("nginx")}})
        return
    if not facts["installed"]:
        yield Finding(
            DOWN, host, f"keepalived is not installed on {host}: run the playbook holdfast.nginx_ha.site for it."
        )
        return
    yield from _units(host, facts)
    yield from _trackers(case.plan[host], host, facts)
    yield from _instances(case.plan[host], host, facts)
    yield from _files(host, facts)


def _units(host: str, facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    units = facts["units"]
    for name, what in (
        ("keepalived", "this node takes no part in the election"),
        (str(facts.get("guarded", "nginx")), "this node serves nobody"),
        (WATCHER, "nobody sees a crash or a freeze of nginx here"),
        (DETECTOR, "nobody tells of a second holder here"),
    ):
        unit = units.get(name)
        if unit is None:
            continue
        if not unit["present"]:
            yield Finding(
                DOWN,
                host,
                f"{name} is not installed on {host}, so {what}: run the playbook holdfast.nginx_ha.site for it.",
            )
        elif unit["looping"]:
            yield Finding(
                DOWN,
                host,
                f"{name} on {host} was restarted {unit['restarts']} times and does not stay up, so {what}: "
                f"journalctl -u {name} says why it ends.",
            )
        elif not unit["active"]:
            yield Finding(
                DOWN,
                host,
                f"{name} does not run on {host}, so {what}: systemctl start {name}, and journalctl -u {name}.",
            )
        elif not unit["enabled"]:
            yield Finding(
                LATER,
                host,
                f"{name} is not enabled on {host} and will be missing after a boot: systemctl enable {name}.",
            )


def _trackers(plan: t.Mapping[str, t.Any], host: str, facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Yield what keeps the death of nginx from reaching keepalived."""
    blind = set()
    if not facts["units"]["keepalived"]["active"]:
        return
    for instance in plan["keepalived_instances"]:
        tracked = {item["name"]: item for item in facts["tracked"].get(instance["name"], ())}
        missing = [name for name in instance.get("track_file", ()) if name not in tracked]
        if missing and instance["name"] in facts["tracked"]:
            yield Finding(
                BLIND,
                host,
                f"{instance['name']} on {host} does not track {', '.join(missing)}, so it holds its address whatever "
                "happens to nginx: run the playbook holdfast.nginx_ha.site for it.",
            )
        for item in tracked.values():
            if item["path"] in blind:
                continue
            blind.add(item["path"])
            if not item["present"]:
                yield Finding(
                    BLIND,
                    host,
                    f"The track file {item['path']} is missing on {host}, and keepalived takes that for well: "
                    f"systemctl restart {WATCHER}, or systemd-tmpfiles --create.",
                )
            elif not item["watched"]:
                folder = item["path"].rpartition("/")[0]
                blind.update(other["path"] for other in tracked.values() if other["path"].startswith(f"{folder}/"))
                yield Finding(
                    BLIND,
                    host,
                    f"The folder {folder} was made anew on {host} while keepalived ran, and it sees no change in it "
                    f"any more: systemctl start {RESTORE} there, and journalctl -u {RESTORE}.",
                )
            elif item["name"] == "nginx_crash" and item["content"] == "0" and not facts["nginx_runs"]:
                yield Finding(
                    BLIND,
                    host,
                    f"{item['path']} on {host} says that nginx is well, and it does not run: "
                    f"systemctl restart {WATCHER}, and journalctl -u {WATCHER}.",
                )


def _instances(plan: t.Mapping[str, t.Any], host: str, facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Yield the state of each instance against its plan."""
    running = {instance["name"]: instance for instance in facts["instances"]}
    for wanted in plan["detected"] if facts["running"] else ():
        item = running.get(wanted["name"])
        if item is None:
            yield Finding(
                DRIFT,
                host,
                f"keepalived on {host} does not run {wanted['name']}: run the playbook holdfast.nginx_ha.site for it.",
            )
            continue
        if item["state"] == "FAULT":
            yield from _fault(host, item, facts)
        own = next((name for name, link in facts["interfaces"].items() if wanted["address"] in link["addresses"]), "")
        interface = wanted["interface"] or own
        # With use_vmac it speaks on an interface that keepalived has made on top of it.
        speaks_on = facts["interfaces"].get(item["interface"], {}).get("below") or item["interface"]
        if interface and speaks_on and interface not in (speaks_on, item["interface"]):
            yield Finding(
                DRIFT,
                host,
                f"{wanted['name']} on {host} speaks on interface {speaks_on}, and {wanted['address']} is on "
                f"{interface}: set keepalived_interface, or run the playbook holdfast.nginx_ha.site for it.",
            )
        if item["virtual_router_id"] != wanted["router_id"]:
            yield Finding(
                DRIFT,
                host,
                f"{wanted['name']} on {host} runs with router id {item['virtual_router_id']}, and the inventory says "
                f"{wanted['router_id']}: run the playbook holdfast.nginx_ha.together, which "
                "changes all nodes at once.",
            )
        addresses = {*item["addresses"], *item["excluded_addresses"]}
        if addresses != set(wanted["vips"]):
            yield Finding(
                DRIFT,
                host,
                f"{wanted['name']} on {host} runs with {_listed(addresses)}, and the inventory says "
                f"{_listed(wanted['vips'])}: run the playbook holdfast.nginx_ha.together, which "
                "changes all nodes at once.",
            )


def _fault(host: str, item: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Say why an instance is in FAULT; nothing where a unit that is down has been named as the reason."""
    unfit = [tracker for tracker in facts["tracked"].get(item["name"], ()) if tracker["content"] not in ("0", "")]
    served = facts["units"][facts.get("guarded", "nginx")]
    interface = facts["interfaces"].get(item["interface"], {"up": True})
    what = f"{item['name']} on {host} is in FAULT and takes no address"
    if not interface["up"]:
        yield Finding(FAULT, host, f"{what}, because interface {item['interface']} is down: bring it up.")
    elif any(tracker["name"].startswith("cut_off_") for tracker in unfit):
        yield Finding(
            FAULT,
            host,
            f"{what}, because it is cut off: another node has the address, and no host that answered {host} before "
            f"still does. Look at the firewall of {host} and at its network; journalctl -u {DETECTOR} says since when.",
        )
    elif unfit and not (served["active"] and not served["looping"]):
        return
    elif any(tracker["name"] == "nginx_probe" for tracker in unfit):
        yield Finding(
            FAULT,
            host,
            f"{what}, because nginx is there and does not answer (nginx_probe), or nobody listens on a port of the "
            f"service: journalctl -u {WATCHER} says which; systemctl restart nginx.",
        )
    elif unfit:
        names = ", ".join(f"{tracker['name']} ({tracker['path']} says {tracker['content']})" for tracker in unfit)
        yield Finding(FAULT, host, f"{what}, because of its tracker {names}: journalctl -u {WATCHER} says why.")
    else:
        yield Finding(
            FAULT, host, f"{what}, and none of its track files says so: journalctl -u keepalived names the tracker."
        )


def _files(host: str, facts: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    if facts["drifted"]:
        yield Finding(
            DRIFT,
            host,
            f"{_listed(facts['drifted'])} on {host} is not what this collection wrote: run the playbook "
            "holdfast.nginx_ha.site with --check --diff to see what was changed by hand, and without to bring it back.",
        )
    for sentence in facts["amiss"]:
        yield Finding(
            DRIFT, host, f"On {host} {sentence}: run the playbook holdfast.nginx_ha.site for it, which mends that."
        )
    for complaint in facts["complaints"]:
        yield Finding(DRIFT, host, f"The configuration of keepalived on {host} is wrong: {complaint}.")
    if facts["refused"]:
        yield Finding(LATER, host, f"{host}: {facts['refused']}.", note=True)
    if facts["blocking_rules"] and not any(item["event"] == "split_brain" for item in facts["split_brain"]):
        yield Finding(
            BLIND,
            host,
            f"The firewall of {host} drops IP protocol 112, so it does not hear the other nodes: let it in from them. "
            f"The rule is: {'; '.join(facts['blocking_rules'])}.",
        )


def _addresses(case: Case, ill: t.Collection[str], strange: t.Sequence[Outsider]) -> t.Iterator[Finding]:
    """Yield what is wrong with each shared address, seen from all sides.

    ``ill`` members have said why already, and what ``strange`` hosts hold is explained by them.
    """
    elsewhere = {address for item in strange for address in item.addresses}
    reported: set[str] = set()
    for vip in _unique(vip for plan in case.plan.values() for vip in plan["vips"]):
        holders = {host: mac for host, facts in case.facts.items() for mac in _macs(facts, vip)[:1]}
        if len(holders) > 1:
            message = _twice(case, vip, list(holders))
            if message not in reported:
                reported.add(message)
                yield Finding(TWICE, "", f"{vip} is held by {' and '.join(holders)} at once. {message}")
        elif holders and vip not in elsewhere:
            [(holder, mac)] = holders.items()
            yield from _from_outside(case, vip, holder, mac)
            yield from _mute_sites(case, vip, holder)
        elif not holders and not case.unseen:
            reason = (
                "the reasons are named below"
                if ill
                else "journalctl -u keepalived on each of them says what it waits for"
            )
            yield Finding(NOBODY, "", f"{vip} is held by none of {', '.join(case.facts)}: {reason}.")


def _macs(facts: t.Mapping[str, t.Any], vip: str) -> list[str]:
    """Return the MACs of the interfaces that have an address."""
    return [link["mac"] for link in facts["interfaces"].values() if vip in link["addresses"]]


def _twice(case: Case, vip: str, holders: t.Sequence[str]) -> str:
    """Say why two nodes hold an address, from what their detectors have found out."""
    reasons, rules = [], []
    for host in holders:
        facts = case.facts[host]
        reasons += [
            f"{host}: {member['message'].partition('. ')[2]}"
            for member in of_members(case, host)
            if member["event"] == "split_brain" and vip in (member["address"], *case.plan[host]["vips"])
        ]
        rules += [f"{host}: {rule}" for rule in facts["blocking_rules"]]
    if rules:
        reasons.append(f"The rules are: {'; '.join(rules)}.")
    elif any(member.get("reason") == "no_adverts" for host in holders for member in of_members(case, host)):
        reasons += [f"{host}: {case.facts[host]['platform']}" for host in holders if case.facts[host]["platform"]]
    return " ".join(reasons) or (
        "They do not hear each other: let IP protocol 112 through between them, and compare their configurations."
    )


def _from_outside(case: Case, vip: str, holder: str, mac: str) -> t.Iterator[Finding]:
    """Yield what other hosts see of an address that has one holder."""
    wrong = [item for item in case.outside if item.neighbours.get(vip, mac) != mac]
    for item in wrong:
        yield Finding(
            STALE,
            holder,
            f"{item.host} believes {vip} at {item.neighbours[vip]}, and {holder} holds it at {mac}: its neighbour "
            f"entry was not refreshed. Run arping -U -I INTERFACE {vip} on {holder}, keep "
            "keepalived_garp_master_refresh above 0, and see that nothing on the way drops gratuitous ARP."
            f"{_switch(case, holder)}",
        )
    silent = [item.host for item in case.outside if item.answered.get(vip) is False and item not in wrong]
    if silent and case.facts[holder]["nginx_runs"]:
        asked = [item for item in case.outside if item not in wrong]
        only = "" if len(silent) == len(asked) else " Others reach it, so look at the way from there."
        yield Finding(
            UNREACHABLE,
            holder,
            f"{vip} is bound on {holder} and gives no answer to {' and '.join(silent)}: look at the firewall of "
            f"{holder} for the service's port, and at the ports on which nginx listens (ss -tln).{only}"
            f"{_switch(case, holder)}",
            note=bool(only),
        )


def _switch(case: Case, holder: str) -> str:
    """Return what the cloud or hypervisor of a host asks for, to stand behind a sentence; empty where none is known."""
    advice = case.facts[holder].get("platform")
    return f" {advice}" if advice else ""


def _mute_sites(case: Case, vip: str, holder: str) -> t.Iterator[Finding]:
    """Yield the sites that do not answer at an address where others do, by the words of who was first to ask."""
    asked = [item for item in case.outside if item.answered.get(vip)]
    by_server: dict[str, list[str]] = {}
    for item in asked:
        for sentence in item.mute.get(vip, ()):
            by_server.setdefault(sentence.partition(" gave ")[0], []).append(f"{sentence}, asked from {item.host}")
    for sentences in by_server.values():
        yield Finding(
            UNREACHABLE,
            holder,
            f"{sentences[0]}, and others at {vip} answer: look at that site in the log of nginx on {holder}, and at "
            "the firewall there for its port.",
            note=len(sentences) < len(asked),
        )


def _clocks(case: Case) -> t.Iterator[Finding]:
    clocks = dict(case.clocks or {})
    for host, (offset, unsure) in sorted(clocks.items()):
        others = [other for name, other in clocks.items() if name != host]
        if others and all(abs(offset - other[0]) - unsure - other[1] > CLOCKS for other in others):
            apart = max(abs(offset - other[0]) for other in others)
            yield Finding(
                CLOCK,
                host,
                f"The clock of {host} is {apart:.1f} s off from the others: let chrony or systemd-timesyncd run on "
                "all, or their logs cannot be compared.",
            )
            return


def _unique(items: t.Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _listed(items: t.Iterable[str]) -> str:
    return ", ".join(sorted(items)) or "none"
