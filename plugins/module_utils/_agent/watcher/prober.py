# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes that are under way: asked, heard, and given up when their time is over."""

from __future__ import annotations

import selectors

from .probe import Listener, Probe, Target


class Prober:
    """Sends probes, and tells their listeners. For those of ``frequent`` no event is waited for.

    They are sent so often that to wake for each answer would cost far more: ``hear`` looks at them.
    """

    def __init__(self, selector: selectors.BaseSelector, frequent: Listener) -> None:
        self.selector = selector
        self.frequent = frequent
        self.probes: list[Probe] = []

    def ask(self, target: Target, listener: Listener, now: float, timeout: float) -> None:
        """Send a probe, and wait for nothing."""
        probe = Probe(target, listener, now=now, timeout=timeout)
        self.probes.append(probe)
        self._advance(probe)

    def hear(self) -> None:
        """Look whether frequent probes have been answered."""
        for probe in self.open():
            self._advance(probe)

    def open(self) -> list[Probe]:
        """Return the frequent probes that are open, the oldest first."""
        return [probe for probe in self.probes if probe.listener is self.frequent]

    def give_up(self, now: float) -> None:
        """Tell the listeners of those whose time is over."""
        for probe in [probe for probe in self.probes if probe.deadline <= now]:
            self._drop(probe)
            probe.listener.silent(f"{probe.target} gives no answer within {probe.timeout:g} s")

    def drop(self, probes: list[Probe]) -> None:
        """Forget these, and tell nobody."""
        for probe in list(probes):
            self._drop(probe)

    def _advance(self, probe: Probe) -> None:
        before = probe.event
        try:
            status = probe.advance()
        except ConnectionRefusedError:
            self._drop(probe)
            probe.listener.refused(f"{probe.target} refuses connections")
        except (OSError, ValueError) as error:
            self._drop(probe)
            probe.listener.silent(f"{probe.target}: {error}")
        else:
            if status is not None:
                probe.listener.answered(status)
                self._drop(probe)
            elif probe.listener is self.frequent:
                pass  # it is looked at when the next one is sent
            elif not before:
                self.selector.register(probe.descriptor, probe.event, lambda: self._advance(probe))
            elif before != probe.event:
                self.selector.modify(probe.descriptor, probe.event, lambda: self._advance(probe))

    def _drop(self, probe: Probe) -> None:
        self.probes.remove(probe)
        if probe.event and probe.listener is not self.frequent:
            self.selector.unregister(probe.descriptor)
        probe.connection.close()
