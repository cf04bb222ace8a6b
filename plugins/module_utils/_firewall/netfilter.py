# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nftables and iptables as they run on a host, and changed there. Private to this collection."""

from __future__ import annotations

import typing as t

from . import iptables, nft
from .access import MARK, Access, AccessError
from .heard import TABLE, Heard, iptables_script, is_in_nft, nft_script
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
        self.has_nft = False
        self.tables = self._read_nft()
        self._saved = {(program, family): self._read(f"{program}-save") for program, family in self._programs()}
        self.iptables = {key: iptables.parse(saved, key[1]) for key, saved in self._saved.items()}

    @property
    def works(self) -> bool:
        """Whether there is any program that can change it."""
        return self.has_nft or bool(self._saved)

    @property
    def names(self) -> list[str]:
        """Return which of the two have rules by which something may be blocked."""
        result = ["nftables"] if any(self.tables.can_block(item, without=MARK) for item in self.tables.inputs()) else []
        blocking = [
            program
            for (program, _family), ruleset in self.iptables.items()
            if any(ruleset.can_block(chain, without=MARK) for chain in ruleset.inputs())
        ]
        return result + (["iptables"] if blocking else [])

    def steps(self, access: Access, *, chain: str = "") -> list[Step]:
        """Return what lets in what is wanted.

        ``chain`` names another chain of iptables than INPUT, for adverts alone; that for IPv6 has a 6 in its first
        word, as those of ufw have. nftables is not looked at then.
        """
        result = []
        if not chain:
            change = nft.change(self.tables, access)
            result.append(Step(("nft", "-f", "-"), ("nft", "--check", "-f", "-"), *change))
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
            result.append(Step(restore, (*restore, "--test"), *changed))
        return [step for step in result if step.script]

    def hearing(self, heard: Heard | None) -> list[Step]:
        """Return what lets adverts of these senders through and no others; None: those of anybody.

        nftables has a table for it, and where it is not to be had, iptables a chain. Raises AccessError without either.
        """
        if heard is not None and not self.works:
            raise AccessError(
                "neither nft nor iptables works on this host, so adverts of anybody would reach keepalived: "
                "install nftables"
            )
        result: list[Step] = []
        if self.has_nft:
            listed = self._run("nft", "-j", "list", "table", "inet", TABLE)
            is_right = listed.rc != 0 if heard is None else listed.rc == 0 and is_in_nft(listed.stdout, heard)
            if not is_right:
                result.append(_hearing(("nft", "-f", "-"), ("nft", "--check", "-f", "-"), nft_script(heard), heard))
            heard = None  # what an earlier run left in iptables goes
        for (program, family), saved in self._saved.items():
            script = iptables_script(saved, None if "legacy" in program else heard, family)
            restore = (f"{program}-restore", "--noflush", "--wait")
            result += [_hearing(restore, (*restore, "--test"), script, heard)] if script else []
        return result

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
        self.has_nft = True
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


def _hearing(command: tuple[str, ...], test: tuple[str, ...], script: str, heard: Heard | None) -> Step:
    """Return the step, told in words without each of its rules."""
    where = "nftables" if command[0] == "nft" else command[0].replace("-restore", "")
    if heard is None:
        return Step(command, test, script, [], [f"{where}: only adverts of the peers are heard"])
    senders = " and ".join(address for address, _ttl in heard.senders) or "nobody"
    return Step(command, test, script, [f"{where}: only adverts of {senders} are heard"], [])


def _has_filter(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return "filter" in file.read().split()
    except OSError:
        return False
