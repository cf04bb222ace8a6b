# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a packet filter, and what becomes of a packet under them. Private to this collection.

``nft`` and ``iptables`` are read into the same chains. Not every match is understood; a rule with one that is not may
or may not apply, and then the answer is not certain.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

__all__ = ("ACCEPT", "DROP", "Chain", "Match", "Packet", "Rule", "Ruleset", "Verdict")

ACCEPT, DROP, RETURN, JUMP, GOTO = "accept", "drop", "return", "jump", "goto"
DEEPEST = 16
"""Chains within chains that both programs allow."""


@dataclass(frozen=True)
class Packet:
    """A packet that comes in and belongs to no connection yet; what is empty is not known."""

    family: int
    protocol: str
    source: str = ""
    destination: str = ""
    port: int = 0
    interface: str = ""


@dataclass(frozen=True)
class Match:
    """A condition: ``field`` is one of those of Packet, or ``state``; empty where it is not understood.

    ``values`` are words, networks, or ranges of ports (``8000-8010``); one of them suffices. ``negated``: none may.
    """

    field: str
    values: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, packet: Packet) -> bool | None:
        """Return whether it holds for the packet, None where that cannot be told."""
        answer = self._holds(packet)
        return answer if answer is None or not self.negated else not answer

    def _holds(self, packet: Packet) -> bool | None:
        if self.field == "state":
            return "new" in self.values
        if self.field == "port":
            if packet.protocol not in ("tcp", "udp"):
                return False
            return None if not packet.port else any(_in_range(packet.port, value) for value in self.values)
        if self.field == "family":
            return str(packet.family) in self.values
        known = getattr(packet, self.field, "") if self.field else ""
        if self.field in ("source", "destination"):
            return _in_networks(known, packet.family, self.values)
        return known in self.values if known else None


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold, and what then happens.

    ``verdict`` is accept, drop (a reject as well), return, jump or goto, empty where the next rule is asked whatever
    it is. ``target`` is the chain of a jump. ``handle`` is how nft names the rule, ``text`` how iptables writes it.
    """

    matches: tuple[Match, ...] = ()
    verdict: str = ""
    target: str = ""
    comment: str = ""
    handle: int = 0
    text: str = ""

    def holds(self, packet: Packet) -> bool | None:
        answers = [match.holds(packet) for match in self.matches]
        if False in answers:
            return False
        return None if None in answers else True


@dataclass(frozen=True)
class Chain:
    """Rules in their order. A base chain, which packets reach by themselves, has a ``policy``."""

    family: str
    table: str
    name: str
    policy: str = ""
    priority: int = 0
    rules: tuple[Rule, ...] = ()

    @property
    def families(self) -> tuple[int, ...]:
        return {"ip": (4,), "ip6": (6,)}.get(self.family, (4, 6))


class Verdict(t.NamedTuple):
    """What becomes of a packet, whether that is certain, and by which rule of the base chain (-1: its policy)."""

    what: str
    certain: bool
    rule: int


@dataclass
class Ruleset:
    """All chains of a host by family, table and name."""

    chains: dict[tuple[str, str, str], Chain] = field(default_factory=dict)

    def inputs(self) -> list[Chain]:
        """Return the base chains, in the order in which a packet meets them."""
        return sorted((chain for chain in self.chains.values() if chain.policy), key=lambda chain: chain.priority)

    def can_block(self, chain: Chain, *, without: str = "") -> bool:
        """Return whether any packet may end in this base chain, but for rules whose comment begins with ``without``."""
        return chain.policy == DROP or self._reaches_drop(chain, DEEPEST, without)

    def _reaches_drop(self, chain: Chain, depth: int, without: str) -> bool:
        for rule in chain.rules:
            if without and rule.comment.startswith(without):
                continue
            if rule.verdict == DROP:
                return True
            below = self._target(chain, rule)
            if below and depth and self._reaches_drop(below, depth - 1, without):
                return True
        return False

    def verdict(self, packet: Packet) -> Verdict:
        """Return what becomes of a packet under all base chains together: one that drops it suffices."""
        certain, last = True, Verdict(ACCEPT, True, -1)
        for chain in self.inputs():
            if packet.family in chain.families:
                last = self.judge(chain, packet)
                certain = certain and last.certain
                if last.what == DROP:
                    break
        return Verdict(last.what, certain if last.what == ACCEPT else last.certain, last.rule)

    def judge(self, chain: Chain, packet: Packet, *, without: str = "") -> Verdict:
        """Return what one base chain does; rules whose comment begins with ``without`` are passed over."""
        certain = True
        for number, rule in enumerate(chain.rules):
            if without and rule.comment.startswith(without):
                continue
            what, sure = self._apply(chain, rule, packet, DEEPEST)
            certain = certain and sure
            if what in (ACCEPT, DROP):
                return Verdict(what, certain, number)
            if what == RETURN:
                break
        return Verdict(chain.policy, certain, -1)

    def _apply(self, chain: Chain, rule: Rule, packet: Packet, depth: int) -> tuple[str, bool]:
        """Return the verdict of a rule (empty: go on) and whether it is certain."""
        holds = rule.holds(packet)
        if not rule.verdict or holds is False:
            return "", True
        what, sure = rule.verdict, True
        below = self._target(chain, rule)
        if below is not None:
            what, sure = self._walk(below, packet, depth - 1) if depth else ("", False)
            if rule.verdict == GOTO and what in ("", RETURN):
                what = RETURN
            elif what == RETURN:
                what = ""
        elif rule.verdict in (JUMP, GOTO):
            what, sure = "", False
        if holds is None:
            # It may not apply; whatever would end the packet's way here makes the answer uncertain.
            return "", what == "" and sure
        return what, sure

    def _walk(self, chain: Chain, packet: Packet, depth: int) -> tuple[str, bool]:
        certain = True
        for rule in chain.rules:
            what, sure = self._apply(chain, rule, packet, depth)
            certain = certain and sure
            if what:
                return what, certain
        return "", certain

    def _target(self, chain: Chain, rule: Rule) -> Chain | None:
        return self.chains.get((chain.family, chain.table, rule.target)) if rule.target else None


def _in_range(port: int, value: str) -> bool:
    first, _dash, last = value.partition("-")
    return first.isdigit() and (last or first).isdigit() and int(first) <= port <= int(last or first)


def _in_networks(known: str, family: int, values: tuple[str, ...]) -> bool | None:
    unknown = False
    for value in values:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            unknown = True  # a named set, or a range
            continue
        if network.version != family:
            continue
        if network.prefixlen == 0:
            return True
        if not known:
            unknown = True
        elif ipaddress.ip_address(known) in network:
            return True
    return None if unknown else False
