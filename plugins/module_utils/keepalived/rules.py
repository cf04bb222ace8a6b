# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``keepalived --config-test`` lets pass although it does not work. Private to this collection.

``check(config, ...)`` for what the collection is told to write, before it is written; lint.py asks the same rules of
a configuration that somebody else wrote. Each rule is a function in RULES; it yields the option and the sentence.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import Finding
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.addresses import HostAddress, VirtualAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.fields import Command
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.global_defs import GlobalDefs
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.instance import SyncGroup, VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.lexer import shell_words
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.model import KeepalivedConfig
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.network import BfdInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.trackers import (
    TrackFile,
    TrackProcess,
    VrrpScript,
    Weight,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.virtual_server import VirtualServer

__all__ = ("RULES", "Placed", "Rule", "Subject", "ask", "check")

LONGEST_PROCESS = 15
MOST_ADVERTISED = 20
OWNER = 255
DEFAULT_PRIORITY = 100
NOTIFIES = (
    "notify",
    "notify_backup",
    "notify_deleted",
    "notify_fault",
    "notify_master",
    "notify_master_rx_lower_pri",
    "notify_stop",
)
_SHELL = re.compile(r"\|\|?|&&?|;|[<>].*|\d>.*|\$\(.*|`.*|.*;")
_CURLY = re.compile("[\u2018\u2019\u201c\u201d]")

Some = t.TypeVar("Some")


class Placed(t.NamedTuple):
    """A model and where it stands: an input path, under which its options have paths, or a file and line."""

    where: str
    model: t.Any
    is_input: bool

    def at(self, option: str) -> str:
        """Where an option of it stands."""
        return f"{self.where}.{option}" if self.is_input and option else self.where


@dataclass(frozen=True)
class Subject:
    """What the rules are asked of, and what is known around it.

    ``addresses`` are those of the host, ``held`` the ones among them that are there as virtual addresses. ``peers``
    are the priorities of the other members by the name of the instance.
    """

    placed: tuple[Placed, ...]
    addresses: tuple[HostAddress, ...] = ()
    held: frozenset[str] = frozenset()
    peers: t.Mapping[str, t.Sequence[int]] | None = None

    def of(self, kind: type[Some]) -> list[tuple[Placed, Some]]:
        """Return the models of a kind with their places."""
        return [(one, one.model) for one in self.placed if isinstance(one.model, kind)]

    @property
    def defaults(self) -> GlobalDefs:
        """The global_defs, several of them as one: the last counts."""
        found = [model for _place, model in self.of(GlobalDefs)]
        return found[-1] if found else GlobalDefs()

    def version(self, instance: VrrpInstance) -> int:
        """The VRRP version that an instance speaks."""
        if instance.version:
            return instance.version
        is_ipv6 = any(one.family == 6 for one in instance.virtual_ipaddress or ())
        return 3 if is_ipv6 else self.defaults.vrrp_version or 2


Answer = t.Iterator[t.Tuple[str, str]]


class Rule(t.NamedTuple):
    """A rule: its name, ``error`` or ``warning``, and the function that finds what breaks it."""

    name: str
    severity: str
    find: t.Callable[[Subject], Answer]


RULES: dict[str, Rule] = {}


def rule(severity: str) -> t.Callable[[t.Callable[[Subject], Answer]], t.Callable[[Subject], Answer]]:
    """Enter a function into the table under its own name."""

    def enter(find: t.Callable[[Subject], Answer]) -> t.Callable[[Subject], Answer]:
        name = find.__name__.replace("_", "-")
        RULES[name] = Rule(name, severity, find)
        return find

    return enter


def check(
    config: KeepalivedConfig,
    addresses: t.Sequence[HostAddress] = (),
    held: t.Collection[str] = (),
    peers: t.Mapping[str, t.Sequence[int]] | None = None,
) -> list[Finding]:
    """Return what is wrong with a configuration although keepalived would take it; see Subject for the arguments."""
    placed = [Placed("global_defs", config.global_defs, True)] if config.global_defs else []
    for field in (
        "track_files",
        "vrrp_scripts",
        "track_processes",
        "bfd_instances",
        "sync_groups",
        "instances",
        "virtual_servers",
    ):
        placed += [Placed(f"{field}[{at}]", one, True) for at, one in enumerate(getattr(config, field) or ())]
    return ask(Subject(tuple(placed), tuple(addresses), frozenset(held), peers))


def ask(subject: Subject) -> list[Finding]:
    """Return what every rule finds, rule after rule."""
    return [
        Finding(one.name, one.severity, where, message)
        for one in RULES.values()
        for where, message in one.find(subject)
    ]


# Addresses


def _vips(instance: VrrpInstance) -> t.Iterator[tuple[str, VirtualAddress]]:
    for option in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for at, one in enumerate(getattr(instance, option) or ()):
            yield f"{option}[{at}]", one


@rule("error")
def label_device(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        for option, vip in _vips(instance):
            device = vip.dev or instance.interface
            if vip.label and device and vip.label.split(":")[0] != device:
                message = f"the label {vip.label} of {vip.ip} does not begin with {device}, its interface"
                yield place.at(option), message


@rule("error")
def vip_of_host(subject: Subject) -> Answer:
    virtual = {str(ip_interface(one).ip) for one in subject.held}
    owners = {str(ip_address(one.address)): one.interface for one in subject.addresses}
    for place, instance in subject.of(VrrpInstance):
        for option, vip in _vips(instance):
            if str(vip.ip) in owners and str(vip.ip) not in virtual:
                interface = owners[str(vip.ip)]
                yield place.at(option), f"{vip.ip} is an address that {interface} has of its own: choose a free one"


@rule("error")
def vip_twice(subject: Subject) -> Answer:
    seen: dict[str, str] = {}
    for place, instance in subject.of(VrrpInstance):
        for option, vip in _vips(instance):
            address = str(vip.ip)
            if address in seen:
                yield place.at(option), f"{address} is there twice, in {seen[address]} and in {instance.name}"
            seen.setdefault(address, instance.name)


@rule("warning")
def vips_many(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        count = len(instance.virtual_ipaddress or ())
        if count > MOST_ADVERTISED:
            message = (
                f"{count} addresses are in every advert: let one be there and put the others into "
                "virtual_ipaddress_excluded, where they can be changed without a split"
            )
            yield place.at("virtual_ipaddress"), message


@rule("error")
def router_id_twice(subject: Subject) -> Answer:
    seen: dict[tuple[str | None, int, int], str] = {}
    for place, instance in subject.of(VrrpInstance):
        family = next((vip.family for vip in instance.virtual_ipaddress or ()), 4)
        key = (instance.interface, family, instance.virtual_router_id)
        if key in seen:
            number = instance.virtual_router_id
            message = f"virtual_router_id {number} is that of {seen[key]} on the same interface: give each its own"
            yield place.at("virtual_router_id"), message
        seen.setdefault(key, instance.name)


@rule("error")
def peer_is_self(subject: Subject) -> Answer:
    own = {ip_address(one.address) for one in subject.addresses}
    for place, instance in subject.of(VrrpInstance):
        mine = own | ({ip_address(instance.unicast_src_ip)} if instance.unicast_src_ip else set())
        for at, peer in enumerate(instance.unicast_peer or ()):
            if ip_address(peer.address) in mine:
                yield place.at(f"unicast_peer[{at}]"), f"{peer.address} is this host itself: leave it out of the peers"


@rule("error")
def peer_twice(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        addresses = [peer.address for peer in instance.unicast_peer or ()]
        for at, address in enumerate(addresses):
            if address in addresses[:at]:
                yield place.at(f"unicast_peer[{at}]"), f"the peer {address} is there twice"


@rule("error")
def source_elsewhere(subject: Subject) -> Answer:
    own = {str(ip_address(one.address)) for one in subject.addresses}
    for place, instance in subject.of(VrrpInstance):
        for option in ("unicast_src_ip", "mcast_src_ip"):
            source = getattr(instance, option)
            if source and own and source not in own:
                yield place.at(option), f"{source} is no address of this host, and adverts could not be sent"


# Trackers

_TRACKERS: dict[str, type[t.Any]] = {
    "track_file": TrackFile,
    "track_script": VrrpScript,
    "track_process": TrackProcess,
    "track_bfd": BfdInstance,
}


class Use(t.NamedTuple):
    """A tracker as an instance uses it; ``weight`` is None where the tracker is not known."""

    option: str
    name: str
    weight: int | None


def _uses(subject: Subject, model: VrrpInstance | SyncGroup) -> t.Iterator[Use]:
    for option, kind in _TRACKERS.items():
        # A file counts 1 for each unit of its number unless it says otherwise, everything else nothing: FAULT.
        plain = Weight(1 if kind is TrackFile else 0)
        weights = {one.name: (one.weight or plain).weight for _place, one in subject.of(kind)}
        for at, tracked in enumerate(getattr(model, option) or ()):
            weight = weights.get(tracked.name) if tracked.weight is None else tracked.weight
            yield Use(f"{option}[{at}]", tracked.name, weight)
    for at, tracked in enumerate(model.track_interface or ()):
        yield Use(f"track_interface[{at}]", tracked.name, tracked.weight or 0)


@rule("error")
def tracker_undefined(subject: Subject) -> Answer:
    for kind in (VrrpInstance, SyncGroup):
        for place, model in subject.of(kind):
            for option, tracker in _TRACKERS.items():
                known = {one.name for _place, one in subject.of(tracker)}
                for at, tracked in enumerate(getattr(model, option) or ()):
                    if tracked.name not in known:
                        message = f"{tracked.name} is defined nowhere, and keepalived would go on without it"
                        yield place.at(f"{option}[{at}]"), message


@rule("error")
def check_undefined(subject: Subject) -> Answer:
    files = {one.name for _place, one in subject.of(TrackFile)}
    neighbours = {one.name for _place, one in subject.of(BfdInstance)}
    for place, virtual in subject.of(VirtualServer):
        for at, server in enumerate(virtual.real_servers or ()):
            wanted = [
                (f"file_checks[{one}]", check.track_file, files) for one, check in enumerate(server.file_checks or ())
            ]
            wanted += [
                (f"bfd_checks[{one}]", check.name, neighbours) for one, check in enumerate(server.bfd_checks or ())
            ]
            for option, name, known in wanted:
                if name not in known:
                    yield place.at(f"real_servers[{at}].{option}"), f"{name} is defined nowhere"


@rule("error")
def tracker_twice(subject: Subject) -> Answer:
    for kind in (VrrpInstance, SyncGroup):
        for place, model in subject.of(kind):
            for option in (*_TRACKERS, "track_interface"):
                names = [one.name for one in getattr(model, option) or ()]
                for at, name in enumerate(names):
                    if name in names[:at]:
                        yield place.at(f"{option}[{at}]"), f"{name} is tracked twice"


@rule("error")
def own_interface_tracked(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        for at, tracked in enumerate(instance.track_interface or ()):
            if tracked.name == instance.interface:
                message = f"{tracked.name} is the interface of {instance.name}, which is watched anyway: leave it out"
                yield place.at(f"track_interface[{at}]"), message


@rule("error")
def nopreempt_with_weight(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        for use in _uses(subject, instance) if instance.nopreempt else ():
            if use.weight:
                message = (
                    f"{use.name} has the weight {use.weight}, and with nopreempt a lower priority never moves the "
                    "address: use weight 0, which is FAULT"
                )
                yield place.at(use.option), message


@rule("error")
def owner_with_weight(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        for use in _uses(subject, instance) if _priority(instance) == OWNER else ():
            if use.weight:
                message = f"{use.name} has the weight {use.weight}, which priority 255 ignores: use a lower priority"
                yield place.at(use.option), message


def _priority(instance: VrrpInstance) -> int:
    return instance.priority or (OWNER if instance.initial_state == "MASTER" else DEFAULT_PRIORITY)


@rule("error")
def weight_below_gap(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        own = _priority(instance)
        lower = [other for other in (subject.peers or {}).get(instance.name, ()) if other < own]
        for use in _uses(subject, instance) if lower else ():
            if use.weight and abs(use.weight) <= own - max(lower):
                message = (
                    f"{use.name} changes the priority {own} by {use.weight}, and the next member has {max(lower)}: "
                    f"a failure would not move the address; use weight 0, or more than {own - max(lower)}"
                )
                yield place.at(use.option), message


@rule("warning")
def weight_tiny(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        for use in _uses(subject, instance) if not (subject.peers or {}).get(instance.name) else ():
            if use.weight and abs(use.weight) <= 2 and not use.option.startswith("track_file"):
                message = f"{use.name} has the weight {use.weight}, less than any usual gap of priorities: use weight 0"
                yield place.at(use.option), message


@rule("error")
def priority_tie(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        if _priority(instance) in (subject.peers or {}).get(instance.name, ()):
            message = f"another member has the priority {_priority(instance)} too: no two may be equal"
            yield place.at("priority"), message


@rule("error")
def owner_by_default(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        if instance.initial_state == "MASTER" and instance.priority is None:
            message = f"{instance.name} has state MASTER and no priority, which means priority 255: say a priority"
            yield place.at("priority"), message


@rule("error")
def process_name_long(subject: Subject) -> Answer:
    for place, process in subject.of(TrackProcess):
        name = process.process[0]
        whole = process.full_command or process.param_match or len(process.process) > 1
        if len(name.encode()) > LONGEST_PROCESS and not whole:
            message = f"the kernel cuts {name!r} at {LONGEST_PROCESS} characters: say full_command"
            yield place.at("process"), message


# Scripts


def _commands(subject: Subject) -> t.Iterator[tuple[Placed, str, Command]]:
    for place, script in subject.of(VrrpScript):
        yield place, "script", script.script
    for kind in (VrrpInstance, SyncGroup):
        for place, model in subject.of(kind):
            for option in NOTIFIES:
                command = getattr(model, option, None)
                if command is not None:
                    yield place, option, command


@rule("warning")
def script_timeout(subject: Subject) -> Answer:
    for place, script in subject.of(VrrpScript):
        interval = script.interval or 1
        if script.timeout is not None and script.timeout > interval:
            message = f"the timeout {script.timeout:g} s is longer than the interval {interval:g} s"
            yield place.at("timeout"), message


@rule("error")
def script_for_shell(subject: Subject) -> Answer:
    for place, option, command in _commands(subject):
        words = shell_words(command.command) or () if "'" not in command.command else ()
        for word in (*words, command.user or "", command.group or ""):
            if _SHELL.fullmatch(word):
                message = f"{word!r} is for a shell, and keepalived starts none: put the commands into a script file"
                yield place.at(option), message


@rule("error")
def script_curly_quotes(subject: Subject) -> Answer:
    for place, option, command in _commands(subject):
        if _CURLY.search(command.command):
            message = f"{command.command!r} holds typographic quotes, which belong to the path for keepalived"
            yield place.at(option), message


@rule("error")
def script_security(subject: Subject) -> Answer:
    if not subject.defaults.enable_script_security:
        for place, option, command in _commands(subject):
            message = f"{command.command.split()[0]} is run, and global_defs has no enable_script_security"
            yield place.at(option), message
            return


# Instances and groups


@rule("error")
def advert_fraction(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        seconds = instance.advert_int
        if seconds and subject.version(instance) == 2 and not float(seconds).is_integer():
            message = f"advert_int {seconds:g} is rounded, because VRRP version 2 is spoken: say version 3"
            yield place.at("advert_int"), message


@rule("error")
def password_ignored(subject: Subject) -> Answer:
    for place, instance in subject.of(VrrpInstance):
        if instance.authentication and subject.version(instance) == 3:
            message = "the password is ignored, because VRRP version 3 is spoken: say version 2, or leave it out"
            yield place.at("authentication"), message


@rule("warning")
def strict(subject: Subject) -> Answer:
    for place, defaults in subject.of(GlobalDefs):
        if defaults.vrrp_strict:
            message = "vrrp_strict makes virtual addresses unreachable and forbids unicast peers: leave it out"
            yield place.at("vrrp_strict"), message


@rule("error")
def group_member_unknown(subject: Subject) -> Answer:
    known = {instance.name for _place, instance in subject.of(VrrpInstance)}
    for place, group in subject.of(SyncGroup):
        for at, name in enumerate(group.group):
            if name not in known:
                yield place.at(f"group[{at}]"), f"there is no instance {name}"


@rule("error")
def group_small(subject: Subject) -> Answer:
    for place, group in subject.of(SyncGroup):
        if len(set(group.group)) < 2:
            yield place.at("group"), f"{group.name} has fewer than two instances, and keepalived would drop it"


@rule("error")
def group_shared(subject: Subject) -> Answer:
    seen: dict[str, str] = {}
    for place, group in subject.of(SyncGroup):
        for at, name in enumerate(group.group):
            if name in seen:
                yield place.at(f"group[{at}]"), f"{name} is in {seen[name]} already"
            seen.setdefault(name, group.name)


@rule("error")
def group_with_weight(subject: Subject) -> Answer:
    groups = {name: group for _place, group in subject.of(SyncGroup) for name in group.group}
    for place, instance in subject.of(VrrpInstance):
        group = groups.get(instance.name)
        for use in _uses(subject, instance) if group and not group.sync_group_tracking_weight else ():
            if use.weight:
                message = f"{use.name} has the weight {use.weight}, which a sync group ignores: use weight 0"
                yield place.at(use.option), message
