# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detector watches, and how often: its configuration."""

from __future__ import annotations

import json
import typing as t

from ..._system.addresses import canonical
from ..service import faults_in_words
from .instance import TICK, InstanceConfig


class Config:
    """What to watch, from the configuration file; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.state_file = str(data["state_file"])
            self.events = str(data["events"])
            self.known_file = str(data["known_file"])
            self.changes = str(data["changes"])
            self.interval = float(data["interval"])
            self.instances = [self._instance(instance) for instance in data["instances"]]
        if self.interval < TICK:
            raise ValueError(f"interval must be at least {TICK}")

    @staticmethod
    def _instance(item: t.Mapping[str, t.Any]) -> InstanceConfig:
        return InstanceConfig(
            name=str(item["name"]),
            interface=str(item["interface"]),
            router_id=int(item["router_id"]),
            version=int(item["version"]),
            advert_int=float(item["advert_int"]),
            detection=float(item["detection"]),
            address=canonical(item["address"]),
            peers=tuple(canonical(peer) for peer in item["peers"]),
            vips=tuple(canonical(vip) for vip in item["vips"]),
            witnesses=tuple(canonical(witness) for witness in item["witnesses"]),
            gateways=bool(item["gateways"]),
            track_file=str(item["track_file"]),
        )
