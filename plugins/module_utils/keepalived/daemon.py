# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived as a program on the host: its own test, its reload, its state dump as proof. Private."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.daemon import Changes, Daemon
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.apply.stage import Check
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.dump import (
    main_pid,
    read_states,
)
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import NOT_FOUND, Completed, Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.vrrp.state import InstanceState

__all__ = ("Expected", "KeepalivedDaemon")

_SECRET = re.compile(r"^(\s*(?:auth_pass|key|password)\s+)\S.*$", re.MULTILINE)


class Expected(t.NamedTuple):
    """What the running daemon shall say of an instance."""

    name: str
    virtual_router_id: int
    priority: int
    addresses: frozenset[str]


class KeepalivedDaemon(Daemon):
    """The keepalived that the host runs. ``expected`` are the instances as they shall be after a reload."""

    name = "keepalived"

    def __init__(
        self,
        *,
        root: str = "/etc/keepalived",
        binary: str = "keepalived",
        expected: t.Sequence[Expected] = (),
        runner: Runner = run,
    ) -> None:
        self.root = root
        self.binary = binary
        self.expected = expected
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
        """keepalived exits with 0 after many a complaint: only 0 *and* silence is a pass."""
        if completed.rc == 0 and not completed.output:
            return None
        lines = dict.fromkeys(line.strip() for line in completed.output.split("\n") if line.strip())
        return "; ".join(lines) or f"its test ended with code {completed.rc} and without a word"

    @property
    def reload_command(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", 'kill -HUP "$(cat /run/keepalived.pid /run/keepalived/keepalived.pid 2>/dev/null)"')

    def before_reload(self) -> object:
        return main_pid()

    def confirm(self, before: object, changes: Changes, *, timeout: float) -> str | None:
        """The new configuration runs when the state dump shows every instance as the files say."""
        deadline = time.monotonic() + timeout
        wrong = ""
        while time.monotonic() < deadline:
            if main_pid() != before:
                return "it ended while reading the new configuration (see: journalctl -u keepalived)"
            states = read_states(self._runner, self.binary)
            wrong = _difference(self.expected, states)
            if not wrong:
                return None
            time.sleep(0.05)
        return wrong or f"no state dump within {timeout:g} s"

    def redact(self, text: str) -> str:
        return _SECRET.sub(r"\1********", text)


def _difference(expected: t.Sequence[Expected], states: t.Sequence[InstanceState]) -> str:
    """Return the first thing in which the running instances differ from the files; empty when they agree."""
    running = {state.name: state for state in states}
    for wanted in expected:
        state = running.get(wanted.name)
        if state is None:
            return f"vrrp_instance {wanted.name} is not there"
        for what, is_now, shall_be in (
            ("virtual_router_id", state.virtual_router_id, wanted.virtual_router_id),
            ("priority", state.base_priority, wanted.priority),
        ):
            if is_now != shall_be:
                return f"vrrp_instance {wanted.name} has {what} {is_now}, not {shall_be}"
        missing = wanted.addresses - frozenset(state.addresses)
        if missing:
            return f"vrrp_instance {wanted.name} lacks {', '.join(sorted(missing))}"
    return ""
