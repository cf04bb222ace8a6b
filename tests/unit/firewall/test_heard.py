# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose adverts reach keepalived: the tables that say so, and whether one that is there is whole."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.heard import (
    Heard,
    iptables_script,
    is_in_iptables,
    is_in_nft,
    nft_script,
)

PEERS = Heard((("10.0.0.12", 255), ("fd00::12", 250)))
ELSE = "holdfast.nginx_ha: everything else than 112"
FOUR = "holdfast.nginx_ha: vrrp from 10.0.0.12 ttl 255"
SIX = "holdfast.nginx_ha: vrrp from fd00::12 ttl 250"
DROPPED = "holdfast.nginx_ha: vrrp from anybody else"


def test_nftables_makes_the_table_anew_in_one_transaction() -> None:
    assert nft_script(PEERS).split("\n") == [
        "add table inet holdfast_vrrp",
        "delete table inet holdfast_vrrp",
        "table inet holdfast_vrrp {",
        "chain input {",
        "type filter hook input priority -300; policy accept;",
        f'meta l4proto != {{ 112 }} accept comment "{ELSE}"',
        f'ip saddr 10.0.0.12 ip ttl >= 255 accept comment "{FOUR}"',
        f'ip6 saddr fd00::12 ip6 hoplimit >= 250 accept comment "{SIX}"',
        f'counter drop comment "{DROPPED}"',
        "}",
        "}",
        "",
    ]
    assert "ip6 saddr fd00::12 accept comment" in nft_script(Heard((("fd00::12", 0),)))
    assert nft_script(None) == "add table inet holdfast_vrrp\ndelete table inet holdfast_vrrp\n"
    assert "!= { 51, 112 }" in nft_script(Heard((), authenticated=True))


def listed(*comments: str, table: t.Mapping[str, t.Any] | None = None, **chain: t.Any) -> str:
    base = {"name": "input", "hook": "input", "prio": -300, "policy": "accept"}
    entries: list[dict[str, t.Any]] = [{"metainfo": {}}, {"table": dict(table or {})}, {"chain": {**base, **chain}}]
    entries += [{"rule": {"comment": comment} if comment else {}} for comment in comments]
    return json.dumps({"nftables": entries})


WHOLE = (ELSE, FOUR, SIX, DROPPED)


@pytest.mark.parametrize(
    ("there", "is_whole"),
    [
        (listed(*WHOLE), True),
        (listed(*WHOLE[:-1]), False),
        (listed(*WHOLE, ""), False),
        (listed("", *WHOLE), False),
        (listed(), False),
        (listed(*WHOLE, policy="drop"), False),
        (listed(*WHOLE, prio=10), False),
        (listed(*WHOLE, table={"flags": ["dormant"]}), False),
    ],
)
def test_a_table_is_whole_or_is_made_anew(there: str, is_whole: bool) -> None:
    assert is_in_nft(there, PEERS) == is_whole


def after(script: str) -> str:
    """Return what iptables-save prints when a script has been restored."""
    lines = [line for line in script.split("\n") if line.startswith(("*", ":", "-A"))]
    inserted = [f"-A INPUT {line[len('-I INPUT 1 ') :]}" for line in script.split("\n") if line.startswith("-I")]
    return "\n".join(["*nat", ":INPUT ACCEPT [0:0]", "COMMIT", *lines, *inserted[::-1], "COMMIT", ""])


@pytest.mark.parametrize("family", [4, 6])
def test_iptables_does_it_in_a_chain_that_is_asked_first(family: int) -> None:
    script = iptables_script("*mangle\n:INPUT ACCEPT [0:0]\nCOMMIT\n", PEERS, family)
    rule = "-s 10.0.0.12/32 -m ttl --ttl-gt 254" if family == 4 else "-s fd00::12/128 -m hl --hl-gt 249"
    assert script.split("\n") == [
        "*mangle",
        ":HOLDFAST-VRRP - [0:0]",
        f'-A HOLDFAST-VRRP {rule} -m comment --comment "{FOUR if family == 4 else SIX}" -j RETURN',
        f'-A HOLDFAST-VRRP -m comment --comment "{DROPPED}" -j DROP',
        "-I INPUT 1 -p 112 -j HOLDFAST-VRRP",
        "COMMIT",
        "",
    ]
    there = after(script)
    assert is_in_iptables(there, PEERS, family)
    assert iptables_script(there, PEERS, family) == ""
    before_ours = there.replace("-A INPUT", "-A INPUT -j ACCEPT\n-A INPUT", 1)
    assert "-D INPUT -p 112 -j HOLDFAST-VRRP\n" in iptables_script(before_ours, PEERS, family)
    gone = iptables_script(there, None, family).split("\n")[1:-2]
    assert gone == ["-D INPUT -p 112 -j HOLDFAST-VRRP", "-F HOLDFAST-VRRP", "-X HOLDFAST-VRRP"]
    assert iptables_script("", None, family) == ""


def test_a_peer_that_comes_and_one_that_goes_are_heard_together() -> None:
    old, new = Heard((("10.0.0.12", 255), ("10.0.0.13", 255))), Heard((("10.0.0.13", 250), ("10.0.0.14", 255)))
    assert dict(new.joined(old).senders) == {"10.0.0.12": 255, "10.0.0.13": 250, "10.0.0.14": 255}
