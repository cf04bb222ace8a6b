# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel has of keepalived's addresses, routes and rules, against what it shall have. Private to it.

keepalived's own word is not enough: after a reload it counts an address as set that it has just removed for another
instance, and compares neither lifetime, broadcast nor interface with what is there. So what it says that it wants
(the lines of its state dump, in which everything is resolved) is compared with what the kernel says that is there.

A MASTER must have all of its own on its own interface; what others have, or had before a reload, must be nowhere.
What a line says in a way that is not understood here counts as there: to doubt it would end in a restart for nothing.
"""

from __future__ import annotations

import ipaddress
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState

__all__ = ("Difference", "Kernel", "differences", "own_interfaces", "read_kernel")

KEEPALIVED = "18"  # RTPROT_KEEPALIVED of include/uapi/linux/rtnetlink.h
FOREVER = 4294967295  # INFINITY_LIFE_TIME of include/net/addrconf.h
_VALUED = ("peer", "brd", "dev", "scope", "label", "preferred_lft")
_TYPES = ("blackhole", "unreachable", "prohibit", "throw", "local", "broadcast", "multicast", "nat", "unicast")
_VERBS = ("add", "append", "prepend")
Entry = t.Mapping[str, t.Any]


class Kernel(t.NamedTuple):
    """What is there now, as ``ip -json`` tells it: links with their addresses, keepalived's routes, and the rules."""

    links: t.Sequence[Entry]
    routes: t.Sequence[Entry]
    rules: t.Sequence[Entry]


class Difference(t.NamedTuple):
    """Something in which the kernel is not as it shall be; ``command`` mends it, None where only a restart does."""

    words: str
    command: tuple[str, ...] | None = None
    is_left: bool = False


@dataclass(frozen=True)
class _Address:
    """One line of ``vips`` or ``evips``, such as ``192.0.2.100/24 dev vrrp.10@eth0 scope global label x set``."""

    address: str
    prefix_length: int
    values: t.Mapping[str, str]
    flags: frozenset[str]

    @property
    def interface(self) -> str:
        return self.values.get("dev", "").partition("@")[0]

    @property
    def base(self) -> str:
        """The interface below its own, where keepalived has made that; else empty."""
        return self.values.get("dev", "").partition("@")[2]

    @property
    def family(self) -> int:
        return 6 if ":" in self.address else 4

    @property
    def shown(self) -> str:
        return f"{self.address}/{self.prefix_length}"

    @property
    def preferred(self) -> int | None:
        """For how many seconds it may be the source of new connections; None where nothing is said."""
        if "deprecated" in self.flags:
            return 0
        lifetime = self.values.get("preferred_lft")
        return None if lifetime is None else FOREVER if lifetime == "forever" else int(lifetime)


def read_kernel(runner: Runner = run) -> Kernel:
    """Return what the kernel has; HoldfastError where it cannot be asked."""
    done = runner("ip", "-json", "-details", "address", "show")
    if done.rc:
        raise HoldfastError(f"the addresses of this host cannot be read: {done.output}. Install iproute2")
    routes = _of_families(runner, "route", "show", "table", "all", "protocol", KEEPALIVED)
    return Kernel(json.loads(done.stdout or "[]"), routes, _of_families(runner, "rule", "show"))


def _of_families(runner: Runner, *command: str) -> list[Entry]:
    """Return what ``ip`` lists for IPv4 and IPv6; nothing of a family that the kernel has not."""
    result: list[Entry] = []
    for family in (4, 6):
        done = runner("ip", "-json", f"-{family}", *command)
        result += [dict(entry, family=family) for entry in json.loads(done.stdout or "[]")] if not done.rc else []
    return result


def differences(
    states: t.Sequence[InstanceState],
    kernel: Kernel,
    *,
    before: t.Sequence[InstanceState] = (),
    spared: t.Collection[str] = (),
) -> list[Difference]:
    """Return in what the kernel is not as these instances want it.

    ``before`` are the instances as they were before a reload: what only they had must be gone. ``spared`` are addresses
    and destinations that are there for another reason (static ones).
    """
    return [
        *_of_addresses(states, kernel, before, spared),
        *_of_routes(states, kernel, before, spared),
        *_of_rules(states, kernel, before),
    ]


def own_interfaces(state: InstanceState) -> dict[str, str]:
    """Return the interface on which each address of an instance belongs, by the address."""
    return {item.address: item.interface for item in map(_address, state.address_lines)}


def _of_addresses(
    states: t.Sequence[InstanceState],
    kernel: Kernel,
    before: t.Sequence[InstanceState],
    spared: t.Collection[str],
) -> t.Iterator[Difference]:
    links = {str(link.get("ifname")): link for link in kernel.links}
    there = {
        (name, str(item.get("local")), int(item.get("prefixlen", 0))): item
        for name, link in links.items()
        for item in link.get("addr_info", ())
    }
    was = {item.address: item for state in before for item in map(_address, state.address_lines)}
    wanted: set[tuple[str, str, int]] = set()
    for state in states:
        for item in map(_address, state.address_lines) if state.state == "MASTER" else ():
            key = (item.interface, item.address, item.prefix_length)
            here = there.get(key)
            if here is None and "peer" in item.values:
                # The prefix is the peer's.
                key = next((place for place in there if place[:2] == key[:2]), key)
                here = there.get(key)
            wanted.add(key)
            if here is None:
                moved = item.interface != was.get(item.address, item).interface
                # Another interface means another MAC, and only keepalived calls the clients back.
                known = item.interface in links and not moved and not item.base
                yield Difference(
                    f"{state.name} is MASTER, and {item.shown} is not on {item.interface}",
                    _add(item) if known else None,
                )
            else:
                yield from _of_address(state, item, here)
    shared = [*states, *before]
    candidates = {place for state in shared for item in map(_address, state.address_lines) for place in _places(item)}
    for name, address, length in sorted(there):
        if (name, address) in candidates and (name, address, length) not in wanted and address not in spared:
            yield Difference(
                f"{address}/{length} is on {name}, and no instance that is MASTER has it there",
                ("ip", "address", "del", f"{address}/{length}", "dev", name),
                is_left=True,
            )


def _of_address(state: InstanceState, item: _Address, here: Entry) -> t.Iterator[Difference]:
    """Yield what is wrong with an address that is there."""
    what = f"{state.name} is MASTER, and {item.shown} on {item.interface} has"
    for word, key in (("label", "label"), ("brd", "broadcast"), ("scope", "scope"), ("peer", "address")):
        configured, result = item.values.get(word), str(here.get(key, ""))
        if configured is not None and configured.partition("/")[0] != result:
            yield Difference(f"{what} {word} {result or 'none'}, not {configured}")
    if "brd" not in item.values and item.family == 4 and here.get("broadcast"):
        yield Difference(f"{what} brd {here['broadcast']}, not none")
    preferred, now = item.preferred, int(here.get("preferred_life_time", FOREVER))
    # A lifetime of seconds is running out since it was set.
    runs_out = preferred not in (None, 0, FOREVER) and now != FOREVER and now <= (preferred or 0)
    if preferred is not None and preferred != now and not runs_out:
        wanted, is_now = (("forever" if life == FOREVER else str(life)) for life in (preferred, now))
        life = ("preferred_lft", wanted, "valid_lft", "forever")
        yield Difference(
            f"{what} preferred_lft {is_now}, not {wanted}",
            ("ip", "address", "change", item.shown, "dev", item.interface, *life),
        )


def _of_routes(
    states: t.Sequence[InstanceState], kernel: Kernel, before: t.Sequence[InstanceState], spared: t.Collection[str]
) -> t.Iterator[Difference]:
    there = {_kernel_route(entry) for entry in kernel.routes}
    wanted = set()
    for state in states:
        for line in state.routes if state.state == "MASTER" else ():
            words = _plain(line)
            key = _route(words)
            wanted.add(key)
            if key is not None and key not in there:
                yield Difference(
                    f"{state.name} is MASTER, and its route {' '.join(words[1:])} is not there",
                    ("ip", f"-{key[0]}", "route", *words),
                )
    known = {_route(_plain(line)) for state in (*states, *before) for line in state.routes} - wanted
    for entry in kernel.routes:
        route = _kernel_route(entry)
        if route in known and route[2] not in spared:
            yield Difference(
                f"the route {route[2]} in table {route[3]} is there, and no instance that is MASTER has it",
                ("ip", f"-{route[0]}", "route", "del", route[1], route[2], "table", route[3], "protocol", KEEPALIVED),
                is_left=True,
            )


def _of_rules(
    states: t.Sequence[InstanceState], kernel: Kernel, before: t.Sequence[InstanceState]
) -> t.Iterator[Difference]:
    there = {_kernel_rule(entry) for entry in kernel.rules}
    wanted = set()
    for state in states:
        for line in state.rules if state.state == "MASTER" else ():
            rule = _rule(line)
            wanted.add(rule)
            if rule is not None and rule not in there:
                yield Difference(
                    f"{state.name} is MASTER, and its rule {line} is not there",
                    ("ip", f"-{rule[0]}", "rule", "add", *(word for word in _plain(line) if word != "inet6")),
                )
    known = {_rule(line) for state in (*states, *before) for line in state.rules} - wanted
    for rule in sorted(item for item in there if item in known):
        family, priority, source, target, table = rule
        # A rule without any word but its priority would be taken for any of that priority.
        ends = ("from", source, *(("to", target) if target != "all" else ()), *(("lookup", table) if table else ()))
        yield Difference(
            f"the rule {priority} from {source} to {target} is there, and no instance that is MASTER has it",
            ("ip", f"-{family}", "rule", "del", "priority", priority, *ends),
            is_left=True,
        )


def _address(line: str) -> _Address:
    words = line.split()
    address, _slash, length = words[0].partition("/")
    values: dict[str, str] = {}
    flags = set()
    rest = iter(words[1:])
    for word in rest:
        if word in _VALUED:
            values[word] = next(rest, "")
        else:
            flags.add(word)
    return _Address(address, int(length or (128 if ":" in address else 32)), values, frozenset(flags))


def _places(item: _Address) -> t.Iterator[tuple[str, str]]:
    """Yield where an address of keepalived's may have been left: its own interface, and the one below."""
    yield item.interface, item.address
    if item.base:
        yield item.base, item.address


def _add(item: _Address) -> tuple[str, ...]:
    words = ["ip", "address", "add", item.address if "peer" in item.values else item.shown]
    for word in ("peer", "brd", "scope", "label"):
        if word in item.values:
            words += [word, item.values[word]]
    words += ["dev", item.interface]
    if item.family == 6:
        if item.preferred is not None:
            words += ["preferred_lft", "forever" if item.preferred == FOREVER else str(item.preferred)]
            words += ["valid_lft", "forever"]
        words += ["nodad"] if "-nodad" not in item.flags else []
    words += [flag for flag in ("home", "mngtmpaddr", "noprefixroute", "autojoin") if flag in item.flags]
    return tuple(words)


def _plain(line: str) -> list[str]:
    """Return the words of a route or rule as ip(8) takes them, without what keepalived remembers beside."""
    return [word for word in line.partition("[")[0].split() if word != "no_track"]


_Route = t.Tuple[int, str, str, str]  # family, type, destination, table
_Rule = t.Tuple[int, str, str, str, str]  # family, priority, from, to, table


def _route(words: t.Sequence[str]) -> _Route | None:
    """Return what tells a route of keepalived's from others; None where the line is not understood."""
    rest = [word for word in words if word not in _VERBS]
    kind = rest.pop(0) if rest and rest[0] in _TYPES else "unicast"
    target = _network(rest[0]) if rest else None
    if target is None:
        return None
    table = rest[rest.index("table") + 1] if "table" in rest[:-1] else "main"
    family = 6 if any(":" in word for word in rest) else 4
    return family, kind, target, table


def _kernel_route(entry: Entry) -> _Route:
    target = _network(str(entry.get("dst", ""))) or ""
    return int(entry["family"]), str(entry.get("type", "unicast")), target, str(entry.get("table", "main"))


def _rule(line: str) -> _Rule | None:
    words = _plain(line)
    options = dict(zip(words, words[1:]))
    source, target = _network(options.get("from", "all")), _network(options.get("to", "all"))
    if "priority" not in options or source is None or target is None:
        return None
    family = 6 if ":" in f"{source}{target}" or words[0] == "inet6" else 4
    return family, options["priority"], source, target, options.get("lookup", "")


def _kernel_rule(entry: Entry) -> _Rule:
    ends = []
    for end in ("src", "dst"):
        length = entry.get(f"{end}len")
        ends.append(_network(f"{entry.get(end, 'all')}{'' if length is None else f'/{length}'}") or "")
    return int(entry["family"]), str(entry.get("priority", 0)), ends[0], ends[1], str(entry.get("table", ""))


def _network(word: str) -> str | None:
    """Return one spelling of a network, ``default`` for all of them; None where it is none."""
    if word in ("default", "all"):
        return word
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None
    return "default" if network.prefixlen == 0 else str(network)
