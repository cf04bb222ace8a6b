# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nftables and iptables as they run on a host, and changed there. Private to this collection."""

from __future__ import annotations

import typing as t

from . import iptables, nft
from .access import MARK, Access, AccessError
from .ruleset import Ruleset

__all__ = ("Netfilter", "Runner", "Step")

Runner = t.Callable[..., t.Any]
"""Runs a program with arguments and ``stdin``; what it returns has rc, stdout and output."""

NOT_FOUND = 127
PROGRAMS = (("iptables", 4), ("ip6tables", 6))
# The older interface of the kernel; a host may have rules in both.
LEGACY_TABLES = {4: "/proc/net/ip_tables_names", 6: "/proc/net/ip6_tables_names"}


class Step(t.NamedTuple):
    """One transaction: the program that takes the script, the one that only tests it, and what it does in words."""

    command: tuple[str, ...]
    test: tuple[str, ...]
    script: str
    added: list[str]
    removed: list[str]


class Netfilter:
    """The packet filter of the kernel as it is now."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self.is_managed = "nf_tables" in run("iptables", "--version").stdout
        self.tables = self._read_nft()
        self.iptables = {
            (program, family): iptables.parse(self._read(f"{program}-save"), family)
            for program, family in self._programs()
        }

    @property
    def names(self) -> list[str]:
        """Return which of the two have rules by which something may be blocked."""
        found = ["nftables"] if any(self.tables.can_block(one, without=MARK) for one in self.tables.inputs()) else []
        blocking = [
            program
            for (program, _family), ruleset in self.iptables.items()
            if any(ruleset.can_block(chain, without=MARK) for chain in ruleset.inputs())
        ]
        return found + (["iptables"] if blocking else [])

    def rulesets(self) -> list[Ruleset]:
        """Return all that a packet has to pass."""
        return [self.tables, *self.iptables.values()]

    def steps(self, access: Access, *, chain: str = "") -> list[Step]:
        """Return what lets in what is wanted.

        ``chain`` names another chain of iptables than INPUT, for adverts alone; that for IPv6 has a 6 in its first
        word, as those of ufw have. nftables is not looked at then.
        """
        found = []
        if not chain:
            change = nft.change(self.tables, access)
            found.append(Step(("nft", "-f", "-"), ("nft", "--check", "-f", "-"), *change))
        for (program, family), ruleset in self.iptables.items():
            items = access.items(family)
            name = "INPUT"
            if chain:
                items = [item for item in items if item.is_advert]
                name = chain if family == 4 else chain.replace("-", "6-", 1)
            elif not any(ruleset.can_block(one, without=MARK) for one in ruleset.inputs()):
                items = []
            changed = iptables.change(ruleset, items, chain=name, interface=access.interface)
            restore = (f"{program}-restore", "--noflush", "--wait")
            found.append(Step(restore, (*restore, "--test"), *changed))
        return [step for step in found if step.script]

    def perform(self, steps: t.Sequence[Step], *, check: bool = False) -> None:
        """Test every step, and then do all; raises AccessError with the program's own words."""
        for step in steps:
            self._must(step.test, step.script)
        if not check:
            for step in steps:
                self._must(step.command, step.script)

    def _must(self, command: tuple[str, ...], script: str) -> None:
        done = self._run(*command, stdin=script)
        if done.rc:
            raise AccessError(f"{command[0]} refuses the rules, and the old ones stay: {done.output}")

    def _read_nft(self) -> Ruleset:
        done = self._run("nft", "-j", "list", "ruleset")
        # Without the program, or without it in the kernel, there are no rules of it either.
        if done.rc == NOT_FOUND or "not supported" in done.output:
            return Ruleset()
        if done.rc:
            raise AccessError(f"the rules of this host cannot be read by `nft -j list ruleset`: {done.output}")
        return nft.parse(done.stdout, managed_by_iptables=self.is_managed)

    def _read(self, program: str) -> str:
        done = self._run(program)
        if done.rc:
            raise AccessError(f"the rules of this host cannot be read by `{program}`: {done.output}")
        return str(done.stdout)

    def _programs(self) -> t.Iterator[tuple[str, int]]:
        for program, family in PROGRAMS:
            if self._run(program, "--version").rc == NOT_FOUND:
                continue
            yield program, family
            if self.is_managed and _has_filter(LEGACY_TABLES[family]):
                yield program.replace("tables", "tables-legacy"), family


def _has_filter(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return "filter" in file.read().split()
    except OSError:
        return False
