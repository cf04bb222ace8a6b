# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a fleet, gathered so that all of it is told at once. Private to this collection."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import Finding, InputError
from ansible_collections.holdfast.nginx_ha.plugins.plugin_utils.fleet import values

__all__ = ("Fault", "Faults")

SHOWN = 3
"""Hosts that are named when many share a fault; the others are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the rule, the host it was found on (empty: the fleet), the variable, the sentence."""

    rule: str
    host: str
    path: str
    message: str
    severity: str = "error"


class Faults:
    """A list of faults, each told once for all hosts that share it."""

    def __init__(self) -> None:
        self._hosts: dict[tuple[str, str, str, str], dict[str, None]] = {}

    def add(self, faults: t.Iterable[Fault]) -> None:
        for fault in faults:
            hosts = self._hosts.setdefault((fault.severity, fault.rule, fault.path, fault.message), {})
            if fault.host:
                hosts[fault.host] = None

    def hosts(self) -> set[str]:
        """Return the hosts that have a fault."""
        return {host for hosts in self._hosts.values() for host in hosts}

    @contextlib.contextmanager
    def on(self, host: str) -> t.Iterator[None]:
        """Take an InputError as a fault of this host, and go on behind the block."""
        try:
            yield
        except InputError as error:
            self.add([Fault("input", host, error.path, error.message)])

    def findings(
        self,
        origin: t.Callable[[str, str], str] = lambda host, path: "",
        hide: t.Callable[[str, str], str] = lambda path, message: message,
    ) -> list[Finding]:
        """Return them in the order in which they were found.

        ``origin`` may say, for a host and a path, in which file and line the value is; ``hide`` takes what is
        secret out of what is told of a path.
        """
        found = []
        for (severity, rule, path, message), sharing in self._hosts.items():
            hosts = list(sharing)
            names = ", ".join(hosts[:SHOWN])
            if len(hosts) > SHOWN:
                names += f" and {len(hosts) - SHOWN} more"
            place = origin(hosts[0], path) if hosts and path else ""
            where = ": ".join(part for part in (names, values.line(hide(path, path))) if part)
            sentence = values.line(hide(path, message))
            found.append(Finding(rule, severity, f"{where} ({place})" if place else where, sentence))
        return found
