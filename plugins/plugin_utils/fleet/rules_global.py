# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of keepalived that do harm here, through whatever door they come. Private to this collection."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.faults import Fault
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet.plan import Plan

__all__ = ("harmless_options", "same_checksums")

GLOBAL = "keepalived_global_options"

STRICT = (
    "keepalived then drops what clients send to the shared address, and takes neither unicast peers nor a password: "
    "remove it"
)
CHAIN = (
    "keepalived then writes its rules into a chain of iptables that the host must have, beside the firewall that is "
    "kept here, and loses them when that is loaded again: remove it"
)
OWN_NAME = "keepalived is found by the name of its processes, to reload it and to see what it does: remove it"
DUMP = "the state of keepalived is read from where it writes it by default: remove it"
FIFO = "every event comes from the FIFO that this role sets: remove it, and use keepalived_notify_commands"
GROUP = "say keepalived_multicast_group or keepalived_multicast_group6, which are compared on all nodes"

ON: dict[str, str] = {
    "vrrp_strict": STRICT,
    "vrrp_iptables": CHAIN,
    "vrrp_ipsets": CHAIN,
    "vrrp_version": "say the version in keepalived_timing, for which the password and the interval are checked",
    "vrrp_mcast_group4": GROUP,
    "vrrp_mcast_group6": GROUP,
    "vrrp_notify_fifo": FIFO,
    "vrrp_notify_fifo_script": FIFO,
    "process_name": OWN_NAME,
    "process_names": OWN_NAME,
    "vrrp_process_name": OWN_NAME,
    "json_dump_file": DUMP,
    "json_version": DUMP,
    "data_use_instance": DUMP,
    "reload_time_file": "a change comes into force when it is tested and confirmed, and not at a time of its own: "
    "remove it",
    "vrrp_min_garp": "keepalived then tells the neighbours once who has the address; one that misses it sends to the "
    "old holder for minutes: remove it",
}
"""Global options that do harm where they are said, unless they are said to be off."""

OFF: dict[str, str] = {
    "enable_script_security": "keepalived then runs programs as root that others can change: remove it",
    "vrrp_check_unicast_src": "keepalived then hears adverts of any host: remove it",
}
"""Global options that do harm where they are taken away."""

INSTANCE: dict[str, str] = {
    "strict_mode": STRICT,
    "no_accept": "keepalived then drops what clients send to the shared address, which nginx is to answer: remove it",
}
"""Options of an instance that do harm where they are said, unless they are said to be off."""


def harmless_options(plan: Plan) -> t.Iterator[Fault]:
    """Yield every option that would take the service away, and every half of a mail."""
    for member in plan.fleet.balancers:
        options = member.variables[GLOBAL]
        if isinstance(options, Mapping):
            for name, value in options.items():
                reason = ON.get(name, "") if not _off(value) else OFF.get(name, "")
                if reason:
                    yield Fault("harmful-option", member.name, f"{GLOBAL}.{name}", f"does harm: {reason}")
            yield from _mail(options, member.name)
        for instance in plan.instances[member.name]:
            for name, reason in INSTANCE.items():
                if not _off(instance.options.get(name)):
                    yield Fault("harmful-option", member.name, instance.place(name), f"does harm: {reason}")


def _off(value: t.Any) -> bool:
    if value is None:
        return True
    try:
        return not values.boolean(value, "")
    except InputError:
        return False


def _mail(options: Mapping[str, t.Any], host: str) -> t.Iterator[Fault]:
    """Yield a fault where keepalived would have mails to send, and knows not to whom."""
    alerts = [name for name in ("smtp_alert", "smtp_alert_vrrp", "smtp_alert_checker") if not _off(options.get(name))]
    if alerts and not options.get("notification_email"):
        message = "is missing, and keepalived would send its mails to nobody: list who gets them"
        yield Fault("mail-to-nobody", host, f"{GLOBAL}.notification_email", f"{message} ({alerts[0]} is set)")


def same_checksums(plan: Plan) -> t.Iterator[Fault]:
    """A checksum that differs is an advert that is not heard."""
    name = "v3_checksum_as_v2"
    for cluster in plan.fleet.clusters:
        kinds = {
            member.name: not _off(member.variables[GLOBAL].get(name))
            for member in cluster.members
            if isinstance(member.variables[GLOBAL], Mapping)
        }
        first = next(iter(kinds), "")
        for host, kind in kinds.items():
            if kind != kinds[first]:
                message = (
                    f"differs from that of {first}: each would drop the other's adverts, and both would hold the "
                    "address; make them the same"
                )
                yield Fault("two-holders", host, f"{GLOBAL}.{name}", message)
