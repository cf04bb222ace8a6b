# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that are there, what is wanted, and the change that follows, for each firewall."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall import firewalld, iptables, nft, ufw
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.access import Access, AccessError, Item
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.heard import Heard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.restore import Kept

PEER = Access(adverts=(("10.0.0.12", ""),))
WEB = Access(ports=(("tcp", "80"),))
BOTH = Access(adverts=(("10.0.0.12", ""), ("fd00::12", "")), ports=(("tcp", "80"), ("udp", "8000-8010")))

Expr = t.List[t.Dict[str, t.Any]]
ADVERT = "holdfast.nginx_ha: vrrp from 10.0.0.12"
STALE = "holdfast.nginx_ha: vrrp from 10.0.0.13"


def match(protocol: str, field: str, right: t.Any) -> dict[str, t.Any]:
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def listed(*rules: tuple[str, Expr], policy: str = "drop", family: str = "inet", other: t.Sequence[Expr] = ()) -> str:
    """Return what nft lists for a chain with these rules (comment, statements), and a chain `other` beside it."""
    where = {"family": family, "table": "filter"}
    base = {"name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": policy}
    entries: list[dict[str, t.Any]] = [{"metainfo": {}}, {"chain": {**where, **base}}]
    entries.append({"chain": {**where, "name": "other", "handle": 2}})
    for number, expr in enumerate(other):
        entries.append({"rule": {**where, "chain": "other", "handle": 90 + number, "expr": expr}})
    for number, (comment, expr) in enumerate(rules):
        said = {"comment": comment} if comment else {}
        entries.append({"rule": {**where, "chain": "input", "handle": 10 + number, "expr": expr, **said}})
    return json.dumps({"nftables": entries})


ACCEPT: Expr = [{"accept": None}]
DROP: Expr = [{"drop": None}]
REJECT: Expr = [{"counter": {}}, {"reject": {"type": "icmpx"}}]
BAD: Expr = [match("ip", "saddr", "10.9.9.9"), {"drop": None}]
SSH: Expr = [match("tcp", "dport", 22), {"accept": None}]
TO_OTHER: Expr = [
    {"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}},
    {"jump": {"target": "other"}},
]

INSERT = 'insert rule inet filter input ip saddr 10.0.0.12 meta l4proto 112 accept comment "' + ADVERT + '"'
WEB_RULE = 'tcp dport 80 accept comment "holdfast.nginx_ha: tcp 80"'
NFT: dict[str, tuple[str, Access, list[str]]] = {
    "an empty chain that drops": (listed(), PEER, [INSERT]),
    "a chain that nothing ends in": (listed(("", SSH), policy="accept"), PEER, []),
    "a chain that accepts but for one rule": (listed(("", BAD), policy="accept"), PEER, [INSERT]),
    "what is there stays": (listed((ADVERT, ACCEPT)), PEER, []),
    "what is there twice goes once": (
        listed((ADVERT, ACCEPT), (ADVERT, ACCEPT)),
        PEER,
        ["delete rule inet filter input handle 11"],
    ),
    "a peer that left": (listed((STALE, ACCEPT), (ADVERT, ACCEPT)), PEER, ["delete rule inet filter input handle 10"]),
    "nothing wanted": (
        listed((ADVERT, ACCEPT), ("mine", ACCEPT)),
        Access(),
        ["delete rule inet filter input handle 10"],
    ),
    "a firewall that blocks no more": (
        listed((ADVERT, ACCEPT), policy="accept"),
        PEER,
        ["delete rule inet filter input handle 10"],
    ),
    "a chain of IPv6": (listed(family="ip6"), PEER, []),
    "a port before the end of all": (
        listed(("", SSH), ("", BAD), ("", REJECT)),
        WEB,
        [f"insert rule inet filter input handle 12 {WEB_RULE}"],
    ),
    "a port at the end": (listed(("", SSH), ("", BAD)), WEB, [f"add rule inet filter input {WEB_RULE}"]),
    "a port before a jump from which none returns": (
        listed(("", BAD), ("", TO_OTHER), other=[SSH, DROP]),
        WEB,
        [f"insert rule inet filter input handle 11 {WEB_RULE}"],
    ),
    "a port from one network": (
        listed(),
        Access(ports=(("tcp", "80"),), sources=("10.0.0.0/8",)),
        [
            "add rule inet filter input ip saddr 10.0.0.0/8 tcp dport 80 accept "
            'comment "holdfast.nginx_ha: tcp 80 from 10.0.0.0/8"'
        ],
    ),
    "a group": (
        listed(),
        Access(adverts=(("10.0.0.12", "224.0.0.18"),)),
        [
            "insert rule inet filter input ip saddr 10.0.0.12 ip daddr 224.0.0.18 meta l4proto 112 accept "
            'comment "holdfast.nginx_ha: vrrp from 10.0.0.12 to 224.0.0.18"'
        ],
    ),
}


@pytest.mark.parametrize("case", NFT)
def test_nftables(case: str) -> None:
    there, wanted, script = NFT[case]
    assert nft.change(nft.parse(there), wanted).script.split("\n")[:-1] == script


def test_adverts_keep_their_order_above_everything_else() -> None:
    script = nft.change(nft.parse(listed(("", SSH))), BOTH).script
    # Each is inserted at the top, so the last of the script comes first.
    assert [line.split(" ", 6)[5:6] for line in script.split("\n")[:2]] == [["ip6"], ["ip"]]


def saved(*rules: str, policy: str = "DROP") -> str:
    lines = ["*nat", ":INPUT ACCEPT [0:0]", "-A INPUT -j DROP", "COMMIT", "*filter", f":INPUT {policy} [3:180]"]
    return "\n".join(
        [*lines, ":mine - [0:0]", "-A mine -j DROP", *(f"-A INPUT {rule}" for rule in rules), "COMMIT", ""]
    )


def own(comment: str) -> str:
    return f'-s 10.0.0.12/32 -p vrrp -m comment --comment "{comment}" -j ACCEPT'


SYN = "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"
WEB_WORDS = '-p tcp -m tcp --dport 80 -m comment --comment "holdfast.nginx_ha: tcp 80" -j ACCEPT'
IPTABLES: dict[str, tuple[str, Access, list[str]]] = {
    "an empty chain": (saved(), PEER, [f'-I INPUT 1 -s 10.0.0.12/32 -p 112 -m comment --comment "{ADVERT}" -j ACCEPT']),
    "what is there stays": (saved("-i lo -j ACCEPT", own(ADVERT)), PEER, []),
    "a peer that left": (saved(own(STALE), own(ADVERT)), PEER, [f"-D INPUT {own(STALE)}"]),
    "a port before the end": (saved("-i lo -j ACCEPT", SYN, "-j REJECT"), WEB, [f"-I INPUT 3 {WEB_WORDS}"]),
    "a port before a chain that ends all": (saved("-i lo -j ACCEPT", "-j mine"), WEB, [f"-I INPUT 2 {WEB_WORDS}"]),
    "a port at the end": (saved("-i lo -j ACCEPT", "! -s 10.0.0.0/8 -j DROP"), WEB, [f"-I INPUT 3 {WEB_WORDS}"]),
    "a range": (
        saved(),
        Access(ports=(("udp", "8000-8010"),)),
        [
            "-I INPUT 1 -p udp -m udp --dport 8000:8010 "
            '-m comment --comment "holdfast.nginx_ha: udp 8000-8010" -j ACCEPT'
        ],
    ),
    "a port behind a new advert": (
        saved("-j DROP"),
        Access(PEER.adverts, WEB.ports),
        [f'-I INPUT 1 -s 10.0.0.12/32 -p 112 -m comment --comment "{ADVERT}" -j ACCEPT', f"-I INPUT 2 {WEB_WORDS}"],
    ),
}


@pytest.mark.parametrize("case", IPTABLES)
def test_iptables(case: str) -> None:
    there, wanted, lines = IPTABLES[case]
    script = iptables.change(iptables.parse(there, 4), wanted.items(4)).script
    assert script == ("\n".join(["*filter", *lines, "COMMIT", ""]) if lines else "")


BEFORE = "*filter\n:ufw-before-input - [0:0]\n# End required lines\n\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n"


def test_the_file_of_ufw_is_as_before_when_nothing_is_wanted_any_more() -> None:
    written = ufw.with_adverts(BEFORE, PEER.items(4), 4)
    assert written.split("\n")[3:6] == [
        ufw.BEGIN,
        f'-A ufw-before-input -s 10.0.0.12/32 -p 112 -m comment --comment "{ADVERT}" -j ACCEPT',
        ufw.END,
    ]
    assert ufw.with_adverts(written, PEER.items(4), 4) == written
    assert ufw.with_adverts(written, [], 4) == BEFORE


def test_a_file_of_ufw_that_was_written_by_hand_gets_its_rules_before_the_others() -> None:
    shorter = BEFORE.replace("# End required lines\n\n", "")
    assert ufw.with_adverts(shorter, PEER.items(4), 4).split("\n")[2] == ufw.BEGIN


UFW: dict[str, tuple[str, Access, list[str]]] = {
    "a port": ("ufw allow 22/tcp", WEB, ["ufw allow 80/tcp comment holdfast.nginx_ha: tcp 80"]),
    "a port of the user's": ("ufw allow 80/tcp", WEB, []),
    "a user's port that is not wanted": ("ufw allow 80/tcp comment 'the shop'", Access(), []),
    "ours that is not wanted": (
        "ufw allow 80/tcp comment 'holdfast.nginx_ha: tcp 80'",
        Access(),
        ["ufw delete allow 80/tcp"],
    ),
    "from a network, a range": (
        "",
        Access(ports=(("udp", "8000-8010"),), sources=("10.0.0.0/8",)),
        [
            "ufw allow from 10.0.0.0/8 to any port 8000:8010 proto udp "
            "comment holdfast.nginx_ha: udp 8000-8010 from 10.0.0.0/8"
        ],
    ),
}


@pytest.mark.parametrize("case", UFW)
def test_the_commands_of_ufw(case: str) -> None:
    there, wanted, commands = UFW[case]
    assert [" ".join(one) for one in ufw.ports(f"Added user rules:\n{there}\n", wanted).commands] == commands


ZONES = firewalld.active_zones(
    "dmz\n  interfaces: eth1\npublic (default)\n  interfaces: eth0 eth2\ninner\n  sources: 10.0.0.0/24 ipset:x\n"
)
VRRP_RULE = 'rule family="ipv4" source address="10.0.0.12" protocol value="112" accept'
PORT_RULE = 'rule port port="80" protocol="tcp" accept'


@pytest.mark.parametrize(
    ("interfaces", "access", "expected"),
    [
        (("eth0",), WEB, {"public": [PORT_RULE], "inner": [PORT_RULE]}),
        (("eth1",), PEER, {"dmz": [VRRP_RULE], "inner": [VRRP_RULE]}),
        ((), PEER, {"work": [VRRP_RULE], "inner": [VRRP_RULE]}),
        (("eth9",), Access(adverts=(("10.7.0.1", ""),)), {"work": [VRRP_RULE.replace("10.0.0.12", "10.7.0.1")]}),
    ],
)
def test_the_zones_of_firewalld(interfaces: tuple[str, ...], access: Access, expected: t.Any) -> None:
    said = Access(access.adverts, access.ports, (), interfaces)
    assert firewalld.wanted(ZONES, "work", said) == expected


def test_rules_of_the_user_in_firewalld_stay() -> None:
    now = {"public": ["mine", "ours", "stale"]}
    change = firewalld.difference(now, {"public": ["ours", "stale", "lost"]}, {"public": ["mine", "ours", "new"]})
    assert change == ({"public": ["new"]}, {"public": ["stale"]})


def test_the_rules_of_firewalld_that_let_adverts_in() -> None:
    assert firewalld.for_adverts({"public": [VRRP_RULE, PORT_RULE], "dmz": [PORT_RULE]}) == {"public": [VRRP_RULE]}


@pytest.mark.parametrize(
    ("adverts", "ports", "sources", "sentence"),
    [
        ([{"source": "lb2"}], [], [], "adverts[0].source: 'lb2' is no address"),
        (
            [{"source": "10.0.0.1", "group": "ff02::12"}],
            [],
            [],
            "adverts[0].group: ff02::12 and 10.0.0.1 are not of one",
        ),
        ([], ["80"], [], "ports[0]: '80' is no port"),
        ([], ["90-80/tcp"], [], "ports[0]: '90-80/tcp' is no port"),
        ([], ["80/tcp"], ["everybody"], "sources[0]: 'everybody' is neither"),
    ],
)
def test_what_is_not_understood_is_refused(adverts: t.Any, ports: t.Any, sources: t.Any, sentence: str) -> None:
    with pytest.raises(AccessError) as refused:
        Access.read(adverts, ports, sources)
    assert str(refused.value).startswith(sentence)


def test_what_is_wanted_survives_being_written_down() -> None:
    access = Access.read([{"source": "10.0.0.12"}], ["80/tcp"], ["10.0.0.1/32", "0.0.0.0/0"], ["eth0"])
    heard = Heard((("10.0.0.12", 255), ("fd00::12", 250)), authenticated=True)
    for kept in (Kept(access, heard, iptables=False), Kept()):
        assert Kept.from_text(kept.to_text()) == kept
    # Anywhere is anywhere, whatever else is listed.
    assert access.items(4)[1:] == [Item(4, "tcp", "", "", "80")]
