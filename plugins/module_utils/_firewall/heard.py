# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose adverts reach keepalived: a table of its own that drops all others, before any firewall. Private to this
collection.

keepalived drops an advert of a foreign router, but only after it has read it, and some ten of them a second make its
own late. So they must not come as far. A packet with TTL 255 has passed no router (RFC 5798, section 5.1.1.3); of a
peer that lives behind one the lowest TTL has to be told.

The table is at the hook of packets for the host itself, so what is forwarded is none of its business. An ``accept`` in
it ends this table and no other: whatever firewall runs still has its say.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
import typing as t
from dataclasses import asdict, dataclass

from .._vrrp.ttl import HIGHEST_TTL
from .access import MARK, VRRP, AccessError

__all__ = (
    "AH",
    "CHAIN",
    "TABLE",
    "Heard",
    "iptables_script",
    "is_in_iptables",
    "is_in_nft",
    "nft_script",
)

TABLE = "holdfast_vrrp"
CHAIN = "HOLDFAST-VRRP"
PRIORITY = -300
"""Before what firewalls use; fragments of IPv4 are whole again at this hook."""

AH = 51
"""The number of the authentication header, in which version 2 can wrap its adverts (RFC 2338)."""

ELSE = f"{MARK}: everything else"
DROPPED = f"{MARK}: vrrp from anybody else"


@dataclass(frozen=True)
class Heard:
    """The senders that are heard, each with the lowest TTL that its adverts may arrive with.

    ``authenticated``: an instance uses the authentication header, so all of that protocol reaches keepalived.
    """

    senders: tuple[tuple[str, int], ...] = ()
    authenticated: bool = False

    @property
    def protocols(self) -> tuple[int, ...]:
        return (AH, VRRP) if self.authenticated else (VRRP,)

    @classmethod
    def read(cls, adverts: t.Iterable[t.Mapping[str, t.Any]], *, authenticated: bool = False) -> Heard:
        """Return what options say, whose addresses are known to be such; raises AccessError for a TTL that is none."""
        result = cls(authenticated=authenticated)
        for index, advert in enumerate(adverts):
            if not 0 <= advert["ttl"] <= HIGHEST_TTL:
                raise AccessError(
                    f"adverts[{index}].ttl: {advert['ttl']} is no TTL: write a number from 0 to {HIGHEST_TTL}"
                )
            result = result.joined(cls(((str(ipaddress.ip_address(advert["source"])), advert["ttl"]),)))
        return result

    def of_family(self, family: int) -> list[tuple[str, int]]:
        return [sender for sender in self.senders if ipaddress.ip_address(sender[0]).version == family]

    def joined(self, other: Heard) -> Heard:
        """Return both together; where they differ about a sender, the lower TTL counts."""
        lowest = dict(self.senders)
        for address, ttl in other.senders:
            lowest[address] = min(ttl, lowest.get(address, ttl))
        return Heard(tuple(lowest.items()), self.authenticated or other.authenticated)

    def with_any_ttl(self) -> Heard:
        """Return the same senders, of whose adverts only the source is looked at."""
        return Heard(tuple((address, 0) for address, _ttl in self.senders), self.authenticated)

    def to_data(self) -> dict[str, t.Any]:
        """Return it as data that ``from_data`` reads."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> Heard:
        return cls(tuple((str(sender), int(ttl)) for sender, ttl in data["senders"]), bool(data["authenticated"]))


def nft_script(heard: Heard | None) -> str:
    """Return what makes the table anew in one transaction, or takes it away where nobody is named."""
    lines = [f"add table inet {TABLE}", f"delete table inet {TABLE}"]
    if heard is not None:
        lines += [
            f"table inet {TABLE} {{",
            "chain input {",
            f"type filter hook input priority {PRIORITY}; policy accept;",
        ]
        lines += [f'{rule} comment "{comment}"' for rule, comment in _nft_rules(heard)]
        lines += ["}", "}"]
    return "\n".join([*lines, ""])


def _nft_rules(heard: Heard) -> t.Iterator[tuple[str, str]]:
    """Yield every rule with its comment, which says all of it: by that it is known again."""
    numbers = ", ".join(map(str, heard.protocols))
    yield f"meta l4proto != {{ {numbers} }} accept", f"{ELSE} than {numbers}"
    for family, network, limit in ((4, "ip", "ttl"), (6, "ip6", "hoplimit")):
        for address, ttl in heard.of_family(family):
            above = f"{network} {limit} >= {ttl} " if ttl else ""
            yield f"{network} saddr {address} {above}accept", _comment(address, ttl)
    yield "counter drop", DROPPED


def _comment(address: str, ttl: int) -> str:
    return f"{MARK}: vrrp from {address} ttl {ttl}"


def is_in_nft(listed: str, heard: Heard) -> bool:
    """Return whether the table is whole, from ``nft -j list table``."""
    chains, comments = [], []
    for entry in json.loads(listed)["nftables"]:
        if "table" in entry and entry["table"].get("flags"):
            return False  # one that sleeps
        if "chain" in entry:
            chains.append(tuple(entry["chain"].get(key) for key in ("name", "hook", "prio", "policy")))
        elif "rule" in entry:
            comments.append(entry["rule"].get("comment", ""))
    return chains == [("input", "input", PRIORITY, "accept")] and comments == [
        comment for _rule, comment in _nft_rules(heard)
    ]


def iptables_script(saved: str, heard: Heard | None, family: int) -> str:
    """Return the text for ``iptables-restore --noflush`` that does the same in the table mangle, empty if it is done.

    ``saved`` is what ``iptables-save`` prints.
    """
    chain, jumps, _is_first = _mangle(saved)
    if heard is None:
        lines = [f"-D INPUT {jump}" for jump in jumps]
        if chain is not None:
            lines += [f"-F {CHAIN}", f"-X {CHAIN}"]
    elif is_in_iptables(saved, heard, family):
        lines = []
    else:
        # Naming the chain empties it, in the same transaction.
        lines = [f":{CHAIN} - [0:0]", *(f"-D INPUT {jump}" for jump in jumps)]
        for rule, comment, end in _rules(heard, family):
            lines.append(" ".join(filter(None, [f"-A {CHAIN}", rule, f'-m comment --comment "{comment}"', end])))
        for number in heard.protocols:
            lines.append(f"-I INPUT 1 -p {number} -j {CHAIN}")
    return "\n".join(["*mangle", *lines, "COMMIT", ""]) if lines else ""


def is_in_iptables(saved: str, heard: Heard, family: int) -> bool:
    """Return whether the chain is whole and asked first, from ``iptables-save``."""
    chain, jumps, is_first = _mangle(saved)
    return (
        chain == [comment for _rule, comment, _end in _rules(heard, family)]
        and is_first
        and len(jumps) == len(heard.protocols)
    )


def _rules(heard: Heard, family: int) -> t.Iterator[tuple[str, str, str]]:
    limit = "ttl --ttl-gt" if family == 4 else "hl --hl-gt"
    for address, ttl in heard.of_family(family):
        above = f"-m {limit} {ttl - 1} " if ttl else ""
        yield f"-s {ipaddress.ip_network(address)} {above}".strip(), _comment(address, ttl), "-j RETURN"
    yield "", DROPPED, "-j DROP"


def _mangle(saved: str) -> tuple[list[str] | None, list[str], bool]:
    """Return the comments of our chain (None without it), the jumps into it, and whether they come first."""
    chain: list[str] | None = None
    inputs: list[str] = []
    table = ""
    for line in saved.split("\n"):
        if line.startswith("*"):
            table = line.strip()
        elif table != "*mangle":
            continue
        elif line.startswith(f":{CHAIN} "):
            chain = []
        elif line.startswith(f"-A {CHAIN} ") and chain is not None:
            words = shlex.split(line)
            chain.append(words[words.index("--comment") + 1] if "--comment" in words else "")
        elif line.startswith("-A INPUT "):
            inputs.append(line[len("-A INPUT ") :])
    jumps = [item for item in inputs if item.endswith(f"-j {CHAIN}")]
    return chain, jumps, inputs[: len(jumps)] == jumps
