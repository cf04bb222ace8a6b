# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every firewall that runs on a host, brought to let in what is wanted. Private to this collection."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._delivery.delivery import (
    deliver,
    units_of_agent,
    withdraw,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall import firewalld, ufw
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.access import Access, AccessError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.heard import Heard
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.netfilter import Netfilter
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall.restore import WANTED, Kept, locked
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._firewall_setup import keeper
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.host import must
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.services import is_stale
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.files import read_state
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.text import replace_text

__all__ = ("Outcome", "is_kept", "settle")

STATE = "/var/lib/holdfast/firewalld.json"
"""What was added to firewalld, whose rules have no comment that would tell."""


@dataclass
class Outcome:
    """The firewalls that run, and what was (or in check mode: will be) added and removed, in words; files changed."""

    firewalls: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.added or self.removed or self.files)


def settle(
    access: Access | None, heard: Heard | None, *, keep: bool = False, check: bool, runner: Runner = run
) -> Outcome:
    """Let in what is wanted through whatever runs, and drop the adverts of whoever is not heard.

    Without ``access`` no firewall is touched. ``keep``: senders that were let in before still are, as they were.
    Raises HoldfastError, and then the old rules stay.
    """
    outcome = Outcome()
    try:
        with contextlib.nullcontext() if check else locked():
            before = _kept()
            if keep and access is not None and before.access is not None:
                access = access.joined(before.access)
            if keep and heard is not None:
                # Where nobody has looked at a TTL yet, a peer may still send with another one until it is changed.
                heard = heard.with_any_ttl() if before.heard is None else heard.joined(before.heard)
            taken = False
            if access is not None and runner("firewall-cmd", "--state").rc == 0:
                outcome.firewalls.append("firewalld")
                _Firewalld(runner, check).settle(access, outcome, keep=keep)
                taken = True  # firewalld may have iptables to itself; tables of nft may exist beside it
            if access is not None and "Status: active" in runner("ufw", "status").stdout:
                outcome.firewalls.append("ufw")
                _ufw(access, outcome, check, runner)
                # ufw takes its own chains apart when it is reloaded, but not INPUT: there adverts come in meanwhile.
                access = replace(access, ports=())
            kept = replace(before, heard=heard) if access is None else Kept(access, heard, iptables=not taken)
            is_kept = _netfilter(kept, outcome, check, runner)
        if is_kept:
            _run_keeper(outcome, check, runner)
    except AccessError as error:
        raise HoldfastError(str(error)) from None
    return outcome


def is_kept() -> bool:
    """Return whether an earlier run has left anything in the packet filter that is kept there."""
    return read_state(WANTED).content is not None


def _kept() -> Kept:
    """Return what an earlier run left here; nothing where it was another version of this collection."""
    try:
        return Kept.from_text((read_state(WANTED).content or b"{}").decode())
    except (ValueError, KeyError, TypeError):
        return Kept()


def _netfilter(kept: Kept, outcome: Outcome, check: bool, runner: Runner) -> bool:
    """Bring it into the packet filter, and return whether something is to be kept there."""
    filters = Netfilter(runner)
    # What the package brings is not there yet in the check mode of a host that has never been set up.
    steps = [] if check and not filters.works else filters.hearing(kept.heard)
    if not kept.iptables:
        filters.iptables.clear()
    if kept.access is not None:
        outcome.firewalls += [name for name in filters.names if name != "iptables" or "ufw" not in outcome.firewalls]
        steps += filters.steps(kept.access)
        if not filters.names or not (kept.access.adverts or kept.access.ports):
            kept = replace(kept, access=None)
    is_needed = bool(kept.access or kept.heard)
    there = read_state(keeper.UNIT_FILE).content is not None
    filters.perform(steps, check=True)
    if there and not is_needed and not check:
        must("systemctl", "disable", "--now", keeper.UNIT, runner=runner)
    written = _Files(outcome, check)
    with written.undone_on_failure():
        # First the files: the service must not bring back what goes now.
        if is_needed:
            written.bring({WANTED: kept.to_text(), keeper.UNIT_FILE: keeper.SERVICE})
        else:
            written.bring({keeper.UNIT_FILE: None, WANTED: None})
        filters.perform(steps, check=check)
    for step in steps:
        outcome.added += step.added
        outcome.removed += step.removed
    if there and not is_needed:
        if units_of_agent() <= {keeper.UNIT}:
            outcome.files += withdraw(check=check)
        if not check:
            must("systemctl", "daemon-reload", runner=runner)
    return is_needed


def _run_keeper(outcome: Outcome, check: bool, runner: Runner) -> None:
    """Let the service run what is there now."""
    delivery = deliver(check=check)
    is_new = keeper.PART in delivery.parts or bool({*outcome.files} - {WANTED})
    if delivery.changed:
        outcome.files.append(delivery.path)
    if not is_new and runner("systemctl", "is-active", "--quiet", keeper.UNIT).rc:
        outcome.added.append(f"{keeper.UNIT}: started")
        is_new = True
    elif not is_new and is_stale(keeper.UNIT, delivery.paths[keeper.PART], runner):
        outcome.added.append(f"{keeper.UNIT}: restarted")
        is_new = True
    if is_new and not check:
        if keeper.UNIT_FILE in outcome.files:
            must("systemctl", "daemon-reload", runner=runner)
            # From the beginning, in case it was enabled for other units by an earlier version.
            must("systemctl", "reenable", keeper.UNIT, runner=runner)
        must("systemctl", "restart", keeper.UNIT, runner=runner)


def _ufw(access: Access, outcome: Outcome, check: bool, runner: Runner) -> None:
    """Adverts go into the files and, without a reload, into the running chain; ports by the command."""
    texts: dict[str, str | None] = {}
    for family, path in ufw.FILES.items():
        state = read_state(path)
        if state.content is not None:
            texts[path] = ufw.with_adverts(state.content.decode(), access.items(family), family)
    ports = ufw.ports(must("ufw", "show", "added", runner=runner), access)
    filters = Netfilter(runner)
    steps = filters.steps(access, chain=ufw.CHAIN)
    filters.perform(steps, check=True)
    written = _Files(outcome, check)
    with written.undone_on_failure():
        written.bring(texts)
        filters.perform(steps, check=check)
        for command in ports.commands if not check else ():
            must(*command, runner=runner)
    for step in steps:
        outcome.added += step.added
        outcome.removed += step.removed
    outcome.added += ports.added
    outcome.removed += ports.removed


class _Firewalld:
    """Rules go into the running firewall and into the permanent one; neither is reloaded."""

    def __init__(self, runner: Runner, check: bool) -> None:
        self._runner = runner
        self._check = check

    def settle(self, access: Access, outcome: Outcome, *, keep: bool = False) -> None:
        zones = firewalld.active_zones(self._ask("--get-active-zones"))
        wanted = firewalld.wanted(zones, self._ask("--get-default-zone").strip(), access)
        ours = self._ours()
        if keep:  # what is kept elsewhere knows nothing of rules that firewalld keeps
            wanted = firewalld.union(wanted, firewalld.for_adverts(ours))
        changes = [
            (kind, firewalld.difference(self._now(kind, {*wanted, *ours}), ours, wanted))
            # The permanent one last: what does not work now must not come back at the next boot.
            for kind in ((), ("--permanent",))
        ]
        for zone, rules in firewalld.union(*(change.add for _kind, change in changes)).items():
            outcome.added += [f"firewalld {zone}: {rule}" for rule in rules]
        for zone, rules in firewalld.union(*(change.remove for _kind, change in changes)).items():
            outcome.removed += [f"firewalld {zone}: {rule}" for rule in rules]
        if self._check:
            return
        permanent = changes[-1][1].add
        # First what may be there, so that a rule is not forgotten by a run that is killed; then what is there.
        self._remember(firewalld.union(ours, permanent))
        self._perform(changes)
        held = firewalld.union(ours, permanent)
        self._remember({zone: [item for item in rules if item in held.get(zone, ())] for zone, rules in wanted.items()})

    def _perform(self, changes: t.Sequence[tuple[tuple[str, ...], firewalld.Change]]) -> None:
        done: list[tuple[tuple[str, ...], str, list[str]]] = []
        try:
            for kind, change in changes:
                for action, by_zone in (("add", change.add), ("remove", change.remove)):
                    for zone, rules in by_zone.items():
                        self._tell((*kind, f"--zone={zone}"), action, rules)
                        done.append(((*kind, f"--zone={zone}"), "remove" if action == "add" else "add", rules))
        except HoldfastError:
            for where, opposite, rules in reversed(done):
                with contextlib.suppress(HoldfastError):
                    self._tell(where, opposite, rules)
            raise

    def _tell(self, where: tuple[str, ...], action: str, rules: t.Sequence[str]) -> None:
        self._ask(*where, *(f"--{action}-rich-rule={rule}" for rule in rules))

    def _now(self, kind: tuple[str, ...], zones: t.Iterable[str]) -> dict[str, list[str]]:
        return {zone: self._ask(*kind, f"--zone={zone}", "--list-rich-rules").split("\n") for zone in sorted(zones)}

    def _ask(self, *arguments: str) -> str:
        return must("firewall-cmd", *arguments, runner=self._runner)

    def _ours(self) -> dict[str, list[str]]:
        state = read_state(STATE)
        try:
            ours = json.loads((state.content or b"{}").decode())
            if not all(
                isinstance(rules, list) and all(isinstance(rule, str) for rule in rules) for rules in ours.values()
            ):
                raise ValueError(f"{STATE} holds no lists of rules")
            return dict(ours)
        except (ValueError, AttributeError, RecursionError):
            raise HoldfastError(f"{STATE} is damaged: remove it, and the rules of firewalld that are stale") from None

    def _remember(self, rules: t.Mapping[str, t.Sequence[str]]) -> None:
        text = json.dumps({zone: list(listed) for zone, listed in rules.items() if listed}, indent=2) + "\n"
        _Files(Outcome(), check=False).bring({STATE: text})


class _Files:
    """Files of the host, replaced in one step each; only those that differ."""

    def __init__(self, outcome: Outcome, check: bool) -> None:
        self._outcome = outcome
        self._check = check
        self._before: dict[str, tuple[str | None, int]] = {}

    def bring(self, texts: t.Mapping[str, str | None]) -> None:
        """Write what differs and remove what is None; a file that is there keeps its permission bits."""
        for path, text in texts.items():
            state = read_state(path)
            there = None if state.content is None else state.content.decode(errors="replace")
            if there == text:
                continue
            self._outcome.files.append(path)
            if not self._check:
                self._before[path] = (there, state.mode)
                _replace(path, text, state.mode or 0o644)

    @contextlib.contextmanager
    def undone_on_failure(self) -> t.Iterator[None]:
        """Bring the old files back when the body fails."""
        try:
            yield
        except (HoldfastError, AccessError):
            for path, (text, mode) in self._before.items():
                _replace(path, text, mode)
            raise


def _replace(path: str, text: str | None, mode: int) -> None:
    replace_text(path, text, mode)
    if text is None:
        with contextlib.suppress(OSError):
            os.removedirs(os.path.dirname(path))
