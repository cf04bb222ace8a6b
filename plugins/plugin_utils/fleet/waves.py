# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters a rollout changes together, and after which others. Private to this collection.

A wave is whole clusters, since a play that slices hosts would part a pair. Each backend goes with the first cluster
that draws on it.
"""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError, InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("DEFAULT_SIZES", "MOST", "Wave", "sizes", "waves")

VARIABLE = "holdfast_waves"
DEFAULT_SIZES: tuple[str, ...] = ("1", "10%")
MOST = 5
"""Waves at most, which is how often the playbook has what a wave does."""

_SIZE = re.compile(r"([1-9][0-9]*)(%?)")


class Wave(t.NamedTuple):
    """The clusters of a wave in the order of the inventory, and all their hosts with the backends that go along."""

    clusters: tuple[str, ...]
    hosts: tuple[str, ...]


def sizes(value: t.Any) -> list[str]:
    """Return the sizes of the waves but for the last, which is what is left; raises InputError.

    Each is a number of clusters, or a part of all of them in percent.
    """
    found = [str(one) for one in values.items(values.plain(value), VARIABLE)]
    for index, one in enumerate(found):
        match = _SIZE.fullmatch(one)
        if not match or (match[2] and int(match[1]) > 100):
            raise InputError(f"{VARIABLE}[{index}]", f"`{one}` is no size: write a number of clusters, or 10% of them")
    if len(found) >= MOST:
        raise InputError(
            VARIABLE,
            f"has {len(found)} sizes, and what is left is a wave more: {MOST} waves are the most, so make them larger",
        )
    return found


def waves(plan: Plan, hosts: Collection[str], value: Sequence[str] = DEFAULT_SIZES) -> list[Wave]:
    """Return the waves of a run for these hosts, none of them empty; ``said`` is what ``sizes`` returns.

    HoldfastError where a member of a cluster is left out: the two would not understand each other.
    """
    clusters = [cluster for cluster in plan.fleet.clusters if any(one.name in hosts for one in cluster.members)]
    for cluster in clusters:
        missing = [one.name for one in cluster.members if one.name not in hosts]
        if missing:
            raise HoldfastError(
                f"{' and '.join(missing)} of cluster `{cluster.name}` is left out of this run, and a rollout changes "
                "whole clusters: name all of its balancers in --limit. Nothing was changed."
            )
    names = [cluster.name for cluster in clusters]
    place = _places(names, value)
    last = max(place.values(), default=0)
    of_host = {one.name: place[cluster.name] for cluster in clusters for one in cluster.members}
    for host in plan.fleet.backends:
        if host in hosts and host not in of_host:
            drawing = [place[plan.cluster_of[one].name] for one in plan.demands[host].balancers if one in of_host]
            of_host[host] = min(drawing, default=last)
    return [
        Wave(
            tuple(name for name in names if place[name] == number),
            tuple(host for host in of_host if of_host[host] == number),
        )
        for number in range(last + 1)
        if any(number == one for one in of_host.values())
    ]


def _places(names: Sequence[str], value: Sequence[str]) -> Mapping[str, int]:
    """Return the number of the wave, from 0, of each cluster."""
    found: dict[str, int] = {}
    left = list(names)
    for number, one in enumerate([*value, "100%"]):
        count, percent = t.cast("re.Match[str]", _SIZE.fullmatch(one)).groups()
        size = math.ceil(len(names) * int(count) / 100) if percent else int(count)
        found.update(dict.fromkeys(left[:size], number))
        left = left[size:]
    return found
