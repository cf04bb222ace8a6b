# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watcher watches, and how often: its configuration."""

from __future__ import annotations

import json

from ..service import faults_in_words
from .checks import Check
from .probe import Target


class Config:
    """What to watch, from the configuration file; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.track_dir = str(data["track_dir"])
            self.events = str(data.get("events", ""))
            self.ports_file = str(data.get("ports", ""))
            self.addresses = [str(one["address"]) for one in data.get("addresses", ())]
            self.unit = str(data["nginx"]["unit"])
            self.pid_file = str(data["nginx"]["pid_file"])
            self.program = str(data["nginx"].get("program", "nginx"))
            self.patience = float(data["nginx"].get("patience", 0))
            probe = data["probe"]
            self.target = Target(probe)
            self.interval = float(probe["interval"])
            self.timeout = float(probe["timeout"])
            self.fall = int(probe["fall"])
            # A peer is asked as a client would ask it: its own listener is for itself alone.
            self.peers = [Target({**probe, **peer}) for peer in probe.get("peers", ())]
            self.rise = int(probe["rise"])
            self.checks = [Check(one) for one in data.get("checks", ())]
        if min(self.interval, self.timeout) < 0.01 or min(self.fall, self.rise) < 1:
            raise ValueError("interval and timeout must be at least 0.01, fall and rise at least 1")

    @property
    def limit(self) -> float:
        """Seconds from the first of ``fall`` probes in a row until the last of them counts as unanswered."""
        return (self.fall - 1) * self.interval + self.timeout
