# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iptables: its rules as it saves them, and the changes to them as it restores them. Private to this collection."""

from __future__ import annotations

import ipaddress
import shlex
import typing as t
from dataclasses import replace

from .access import MARK, VRRP, Item
from .ruleset import ACCEPT, DROP, Chain, Match, Packet, Rule, Ruleset

__all__ = ("change", "parse", "statement")

_VERDICTS = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": DROP, "RETURN": "return"}
_PASSIVE = ("LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TRACE", "AUDIT")
# Modules that match nothing by themselves; their options are looked at.
_TRANSPARENT = ("comment", "tcp", "udp", "conntrack", "state", "multiport")
_PROTOCOLS = {str(VRRP): "vrrp", "6": "tcp", "17": "udp"}


def parse(text: str, family: int) -> Ruleset:
    """Return the chains of the table ``filter``, from ``iptables-save`` or ``ip6tables-save``."""
    ruleset, table = Ruleset(), ""
    name = "ip" if family == 4 else "ip6"
    for line in text.split("\n"):
        if line.startswith("*"):
            table = line[1:].strip()
        elif table == "filter" and line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            base = {"ACCEPT": ACCEPT, "DROP": DROP}.get(policy, "") if chain == "INPUT" else ""
            ruleset.chains[name, table, chain] = Chain(name, table, chain, base)
        elif table == "filter" and line.startswith("-A "):
            chain = line.split()[1]
            known = ruleset.chains[name, table, chain]
            ruleset.chains[name, table, chain] = replace(known, rules=(*known.rules, _rule(line, chain)))
    return ruleset


def _rule(line: str, chain: str) -> Rule:
    text = line[len(f"-A {chain} ") :]
    words = shlex.split(text)
    matches: list[Match] = []
    verdict = target = comment = ""
    for option, values, negated in _options(words):
        value = values[0] if values else ""
        if option in ("-j", "-g"):
            verdict, target = _outcome(option, value)
            break  # what follows are options of the target
        if option == "--comment":
            comment = value
        elif option != "-m" or value not in _TRANSPARENT:
            matches.append(_match(option, value, negated))
    return Rule(tuple(matches), verdict, target, comment, text=text)


def _options(words: list[str]) -> t.Iterator[tuple[str, list[str], bool]]:
    """Yield every option with its values, and whether an exclamation mark stands before it."""
    negated, index = False, 0
    while index < len(words):
        if words[index] == "!":
            negated, index = True, index + 1
            continue
        end = index + 1
        while end < len(words) and not words[end].startswith("-") and words[end] != "!":
            end += 1
        yield words[index], words[index + 1 : end], negated
        negated, index = False, end


def _outcome(word: str, value: str) -> tuple[str, str]:
    """Return verdict and target of a rule; a target that is no chain is one that nobody finds later."""
    if value in _VERDICTS:
        return _VERDICTS[value], ""
    if value in _PASSIVE:
        return "", ""
    return ("jump" if word == "-j" else "goto"), value


def _match(word: str, value: str, negated: bool) -> Match:
    if word in ("-s", "-d"):
        return Match("source" if word == "-s" else "destination", tuple(value.split(",")), negated)
    if word == "-p":
        return Match("protocol", (_PROTOCOLS.get(value, value),), negated)
    if word == "-i" and not value.endswith("+"):
        return Match("interface", (value,), negated)
    if word in ("--dport", "--dports"):
        return Match("port", tuple(value.replace(":", "-").split(",")), negated)
    if word in ("--ctstate", "--state"):
        return Match("state", tuple(value.lower().split(",")), negated)
    return Match("")


def statement(item: Item) -> list[str]:
    """Return the rule that lets an item in, as words for iptables-restore."""
    words = ["-s", _network(item.source)] if item.source else []
    words += ["-d", _network(item.destination)] if item.destination else []
    if item.is_advert:
        words += ["-p", str(VRRP)]
    else:
        words += ["-p", item.protocol, "-m", item.protocol, "--dport", item.ports.replace("-", ":")]
    return [*words, "-m", "comment", "--comment", f'"{item.comment}"', "-j", "ACCEPT"]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


class Change(t.NamedTuple):
    """A text for ``iptables-restore --noflush``, empty where nothing is to be done, and what it does, in words."""

    script: str
    added: list[str]
    removed: list[str]


def change(ruleset: Ruleset, items: t.Iterable[Item], *, chain: str = "INPUT", interface: str = "") -> Change:
    """Return what brings a chain to let in these items, and nothing else of ours; see ``nft.change``."""
    result = next((one for one in ruleset.chains.values() if one.name == chain), None)
    if result is None:
        return Change("", [], [])
    wanted = {item.comment: item for item in items}
    kept: list[Rule] = []
    lines: list[str] = []
    removed: list[str] = []
    for rule in result.rules:
        comments = [one.comment for one in kept]
        if rule.comment.startswith(MARK) and (rule.comment not in wanted or rule.comment in comments):
            lines.append(f"-D {chain} {rule.text}")
            removed.append(rule.comment)
        else:
            kept.append(rule)
    new = [item for comment, item in wanted.items() if comment not in [one.comment for one in kept]]
    for item in reversed([one for one in new if one.is_advert]):
        lines.append(" ".join([f"-I {chain} 1", *statement(item)]))
        kept.insert(0, Rule(comment=item.comment))
    for item in (one for one in new if not one.is_advert):
        index = _first_refusal(ruleset, replace(result, rules=tuple(kept)), item, interface)
        lines.append(" ".join([f"-I {chain} {index + 1}", *statement(item)]))
        kept.insert(index, Rule(comment=item.comment))
    place = f"{result.family} {chain}"
    script = "\n".join(["*filter", *lines, "COMMIT", ""]) if lines else ""
    return Change(script, [f"{place}: {item.comment}" for item in new], [f"{place}: {one}" for one in removed])


def _first_refusal(ruleset: Ruleset, chain: Chain, item: Item, interface: str) -> int:
    """Return the number of the rule at which nobody gets through any more, that of the end where it is the policy."""
    packet = Packet(item.family, item.protocol, port=int(item.ports.partition("-")[0]), interface=interface)
    verdict = ruleset.judge(chain, packet, without=MARK)
    return verdict.rule if verdict.what == DROP and verdict.rule >= 0 else len(chain.rules)
