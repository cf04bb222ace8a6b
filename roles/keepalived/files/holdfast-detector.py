#!/usr/bin/python3
# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices when two nodes hold an address at once, and says why they do not hear each other.

While this node holds an address it asks now and then who else answers for it: an ARP probe (RFC 5227) or a neighbour
solicitation from an address of its own, both of which are answered to this node alone. Adverts of others that get
through the firewall are read all the time, from a raw socket that costs nothing for other traffic. Only when something
is amiss, and for a moment every few seconds, is the wire itself looked at: there one sees what this node sends, and
what arrives before a firewall drops it. What both sides really send is compared, so no password has to be known here,
and none is kept or shown.

A split lasts longer than a takeover can. It becomes a line in the journal, a state file, and an event.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
import typing as t

# The interpreter is started without any folder to import from.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from holdfast_adverts import Advert, canonical
from holdfast_netlink import Bound, bound, neighbours
from holdfast_packets import Listener, Looked, Prober, Wire, drain, own_macs
from holdfast_reasons import explain
from holdfast_reporter import Reporter
from holdfast_service import faults_in_words, notify, serve
from holdfast_split import LOOK_LEAST, ROUTINE, TICK, Claim, Judge, Watched

CONFIG = "/etc/holdfast/detector.json"
PING = 1.0
AGAIN = 2.0  # seconds between two looks while something is raised: its reason may change
AT_ONCE = 8  # addresses of an instance that are asked for in one round
RTMGRP_ADDRESSES = 0x10 | 0x100  # rtnetlink(7)


class Config:
    """What to watch, from the configuration file; raises ValueError with a sentence where it is no such file."""

    def __init__(self, text: str) -> None:
        with faults_in_words():
            data = json.loads(text)
            self.state_file = str(data["state_file"])
            self.events = str(data["events"])
            self.interval = float(data["interval"])
            self.instances = [self._watched(one) for one in data["instances"]]
        if self.interval < TICK:
            raise ValueError(f"interval must be at least {TICK}")

    @staticmethod
    def _watched(one: t.Mapping[str, t.Any]) -> Watched:
        return Watched(
            name=str(one["name"]),
            interface=str(one["interface"]),
            router_id=int(one["router_id"]),
            version=int(one["version"]),
            advert_int=float(one["advert_int"]),
            detection=float(one["detection"]),
            address=canonical(one["address"]),
            peers=tuple(canonical(peer) for peer in one["peers"]),
            vips=tuple(canonical(vip) for vip in one["vips"]),
        )


class Detector:
    """The loop: everything is read a few times a second, so its cost does not grow with the traffic."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.judges = [Judge(watched) for watched in config.instances]
        self.vips = tuple(vip for watched in config.instances for vip in watched.vips)
        self.reporter = Reporter(config.state_file, config.events)
        self.listeners = [Listener(family) for family in sorted({judge.watched.family for judge in self.judges})]
        self.probers: dict[str, Prober] = {}
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.changes.setblocking(False)
        self.changes.bind((0, RTMGRP_ADDRESSES))
        self.here: list[Bound] = []
        self.macs: set[str] = set()
        self.look: Wire | None = None
        self.looked = Looked(0.0, 0.0, [], [])
        self.round = 0
        self.running = True

    def run(self) -> None:
        """Watch until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        self.reporter.begin()
        self.refresh()
        notify("READY=1")
        ask = ping = time.monotonic()
        routine = ask + ROUTINE
        while self.running:
            now = time.monotonic()
            if self.addresses_changed():
                self.refresh()
            self.listen(now)
            if now >= ask:
                ask = now + self.config.interval
                self.ask()
            self.hear(now)
            if self.look is not None and now >= self.look.looked.until:
                self.end_look()
                routine = now + (AGAIN if self.reporter.raised else ROUTINE)
            if self.look is None and (now >= routine or self.unexplained(now)):
                self.begin_look(now)
            self.report(now)
            if now >= ping:
                ping = now + PING
                held = sum(judge.holds for judge in self.judges)
                notify(f"WATCHDOG=1\nSTATUS={held} of {len(self.judges)} instances are held here, {self.verdict()}")
            time.sleep(max(0.0, TICK - (time.monotonic() - now)))

    def stop(self, _number: int, _frame: object) -> None:
        self.running = False

    def verdict(self) -> str:
        return "no split is seen" if not self.reporter.raised else f"{len(self.reporter.raised)} findings are raised"

    def addresses_changed(self) -> bool:
        """Whether the kernel has told of any change of an address since it was asked last."""
        try:
            return any(True for _one in list(drain(self.changes, 65536)))
        except OSError:
            return True  # there were more notices than fit

    def refresh(self) -> None:
        """Find out anew which addresses this host has, and on which interface each instance lives."""
        self.here = bound()
        self.macs = own_macs()
        by_address = {one.address: one.interface for one in self.here}
        held = {one.address for one in self.here}
        for judge in self.judges:
            if not judge.watched.interface and judge.watched.address in by_address:
                with contextlib.suppress(OSError):
                    name = socket.if_indextoname(by_address[judge.watched.address])
                    judge.watched = judge.watched._replace(interface=name)
            judge.holding(held)

    def listen(self, now: float) -> None:
        for listener in self.listeners:
            for advert in listener.read():
                if self.look is not None:
                    self.look.looked.passed.append(advert)
                for judge in self.judges:
                    judge.advertised(now, advert)
        if self.look is not None:
            self.look.read()

    def ask(self) -> None:
        """Ask for the addresses that are held here, some at a time where they are many."""
        self.round += 1
        for judge in self.judges:
            for number, address in enumerate(judge.held):
                if number % self.rounds(judge) == self.round % self.rounds(judge):
                    self.ask_for(address)

    @staticmethod
    def rounds(judge: Judge) -> int:
        return -(-len(judge.watched.vips) // AT_ONCE)

    def ask_for(self, address: str) -> None:
        index = next((one.interface for one in self.here if one.address == address), 0)
        try:
            interface = socket.if_indextoname(index)
            if interface not in self.probers:
                self.probers[interface] = Prober(interface, self.vips)
            self.probers[interface].ask(address, self.source6(index))
        except OSError:
            self.refresh()  # the interface went away between two looks

    def source6(self, interface: int) -> str:
        """Return an IPv6 address that stays on this host, the link-local one if it can be; nothing if there is none."""
        own = {one.address for one in self.here if one.interface == interface and ":" in one.address}
        own.difference_update(self.vips)
        return min(own, key=lambda address: (not address.startswith("fe80:"), address), default="")

    def hear(self, now: float) -> None:
        for interface, prober in list(self.probers.items()):
            try:
                for address, mac in prober.read():
                    for judge in self.judges if mac not in self.macs else ():
                        judge.answered(now, address, mac, self.config.interval * self.rounds(judge))
            except OSError:
                prober.close()
                del self.probers[interface]

    def unexplained(self, now: float) -> bool:
        """Whether something has been amiss since the last look began."""
        return any((judge.suspected_since(now) or 0.0) > self.looked.since for judge in self.judges)

    def begin_look(self, now: float) -> None:
        self.look = Wire(now, max((judge.watched.look for judge in self.judges), default=LOOK_LEAST))

    def end_look(self) -> None:
        if self.look is None:
            return
        self.look.close()
        self.looked, self.look = self.look.looked, None
        now = time.monotonic()
        for advert in self.looked.wire:
            for judge in self.judges:
                # A stranger that the firewall keeps out is one all the same.
                if not advert.sent_by_us and not judge.watched.knows(advert.source):
                    judge.advertised(now, advert)

    def report(self, now: float) -> None:
        for judge in self.judges:
            name = judge.watched.name
            claim = judge.split(now)
            if claim is None:
                self.reporter.say("split_brain", name, None)
            elif self.looked.since >= (claim.first or 0.0) and claim.last >= self.looked.until:
                # It stood before and after the look, so what was seen is its reason, and not the end of it.
                self.reporter.say("split_brain", name, self.facts(judge, claim))
            stranger = judge.foreign(now)
            self.reporter.say("foreign_adverts", name, None if stranger is None else _foreign(stranger))

    def facts(self, judge: Judge, claim: Claim) -> dict[str, t.Any]:
        known = neighbours()
        mac, other = claim.mac or known.get(claim.source, ""), claim.source
        if not other:
            other = next((address for address, its in known.items() if its == mac and address not in judge.held), "")
        foreign_mac = bool(mac) and mac not in [known.get(peer, mac) for peer in judge.watched.peers]
        reason = explain(judge.watched, self.looked.wire, self.looked.passed, foreign_mac=foreign_mac)
        who = f"{other} ({mac})" if other and mac else other or mac
        return {
            "address": claim.address,
            "other_mac": mac,
            "other_address": other,
            "reason": reason.name,
            "message": f"{claim.address} is held here and by {who}. {reason.message}",
        }


def _foreign(advert: Advert) -> dict[str, t.Any]:
    return {
        "other_address": advert.source,
        "interface": advert.interface,
        "router_id": advert.router_id,
        "reason": "router_id_clash",
        "message": f"{advert.source}, which is no peer, sends adverts with router id {advert.router_id} on "
        f"{advert.interface}: give one of the two another id (keepalived_virtual_router_id), "
        "or find out who forges them.",
    }


def main(config_file: str = CONFIG) -> int:
    """Return the exit status, as ``serve`` has it."""
    return serve(config_file, Config, lambda config: Detector(config).run())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
