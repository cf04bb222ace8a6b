# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nftables: its rules as it lists them in JSON, and the changes to them as one script. Private to this collection."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from .access import MARK, VRRP, Access, Item
from .heard import TABLE
from .ruleset import ACCEPT, DROP, Chain, Match, Packet, Rule, Ruleset

__all__ = ("change", "parse", "statement")

NOT_OURS = ("firewalld", "firewalld_policy_drop", TABLE)
"""Tables of a program that has its own ways to be told, and the one that only says whose adverts are heard."""

_FIELDS = {
    ("ip", "saddr"): "source",
    ("ip6", "saddr"): "source",
    ("ip", "daddr"): "destination",
    ("ip6", "daddr"): "destination",
    ("ip", "protocol"): "protocol",
    ("ip6", "nexthdr"): "protocol",
    ("tcp", "dport"): "port",
    ("udp", "dport"): "port",
    ("th", "dport"): "port",
}
_KEYS = {"l4proto": "protocol", "protocol": "protocol", "nfproto": "family", "iifname": "interface", "iif": "interface"}
_WORDS = {"ipv4": "4", "ipv6": "6", "ip": "4", "ip6": "6", str(VRRP): "vrrp", "6": "tcp", "17": "udp"}
_VERDICTS = ("accept", "drop", "return", "jump", "goto")
# What looks at a packet or counts it and lets the next statement decide.
_PASSIVE = ("counter", "log", "comment", "notrack", "mangle")


def parse(text: str, *, managed_by_iptables: bool = False) -> Ruleset:
    """Return the chains that packets for the host itself meet, from ``nft -j list ruleset``.

    ``managed_by_iptables``: the tables that iptables made are left to it.
    """
    ruleset = Ruleset()
    for entry in json.loads(text)["nftables"]:
        if "chain" in entry:
            listed = entry["chain"]
            if listed["family"] not in ("ip", "ip6", "inet") or listed["table"] in NOT_OURS:
                continue
            is_input = listed.get("type") == "filter" and listed.get("hook") == "input"
            if (
                managed_by_iptables
                and listed["table"] == "filter"
                and listed["family"] != "inet"
                and listed["name"].isupper()
            ):
                is_input = False
            chain = Chain(
                family=listed["family"],
                table=listed["table"],
                name=listed["name"],
                policy=listed.get("policy", ACCEPT) if is_input else "",
                priority=listed.get("prio", 0) if is_input else 0,
            )
            ruleset.chains[chain.family, chain.table, chain.name] = chain
        elif "rule" in entry:
            listed = entry["rule"]
            key = (listed["family"], listed["table"], listed["chain"])
            if key in ruleset.chains:
                chain = ruleset.chains[key]
                ruleset.chains[key] = replace(chain, rules=(*chain.rules, *_rules(listed)))
    return ruleset


def _rules(listed: t.Mapping[str, t.Any]) -> t.Iterator[Rule]:
    """Yield what one rule does; a map of verdicts counts as a rule for each of its elements."""
    matches: list[Match] = []
    plain = Rule(comment=listed.get("comment", ""), handle=listed["handle"])
    for statement_ in listed["expr"]:
        [(name, value)] = statement_.items()
        if name == "match":
            matches += _match(value)
        elif name in _VERDICTS:
            target = value["target"] if name in ("jump", "goto") else ""
            yield replace(plain, matches=tuple(matches), verdict=name, target=target)
            return
        elif name == "reject":
            yield replace(plain, matches=tuple(matches), verdict=DROP)
            return
        elif name == "vmap":
            yield from _map(value, plain, matches)
            return
        elif name == "xt":
            yield replace(plain, matches=(*matches, Match("")), verdict=DROP)
            return
        elif name not in _PASSIVE:
            matches.append(Match(""))  # a limit, a quota, a lookup: it may stop the rule
    yield replace(plain, matches=tuple(matches))


def _map(value: t.Mapping[str, t.Any], plain: Rule, matches: list[Match]) -> t.Iterator[Rule]:
    data = value["data"]
    elements = data.get("set", ()) if isinstance(data, dict) else ()
    if not elements:
        yield replace(plain, matches=(*matches, Match("")), verdict=DROP)  # a named map: anything may be in it
    for key, verdict in elements:
        [(name, target)] = verdict.items()
        if name in _VERDICTS:
            own = _match({"op": "==", "left": value["key"], "right": key})
            chain = target["target"] if name in ("jump", "goto") else ""
            yield replace(plain, matches=(*matches, *own), verdict=name, target=chain)


def _match(fields: t.Mapping[str, t.Any]) -> list[Match]:
    """Return the conditions in a match; one that is not understood has no field."""
    left, operator = fields["left"], fields["op"]
    result: list[Match] = []
    name = ""
    if isinstance(left, dict) and "payload" in left:
        protocol, key = left["payload"].get("protocol", ""), left["payload"].get("field", "")
        name = _FIELDS.get((protocol, key), "")
        if protocol in ("ip", "ip6"):
            result.append(Match("family", ("4" if protocol == "ip" else "6",)))
        elif protocol in ("tcp", "udp") or protocol in ("icmp", "icmpv6"):
            result.append(Match("protocol", (protocol,)))
    elif isinstance(left, dict) and "meta" in left:
        name = _KEYS.get(left["meta"]["key"], "")
        if left["meta"]["key"] == "protocol":
            name = "family"
    elif isinstance(left, dict) and left.get("ct", {}).get("key") == "state":
        name = "state"
    values = _values(fields["right"])
    if not name or operator not in ("==", "!=", "in") or not values:
        return [*result, Match("")]
    return [*result, Match(name, values, negated=operator == "!=")]


def _values(right: t.Any) -> tuple[str, ...]:
    """Return the right side of a match as words; a named set stays as it is written."""
    if isinstance(right, dict):
        if "set" in right:
            return tuple(value for item in right["set"] for value in _values(item))
        if "prefix" in right:
            return (f"{right['prefix']['addr']}/{right['prefix']['len']}",)
        if "range" in right:
            return ("-".join(str(end) for end in right["range"]),)
        if "elem" in right:
            return _values(right["elem"]["val"])
        return ()
    if isinstance(right, list):
        return tuple(value for item in right for value in _values(item))
    return (_WORDS.get(str(right), str(right)),)


def statement(item: Item) -> str:
    """Return the rule that lets an item in, as nft reads it."""
    network = "ip" if item.family == 4 else "ip6"
    words = [f"{network} saddr {item.source}"] if item.source else []
    words += [f"{network} daddr {item.destination}"] if item.destination else []
    words.append(f"meta l4proto {VRRP}" if item.is_advert else f"{item.protocol} dport {item.ports}")
    return " ".join([*words, "accept", f'comment "{item.comment}"'])


class Change(t.NamedTuple):
    """A script for ``nft -f``, empty where nothing is to be done, and what it adds and removes, in words."""

    script: str
    added: list[str]
    removed: list[str]


def change(ruleset: Ruleset, access: Access) -> Change:
    """Return what brings every chain that may block to let in what is wanted, and nothing else of ours.

    Adverts come first in a chain, because nothing may hold them up. Ports come as late as they still count: whom the
    chain turns away by an earlier rule, it turns away as before. All of it is one transaction.
    """
    lines: list[str] = []
    added: list[str] = []
    removed: list[str] = []
    for chain in ruleset.inputs():
        place = f"{chain.family} {chain.table} {chain.name}"
        wanted = {one.comment: one for one in _items(chain, access)} if ruleset.can_block(chain, without=MARK) else {}
        there: set[str] = set()
        for rule in chain.rules:
            if not rule.comment.startswith(MARK):
                continue
            if rule.comment in wanted and rule.comment not in there:
                there.add(rule.comment)
            else:
                lines.append(f"delete rule {place} handle {rule.handle}")
                removed.append(f"{place}: {rule.comment}")
        new = [item for comment, item in wanted.items() if comment not in there]
        adverts = [item for item in new if item.is_advert]
        lines += [f"insert rule {place} {statement(item)}" for item in reversed(adverts)]
        for item in new:
            if not item.is_advert:
                handle = _first_refusal(ruleset, chain, item, access.interface)
                lines.append(
                    f"insert rule {place} handle {handle} {statement(item)}"
                    if handle
                    else f"add rule {place} {statement(item)}"
                )
        added += [f"{place}: {item.comment}" for item in new]
    return Change("".join(f"{line}\n" for line in lines), added, removed)


def _items(chain: Chain, access: Access) -> list[Item]:
    """Return what a chain has to let in; a port that is for anybody is one rule for both families."""
    result: dict[str, Item] = {}
    for family in chain.families:
        for item in access.items(family):
            result.setdefault(item.comment, item)
    return list(result.values())


def _first_refusal(ruleset: Ruleset, chain: Chain, item: Item, interface: str) -> int:
    """Return the handle of the rule at which nobody gets through any more, 0 where it is the policy."""
    packet = Packet(item.family, item.protocol, port=int(item.ports.partition("-")[0]), interface=interface)
    verdict = ruleset.judge(chain, packet, without=MARK)
    return chain.rules[verdict.rule].handle if verdict.what == DROP and verdict.rule >= 0 else 0
