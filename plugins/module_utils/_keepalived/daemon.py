# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived as a program on the host: its own test, its reload, its state dump as proof. Private."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.block import Block
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import ConfigError, HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import TIMED_OUT, Completed
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.version import Version
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.dump import PID_FILES, read_states
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.kernel import (
    Difference,
    differences,
    read_kernel,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.live import read_tree
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.model import VrrpInstance
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._keepalived.version import parse_build
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._transaction.stage import Check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._vrrp.state import InstanceState

__all__ = ("KeepalivedDaemon",)

QUICK = 0.5
"""Seconds for an answer before a change; one that is hanging is found out by the change itself."""
RESTART = 60.0
STATIC = ("static_ipaddress", "static_routes")
SETTLING = 3.0
"""Seconds in which the instances are expected to have come to rest, so that two looks at them agree."""

_ENDED_ITSELF = (-signal.SIGTERM, 128 + signal.SIGTERM)
# To the one process that a pid file names, if it is keepalived: a stale file names anything.
_TO_IT = """for file in {files}; do
    pid=$(cat "$file" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = keepalived ] && {{ {command} }}
done"""
_RELOAD = _TO_IT.format(files=" ".join(PID_FILES), command='exec kill -HUP "$pid";')
# Only where systemd runs it: at a boot this may come before keepalived is started.
_RESTART = _TO_IT.format(
    files=" ".join(PID_FILES),
    command="systemctl --quiet is-active keepalived.service && exec systemctl restart keepalived.service; "
    'exec kill -HUP "$pid";',
)


class KeepalivedDaemon(Daemon):
    """The keepalived that the host runs.

    After a reload it shall run the instances that its files describe and no other, and the kernel shall have what
    these want.
    """

    name = "keepalived"
    where = re.compile(r"(?P<file>/[^ :]+): Line (?P<line>\d+)")

    def version_in(self, text: str) -> Version:
        return parse_build(text).version

    def pid_files(self) -> t.Sequence[str]:
        return PID_FILES

    def check(self, changes: Changes) -> Check:
        # keepalived 2.2.5 to 2.2.7 end themselves under -t when a script runs as another user, unless they are
        # process 1 of their PID namespace (fixed in 2.2.8).
        return Check(
            root=self.root,
            command=(self.binary, "-t", "-f", self.main_file),
            command_for=lambda copy: (self.binary, "-t", "-f", os.path.join(copy, "keepalived.conf")),
            own_pids=True,
        )

    def verdict(self, completed: Completed) -> str | None:
        """keepalived exits with 0 after many a complaint: only 0 *and* silence is a pass.

        Where there is no main file, and none is wanted, nothing can be wrong with it.
        """
        if completed.rc == 0 and completed.output in ("", f"Config files missing '{self.main_file}'."):
            return None
        if completed.rc == TIMED_OUT:
            return "its own test did not end in time: look for a definition that refers to itself"
        if completed.rc in _ENDED_ITSELF and not completed.output:
            return (
                "its own test ends itself before the end. keepalived 2.2.5 to 2.2.7 does so for scripts of another "
                "user than root, on hosts where root may not unshare: let them run as root, or update keepalived"
            )
        lines = dict.fromkeys(line.strip() for line in completed.output.split("\n") if line.strip())
        return "; ".join(map(self.placed, lines)) or f"its test ended with code {completed.rc} and without a word"

    @property
    def reload_command(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", _RELOAD)

    @property
    def restart_command(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", _RESTART)

    def before_reload(self) -> object:
        return self.main_pid(), self._states(timeout=QUICK)

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """The new configuration runs when the state dump shows every instance as the files say, and the kernel has it.

        keepalived takes signals in order, so a dump asked for after the reload comes after it.
        """
        pid, states = t.cast("tuple[int | None, list[InstanceState]]", before)
        blocks = self._blocks()
        deadline = time.monotonic() + timeout
        while True:
            try:
                wrong = _difference(read_states(self._runner, self.binary), blocks)
            except HoldfastError as error:
                wrong = str(error)
            if self.main_pid() != pid:
                return "it ended while reading the new configuration (see: journalctl -u keepalived)"
            if not wrong:
                return self._settle(states)
            if time.monotonic() > deadline:
                return wrong
            time.sleep(0.05)

    def restored(self, before: object, *, timeout: float) -> str | None:
        pid, _states = t.cast("tuple[int | None, list[InstanceState]]", before)
        # One that has ended meanwhile reads the old files when it is started.
        return self.confirm(before, {}, timeout=timeout) if pid is not None and self.main_pid() == pid else None

    def differs(self) -> list[str]:
        return [item.words for item in self._lasting(())]

    def mend(self) -> str | None:
        return self._settle(())

    def _settle(self, before: t.Sequence[InstanceState]) -> str | None:
        """Bring what a reload did not bring; None when the kernel has everything, else what it has not, and why.

        What can be added or removed by itself is. Else keepalived is restarted, once: stopped in order it hands over
        to a peer that can take over, and is back soon.
        """
        refusals: dict[str, str] = {}
        restarted = False
        for attempt in range(3):
            wrong = self._lasting(before)
            if not wrong:
                return None
            refusals = self._mend_each(wrong)
            lasting = [item for item in wrong if item.words not in refusals and (attempt or item.command is None)]
            if lasting and not restarted:
                restarted = True
                refused = self._restart()
                if refused:
                    return f"{lasting[0].words}, and keepalived cannot be restarted: {refused}"
                self.mended.append(f"{lasting[0].words}, so keepalived was restarted")
        return "; ".join(item.words + refusals.get(item.words, "") for item in self._lasting(before)) or None

    def _mend_each(self, wrong: t.Sequence[Difference]) -> dict[str, str]:
        """Mend what has a command of its own; return what the kernel says of those that it refuses."""
        refusals = {}
        # What is left goes first: behind a stopped keepalived nobody would take it away.
        for item in sorted(wrong, key=lambda item: not item.is_left):
            if item.command is not None:
                done = self._runner(*item.command)
                if done.rc:
                    refusals[item.words] = f" (`{' '.join(item.command)}` fails: {done.output})"
                else:
                    self.mended.append(f"{item.words}, so `{' '.join(item.command)}` was run")
        return refusals

    def _restart(self) -> str:
        """Restart keepalived, and wait until it holds again what it held, or a peer has had the time to take over."""
        held = {state.name for state in self._states() if state.state == "MASTER"}
        done = self._runner("systemctl", "restart", "keepalived.service", timeout=RESTART)
        if done.rc:
            return done.output or f"code {done.rc}"
        deadline = time.monotonic() + SETTLING
        while held - {state.name for state in self._states() if state.state == "MASTER"}:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return ""

    def _lasting(self, before: t.Sequence[InstanceState]) -> list[Difference]:
        """Return in what the kernel differs, once two looks agree: an instance that changes its state always does.

        Nothing where keepalived does not say what it wants.
        """
        blocks = self._blocks()
        names, spared = {_name(block) for block in _instances(blocks)}, _static(blocks)
        last: tuple[t.Any, ...] = ()
        deadline = time.monotonic() + SETTLING
        while True:
            states = self._states()
            if {state.name for state in states} != names:
                return []
            result = differences(states, read_kernel(self._runner), before=before, spared=spared)
            now = (result, [(state.name, state.state, state.last_transition) for state in states])
            if not result or now == last or time.monotonic() > deadline:
                return result
            last = now
            time.sleep(0.1)

    def _states(self, *, timeout: float = 2.0) -> list[InstanceState]:
        """Return the running instances; none where keepalived does not answer."""
        with contextlib.suppress(HoldfastError):
            return read_states(self._runner, self.binary, timeout=timeout)
        return []

    def _blocks(self) -> t.Sequence[Block]:
        """Return all that keepalived reads; nothing where its own test finds a fault that is beyond us."""
        with contextlib.suppress(ConfigError):
            return read_tree(self.main_file).blocks
        return ()

    def redact(self, text: str) -> str:
        return redact(text)


def _difference(states: t.Sequence[InstanceState], blocks: t.Sequence[Block]) -> str:
    """Return the first thing in which the running instances differ from the files; empty when they agree."""
    running = {state.name: state for state in states}
    wanted = {_name(block): block for block in _instances(blocks)}
    for name in running:
        if name not in wanted:
            return f"vrrp_instance {name} is still there"
    for name, block in wanted.items():
        if name not in running:
            return f"vrrp_instance {name} is not there"
        state = running[name]
        try:
            instance = VrrpInstance.from_block(block)
        except (HoldfastError, ValueError):
            continue  # somebody else wrote it, in words that no option of ours has
        for what, is_now, shall_be in (
            ("virtual_router_id", state.virtual_router_id, instance.virtual_router_id),
            ("priority", state.base_priority, instance.priority or 100),
        ):
            if is_now != shall_be:
                return f"vrrp_instance {name} has {what} {is_now}, not {shall_be}"
        addresses = {*state.addresses, *state.excluded_addresses}
        shall_have = {
            str(item.ip) for item in (*(instance.virtual_ipaddress or ()), *(instance.virtual_ipaddress_excluded or ()))
        }
        for what, some in (("lacks", shall_have - addresses), ("still has", addresses - shall_have)):
            if some:
                return f"vrrp_instance {name} {what} {', '.join(sorted(some))}"
    return ""


def _instances(blocks: t.Iterable[Block]) -> t.Iterator[Block]:
    return (block for block in blocks if block.name == "vrrp_instance")


def _name(block: Block) -> str:
    return " ".join(block.args)


def _static(blocks: t.Iterable[Block]) -> set[str]:
    """Return the addresses and destinations that are there whatever the instances do."""
    lines = [line for block in blocks if block.name in STATIC for line in block.children or ()]
    words = [word for line in lines for word in (line.name, *line.args)]
    return {*words, *(word.partition("/")[0] for word in words)}
