# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VRRP instances the inventory asks for on a member. Private to this collection."""

from __future__ import annotations

import itertools
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.address import Vip
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.checks import checks
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.defaults import SECOND_FAMILY
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.inventory import Balancer
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.passwords import spoken_name
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.trackers import DEFINITIONS, POLICIES, check_file

__all__ = ("Spec", "specs")

OWN_KEYS = ("name", "vips", "preferred", "timing", "policy", "virtual_ipaddress", "virtual_ipaddress_excluded")
"""Keys of an explicit instance that are the planner's; all others are options of the instance."""


@dataclass(frozen=True)
class Spec:
    """One instance as wanted. The first ``advertised`` of its addresses go into its adverts, the others ride along.

    ``turn`` is its number when instances are spread over the members. ``group`` names the sync group of two instances
    that were derived from the addresses of two families.
    ``options`` are laid over everything that is derived; ``router_id`` is the one that the inventory pins.
    """

    name: str
    path: str
    vips: tuple[Vip, ...]
    timing: t.Any
    timing_path: str
    advertised: int = 1
    interface: str = ""
    preferred: str = ""
    turn: int | None = None
    group: str = ""
    router_id: int | None = None
    policy: str = "failover"
    trackers: Mapping[str, t.Any] = field(default_factory=dict)
    options: Mapping[str, t.Any] = field(default_factory=dict)


def specs(member: Balancer) -> tuple[Spec, ...]:
    """Return the instances of a member: the explicit ones, else one for all addresses, or one each when spread."""
    found = tuple(_explicit(member) if "keepalived_instances" in member.variables else _derived(member))
    pinned = _pinned(member.variables, "keepalived_virtual_router_id")
    # The ids of IPv4 and of IPv6 are different spaces, so a pair of instances may share one.
    if pinned is not None and len({spec.vips[0].family for spec in found}) < len(found):
        raise InputError(
            "keepalived_virtual_router_id",
            f"is one id for {len(found)} instances: remove it, or list the instances in keepalived_instances, "
            "each with its own virtual_router_id",
        )
    return found


def _derived(member: Balancer) -> t.Iterator[Spec]:
    """Yield the instances that follow from ``keepalived_vips``."""
    path, vips = "keepalived_vips", member.vips
    spread = values.boolean(member.variables["keepalived_spread"], "keepalived_spread")
    second = values.choice(member.variables["keepalived_second_family"], "keepalived_second_family", SECOND_FAMILY)
    families = [tuple(same) for same in _families(vips)]
    apart = second == "sync_group" and len(families) > 1
    shares: list[list[tuple[Vip, ...]]] = [families] if apart else [[vips]] if vips else []
    if spread:
        each = [[(vip,) for vip in same] for same in (families if apart else [vips])]
        # The first address of the one family moves together with the first of the other, and so on.
        shares = [[one for one in together if one] for together in itertools.zip_longest(*each)]
    for number, share in enumerate(shares):
        for place, own in enumerate(share):
            yield _one(
                member,
                own,
                name=f"VI_{number + 1}" + (f"_v{own[0].family}" if place else ""),
                path=own[0].path if spread else path,
                turn=number if spread else None,
                group=f"VG_{number + 1}" if len(share) > 1 else "",
            )


def _families(vips: tuple[Vip, ...]) -> t.Iterator[list[Vip]]:
    """Yield the addresses of each family, that of the first address first."""
    for family in dict.fromkeys(vip.family for vip in vips):
        yield [vip for vip in vips if vip.family == family]


def _one(member: Balancer, vips: tuple[Vip, ...], *, name: str, path: str, turn: int | None, group: str) -> Spec:
    return Spec(
        name=name,
        path=path,
        vips=vips,
        timing=member.variables["keepalived_timing"],
        timing_path="keepalived_timing",
        interface=_interface(vips[0]),
        turn=turn,
        group=group,
        router_id=_pinned(member.variables, "keepalived_virtual_router_id"),
        policy=_policy(member.variables["keepalived_policy"], "keepalived_policy"),
        trackers=_trackers(member),
    )


def _explicit(member: Balancer) -> t.Iterator[Spec]:
    names: set[str] = set()
    for number, options in enumerate(member.variables["keepalived_instances"]):
        path = f"keepalived_instances[{number}]"
        instance = {key: value for key, value in options.items() if value is not None}
        name = values.text(spoken_name(instance, number), f"{path}.name")
        if name in names:
            raise InputError(f"{path}.name", f"`{name}` is the name of two instances: give each its own")
        names.add(name)
        if "vips" in instance and "virtual_ipaddress" in instance:
            raise InputError(path, "has vips and virtual_ipaddress, which mean the same: keep one of them")
        vips = tuple(vip for vip in member.vips if vip.path.startswith(f"{path}."))
        if not vips:
            raise InputError(f"{path}.vips", "is missing: list the addresses that this instance holds")
        own_timing = "timing" in instance
        options = {key: value for key, value in instance.items() if key not in OWN_KEYS}
        yield Spec(
            name=name,
            path=path,
            vips=vips,
            timing=instance["timing"] if own_timing else member.variables["keepalived_timing"],
            timing_path=f"{path}.timing" if own_timing else "keepalived_timing",
            advertised=len(instance.get("virtual_ipaddress", [])) or 1,
            interface=_interface(vips[0]),
            preferred=str(instance.get("preferred") or ""),
            router_id=_pinned(instance, "virtual_router_id", f"{path}."),
            policy=_policy(instance["policy"], f"{path}.policy")
            if "policy" in instance
            else _policy(member.variables["keepalived_policy"], "keepalived_policy"),
            trackers=_trackers(member),
            options=options,
        )


def _interface(anchor: Vip) -> str:
    """Return the interface where the inventory says it; otherwise the host derives it from the anchor's subnet."""
    return anchor.interface or ("" if anchor.network else anchor.device)


def _pinned(value: Mapping[str, t.Any], key: str, path: str = "") -> int | None:
    if value.get(key) is None:
        return None
    return values.integer(value[key], f"{path}{key}", 1, 255)


def _policy(value: t.Any, path: str) -> str:
    return values.choice(value, path, tuple(POLICIES))


def _trackers(member: Balancer) -> dict[str, list[t.Any]]:
    """Return the options that track all that is defined, which holds for every instance that lists none of its own."""
    found = {}
    for option, variable in DEFINITIONS.items():
        defined = values.items(member.variables[variable], variable)
        names = []
        for index, tracker in enumerate(defined):
            name = tracker.get("name") if isinstance(tracker, dict) else tracker
            names.append(values.text(name, f"{variable}[{index}].name"))
        if option == "track_file":
            names += [check_file(one.name) for one in checks(member.variables)]
        if names:
            # An interface is defined nowhere else, so its weight goes along.
            found[option] = defined if option == "track_interface" else names
    return found
