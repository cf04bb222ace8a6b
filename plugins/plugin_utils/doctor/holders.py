# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every address has exactly one holder, in sentences. Private to this collection."""

from __future__ import annotations

import typing as t

__all__ = ("wrong_holders",)

Plans = t.Mapping[str, t.Mapping[str, t.Any]]
Seen = t.Mapping[str, t.Mapping[str, t.Any]]


def wrong_holders(plans: Plans, seen: Seen) -> list[str]:
    """Return what is wrong with who holds what, in sentences; none where all is well.

    ``plans`` and ``seen`` are by host. An address is judged where all members of its cluster were seen.
    """
    hosts = [host for host in plans if host in seen and "cluster" in plans[host]]
    unsettled = [f"On {host} {seen[host]['unsettled']}." for host in hosts if seen[host].get("unsettled")]
    amiss = [
        f"On {host} {'; '.join(seen[host]['amiss'])}: the playbook holdfast.nginx_ha.site, run again, mends that."
        for host in hosts
        if seen[host].get("amiss")
    ]
    if unsettled or amiss:
        return [*unsettled, *amiss]
    return [
        sentence
        for vip, members in _addresses(plans, hosts).items()
        if set(members) <= set(hosts)
        for sentence in _of_address(vip, members, [host for host in members if vip in seen[host].get("held", ())])
    ]


def _addresses(plans: Plans, hosts: t.Sequence[str]) -> dict[str, t.Sequence[str]]:
    """Return the members of the cluster of each address."""
    return {vip: plans[host]["members"] for host in hosts for vip in plans[host]["vips"]}


def _of_address(vip: str, members: t.Sequence[str], holders: t.Sequence[str]) -> t.Iterator[str]:
    if len(holders) > 1:
        yield (
            f"{vip} is held by {' and '.join(holders)}: they do not hear each other. Let IP protocol 112 through "
            "between them, and see that both have the same configuration; the playbook holdfast.nginx_ha.doctor says "
            "what is in the way."
        )
    elif not holders:
        yield (
            f"{vip} is held by nobody, neither by {' nor by '.join(members)}: none of them is fit, or keepalived did "
            "not take the address. systemctl status holdfast-watcher on each says whether it is fit, and journalctl -u "
            "keepalived why not."
        )
