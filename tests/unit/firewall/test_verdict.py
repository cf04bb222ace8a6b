# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an advert under the rules of a host, and whether that is certain."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall import iptables, nft
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.ruleset import Packet

ADVERT = Packet(4, "vrrp", "10.0.0.12", "10.0.0.11", interface="eth0")


def saved(*rules: str) -> str:
    return "\n".join(["*filter", ":INPUT DROP [0:0]", ":web - [0:0]", *rules, "COMMIT", ""])


IPTABLES: dict[str, tuple[tuple[str, ...], tuple[str, bool]]] = {
    "the policy": ((), ("drop", True)),
    "by number": (("-A INPUT -p 112 -j ACCEPT",), ("accept", True)),
    "from the peer": (("-A INPUT -s 10.0.0.12/32 -p vrrp -j ACCEPT",), ("accept", True)),
    "from somebody else": (("-A INPUT -s 10.0.0.13/32 -p vrrp -j ACCEPT",), ("drop", True)),
    "to a group": (("-A INPUT -d 224.0.0.18/32 -p vrrp -j ACCEPT",), ("drop", True)),
    "another protocol": (
        ("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "-A INPUT ! -p udp -j ACCEPT"),
        ("accept", True),
    ),
    "another interface": (("-A INPUT -i eth1 -j ACCEPT",), ("drop", True)),
    "a state": (("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",), ("drop", True)),
    "a limit may let it through": (("-A INPUT -m limit --limit 3/min -j ACCEPT",), ("drop", False)),
    "through a chain and back": (("-A web -p tcp -j DROP", "-A INPUT -j web", "-A INPUT -j ACCEPT"), ("accept", True)),
    "in a chain": (("-A web -s 10.0.0.0/24 -j DROP", "-A INPUT -j web", "-A INPUT -j ACCEPT"), ("drop", True)),
    "returned": (
        ("-A web -p vrrp -j RETURN", "-A web -j DROP", "-A INPUT -j web", "-A INPUT -j ACCEPT"),
        ("accept", True),
    ),
    "gone to a chain and not back": (("-A INPUT -g web", "-A INPUT -j ACCEPT"), ("drop", True)),
    "logged first": (("-A INPUT -j LOG --log-prefix x", "-A INPUT -j ACCEPT"), ("accept", True)),
    "a target that nobody knows": (("-A INPUT -j SYNPROXY", "-A INPUT -j ACCEPT"), ("accept", False)),
}


@pytest.mark.parametrize("case", IPTABLES)
def test_iptables(case: str) -> None:
    rules, expected = IPTABLES[case]
    verdict = iptables.parse(saved(*rules), 4).verdict(ADVERT)
    assert (verdict.what, verdict.certain) == expected


def payload(field: str, right: t.Any, protocol: str = "ip", op: str = "==") -> dict[str, t.Any]:
    return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def meta(key: str, right: t.Any) -> dict[str, t.Any]:
    return {"match": {"op": "==", "left": {"meta": {"key": key}}, "right": right}}


ACCEPT: dict[str, t.Any] = {"accept": None}
STATES = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}
PORTS = {"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[22, ACCEPT]]}}}
NFT: dict[str, tuple[list[list[dict[str, t.Any]]], tuple[str, bool]]] = {
    "the policy": ([], ("drop", True)),
    "by its name": ([[meta("l4proto", "vrrp"), ACCEPT]], ("accept", True)),
    "by its number": ([[payload("protocol", 112), ACCEPT]], ("accept", True)),
    "among others": ([[payload("protocol", {"set": ["icmp", "vrrp"]}), ACCEPT]], ("accept", True)),
    "from a network in a set": (
        [[payload("saddr", {"set": [{"prefix": {"addr": "10.0.0.0", "len": 24}}]}), ACCEPT]],
        ("accept", True),
    ),
    "from all but one": ([[payload("saddr", "10.0.0.13", op="!="), ACCEPT]], ("accept", True)),
    "from a named set": ([[payload("saddr", "@peers"), ACCEPT]], ("drop", False)),
    "of the other family": ([[payload("nexthdr", "vrrp", protocol="ip6"), ACCEPT]], ("drop", True)),
    "established": ([[STATES, ACCEPT]], ("drop", True)),
    "a map of ports": ([[PORTS]], ("drop", True)),
    "rejected": ([[meta("iifname", "eth0"), {"reject": {}}], [ACCEPT]], ("drop", True)),
    "a rule of iptables within": ([[{"xt": {"type": "match", "name": "x"}}, ACCEPT]], ("drop", False)),
}


@pytest.mark.parametrize("case", NFT)
def test_nftables(case: str) -> None:
    rules, expected = NFT[case]
    where = {"family": "inet", "table": "filter"}
    base = {"name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    entries: list[dict[str, t.Any]] = [{"chain": {**where, **base}}]
    entries += [{"rule": {**where, "chain": "input", "handle": 2, "expr": expr}} for expr in rules]
    verdict = nft.parse(json.dumps({"nftables": entries})).verdict(ADVERT)
    assert (verdict.what, verdict.certain) == expected
