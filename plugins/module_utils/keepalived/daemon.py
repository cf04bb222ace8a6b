# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived as a program on the host: its own test, its reload, its state dump as proof. Private."""

from __future__ import annotations

import os
import re
import signal
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.daemon import Changes, Daemon, Places
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.stage import Check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.dump import (
    PID_FILES,
    main_pid,
    read_states,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.secrets import redact
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import NOT_FOUND, TIMED_OUT, Completed, Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState

__all__ = ("Expected", "KeepalivedDaemon")

_ENDED_ITSELF = (-signal.SIGTERM, 128 + signal.SIGTERM)
# To the one process that a pid file names, if it is keepalived: a stale file names anything.
_RELOAD = f"""for file in {" ".join(PID_FILES)}; do
    pid=$(cat "$file" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = keepalived ] && exec kill -HUP "$pid"
done"""


class Expected(t.NamedTuple):
    """What the running daemon shall say of an instance; ``addresses`` are those in its adverts and those excluded."""

    name: str
    virtual_router_id: int
    priority: int
    addresses: frozenset[str]


class KeepalivedDaemon(Daemon):
    """The keepalived that the host runs.

    After a reload the ``expected`` instances shall be there as described, and those of the names ``gone`` shall not.
    """

    name = "keepalived"
    where = re.compile(r"(?P<file>/[^ :]+): Line (?P<line>\d+)")

    def __init__(
        self,
        *,
        root: str = "/etc/keepalived",
        binary: str = "keepalived",
        expected: t.Sequence[Expected] = (),
        gone: t.Collection[str] = (),
        places: Places = dict,
        runner: Runner = run,
    ) -> None:
        super().__init__(places=places)
        self.root = root
        self.binary = binary
        self.expected = expected
        self.gone = gone
        self._runner = runner
        self._version: Completed | None = None

    @property
    def main_file(self) -> str:
        return os.path.join(self.root, "keepalived.conf")

    @property
    def version(self) -> Completed:
        """What ``keepalived --version`` says; exit code 127 where it is not installed."""
        if self._version is None:
            self._version = self._runner(self.binary, "--version")
        return self._version

    def installed(self) -> bool:
        return self.version.rc != NOT_FOUND

    def running(self) -> bool:
        return main_pid() is not None

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
        return self.located("; ".join(lines)) or f"its test ended with code {completed.rc} and without a word"

    @property
    def reload_command(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", _RELOAD)

    def before_reload(self) -> object:
        return main_pid()

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """The new configuration runs when the state dump shows every instance as the files say.

        keepalived takes signals in order, so a dump asked for after the reload comes after it.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                wrong = self._difference(read_states(self._runner, self.binary))
            except HoldfastError as error:
                wrong = str(error)
            if main_pid() != before:
                return "it ended while reading the new configuration (see: journalctl -u keepalived)"
            if not wrong or time.monotonic() > deadline:
                return wrong or None
            time.sleep(0.05)

    def redact(self, text: str) -> str:
        return redact(text)

    def _difference(self, states: t.Sequence[InstanceState]) -> str:
        """Return the first thing in which the running instances differ from the files; empty when they agree."""
        running = {state.name: state for state in states}
        for name in self.gone:
            if name in running:
                return f"vrrp_instance {name} is still there"
        for wanted in self.expected:
            state = running.get(wanted.name)
            if state is None:
                return f"vrrp_instance {wanted.name} is not there"
            for what, is_now, shall_be in (
                ("virtual_router_id", state.virtual_router_id, wanted.virtual_router_id),
                ("priority", state.base_priority, wanted.priority),
            ):
                if is_now != shall_be:
                    return f"vrrp_instance {wanted.name} has {what} {is_now}, not {shall_be}"
            addresses = frozenset(state.addresses + state.excluded_addresses)
            for what, some in (("lacks", wanted.addresses - addresses), ("still has", addresses - wanted.addresses)):
                if some:
                    return f"vrrp_instance {wanted.name} {what} {', '.join(sorted(some))}"
        return ""
