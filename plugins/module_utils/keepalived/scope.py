# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole keepalived configuration as its rules see it, and how a rule is written. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_interface

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.block import Block, walk
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.addresses import HostAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.election import Node

__all__ = (
    "RULES",
    "Found",
    "Instance",
    "Rule",
    "Scope",
    "Tracker",
    "Virtual",
    "as_ip",
    "number",
    "rule",
    "trackers",
    "value",
)

AnyAddress = t.Union[IPv4Address, IPv6Address]

DEFINED_BY: dict[str, tuple[str, ...]] = {
    "track_script": ("vrrp_script",),
    "track_file": ("track_file", "vrrp_track_file"),
    "track_process": ("vrrp_track_process",),
    "track_bfd": ("bfd_instance",),
}
TRACKS = (*DEFINED_BY, "track_interface")
# What a tracker weighs where nobody says it; 0 is FAULT.
OWN_WEIGHT = {"track_file": 1, "vrrp_track_file": 1}
_WITH_VALUE = ("brd", "broadcast", "dev", "label", "peer", "preferred_lft", "scope", "track_group")


class Virtual(t.NamedTuple):
    """A line of virtual_ipaddress or virtual_ipaddress_excluded; no address where the line has none to be read."""

    line: Block
    ip: AnyAddress | None
    device: str
    label: str
    advertised: bool


class Tracker(t.NamedTuple):
    """A line of track_script and its relatives. ``weight`` is the one said there, None where it is the tracker's."""

    line: Block
    kind: str
    name: str
    weight: int | None


def value(block: Block, name: str, default: str = "") -> str:
    """Return the value of a keyword: the last one, as for keepalived."""
    lines = block.find(name)
    return lines[-1].args[0] if lines and lines[-1].args else default


def number(block: Block, name: str, default: float | None = None) -> float | None:
    """Return the number of a keyword; the default where it is not there or no number."""
    with contextlib.suppress(ValueError):
        return float(value(block, name))
    return default


def as_ip(text: str) -> AnyAddress | None:
    """Return the address at the beginning of ``192.0.2.1/24``; None for anything else."""
    with contextlib.suppress(ValueError):
        return ip_interface(text.partition("%")[0]).ip
    return None


@dataclass(frozen=True)
class Instance:
    """A vrrp_instance with what the whole configuration says of it."""

    block: Block
    version: int
    default_interface: str

    @property
    def name(self) -> str:
        return self.block.args[0] if self.block.args else ""

    @property
    def interface(self) -> str:
        return value(self.block, "interface", self.default_interface)

    @property
    def priority(self) -> int:
        return int(number(self.block, "priority", 100) or 0)

    @property
    def source(self) -> str:
        return value(self.block, "unicast_src_ip") or value(self.block, "mcast_src_ip")

    @property
    def peers(self) -> tuple[Block, ...]:
        return tuple(line for some in self.block.find("unicast_peer") for line in some.children or ())

    @property
    def family(self) -> int:
        """4 or 6, as the first address says."""
        return next((one.ip.version for one in self.addresses() if one.ip), 4)

    def line(self, *names: str) -> Block:
        """Return the first line of these keywords, else the instance itself."""
        return next((child for child in self.block.children or () if child.name in names), self.block)

    def has(self, name: str) -> bool:
        return bool(self.block.find(name))

    def addresses(self) -> t.Iterator[Virtual]:
        """Yield all virtual addresses, in their order."""
        for some in self.block.find("virtual_ipaddress", "virtual_ipaddress_excluded"):
            for line in some.children or ():
                if not line.is_comment:
                    yield self._virtual(line, some.name == "virtual_ipaddress")

    def _virtual(self, line: Block, advertised: bool) -> Virtual:
        found: dict[str, str] = {}
        ip = None
        words = iter((line.name, *line.args))
        for word in words:
            if word in _WITH_VALUE:
                found[word] = next(words, "")
            elif ip is None:
                ip = as_ip(word)
        return Virtual(line, ip, found.get("dev", self.interface), found.get("label", ""), advertised)


def trackers(block: Block) -> t.Iterator[Tracker]:
    """Yield what a vrrp_instance or vrrp_sync_group tracks."""
    for some in block.find(*TRACKS):
        for line in some.children or ():
            weight = None
            if "weight" in line.args[:-1]:
                with contextlib.suppress(ValueError):
                    weight = int(line.args[line.args.index("weight") + 1])
            if weight is not None and line.args[-1] == "reverse":
                weight = -weight
            if not line.is_comment:
                yield Tracker(line, some.name, line.name, weight)


@dataclass(frozen=True)
class Scope:
    """A configuration and what is known of its host.

    ``is_whole`` is false for the text of one file as it was written: includes, definitions and conditions in it are not
    followed, so that nothing can be said of what is not there. ``peers`` are the other members of an instance by its
    name. ``sources`` are the texts of files, by their path. ``runnable`` tells whether a path is a program.
    """

    blocks: tuple[Block, ...]
    addresses: t.Sequence[HostAddress] = ()
    peers: t.Mapping[str, t.Sequence[Node]] | None = None
    version: Version | None = None
    container: bool = False
    sources: t.Mapping[str, str] | None = None
    runnable: t.Callable[[str], bool] | None = None

    @property
    def is_whole(self) -> bool:
        return all(block.raw is None for block in walk(self.blocks))

    def named(self, *names: str) -> tuple[Block, ...]:
        """Return the root blocks of these names."""
        return tuple(block for block in self.blocks if block.name in names)

    @property
    def global_defs(self) -> Block:
        """All blocks global_defs as one."""
        found = self.named("global_defs")
        return Block("global_defs", (), tuple(child for block in found for child in block.children or ()))

    @property
    def instances(self) -> tuple[Instance, ...]:
        defs = self.global_defs
        version, interface = value(defs, "vrrp_version", "2"), value(defs, "default_interface")
        return tuple(
            Instance(block, 3 if value(block, "version", version) == "3" else 2, interface)
            for block in self.named("vrrp_instance")
        )

    def definition(self, tracker: Tracker) -> Block | None:
        """Return the block that defines what is tracked."""
        found = (block for block in self.named(*DEFINED_BY.get(tracker.kind, ())) if block.args[:1] == (tracker.name,))
        return next(found, None)

    def weight(self, tracker: Tracker) -> int:
        """Return what a tracker weighs: what its line says, else what its definition says."""
        if tracker.weight is not None:
            return tracker.weight
        block = self.definition(tracker)
        if block is None:
            return 0
        weight = int(number(block, "weight", OWN_WEIGHT.get(block.name, 0)) or 0)
        return -weight if block.find("weight") and block.find("weight")[-1].args[1:] == ("reverse",) else weight

    def weighted(self, instance: Instance) -> list[tuple[Tracker, int]]:
        """Return the trackers of an instance that change its priority, with their weight."""
        found = [(one, self.weight(one)) for one in trackers(instance.block)]
        return [(one, weight) for one, weight in found if weight]


Found = t.Iterator[t.Tuple[Block, str]]


@dataclass(frozen=True)
class Rule:
    """A rule by its name; ``summary`` says what it is about, ``find`` yields the blocks at fault with a sentence."""

    name: str
    severity: str
    summary: str
    find: t.Callable[[Scope], Found]


RULES: dict[str, Rule] = {}


def rule(severity: str) -> t.Callable[[t.Callable[[Scope], Found]], t.Callable[[Scope], Found]]:
    """Register a function as a rule: its name is the rule's, the first line of its docstring the summary."""

    def register(find: t.Callable[[Scope], Found]) -> t.Callable[[Scope], Found]:
        summary = (find.__doc__ or "").strip().split("\n")[0]
        RULES[find.__name__] = Rule(find.__name__, severity, summary, find)
        return find

    return register
