# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices when two nodes hold an address at once, says why they do not hear each other, and saves the clients.

While this node holds an address it asks now and then who else answers for it: an ARP probe (RFC 5227) or a neighbour
solicitation from an address of its own, both of which are answered to this node alone. Adverts of others that get
through the firewall are read all the time, from a raw socket that costs nothing for other traffic. Only when something
is amiss, and for a moment every few seconds, is the wire itself looked at: there one sees what this node sends, and
what arrives before a firewall drops it. What both sides really send is compared, so no password has to be known here,
and none is kept or shown.

A split lasts longer than a takeover can. It becomes a line in the journal, a state file, and an event.

Where one of the two is cut off, what it announces takes the clients away from the other. That is not waited for: see
conflict.py. A standby that misses adverts asks before it takes over, and so does a holder that is contested.

It also answers peers that ask what became of a change which all made together: see answer.py.
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import subprocess
import time
import typing as t

from ..._system.netlink import links, neighbours
from ..service import WARNING, log, log_left_out, notify, serve
from ..track import FIT, UNFIT, content, put
from . import findings
from .adverts import Seen
from .answer import Answerer
from .config import Config
from .conflict import AddressConflict, Verdict
from .instance import LOOK_LEAST, ROUTINE, TICK, InstanceMonitor
from .links import Links
from .neighbourhood import Neighbourhood
from .packets import Listener, Looked, Wire, drain
from .reporter import Reporter
from .witnesses import Known, Witnesses

CONFIG = "/etc/holdfast/detector.json"
PING = 1.0
AGAIN = 2.0  # seconds between two looks while something is raised: its reason may change
AT_ONCE = 8  # addresses of an instance that are asked for in one round
SHORTEST_ROUND = 0.01  # seconds between two rounds at least: a flood of claims is not followed
ADVERTS = 0.08  # seconds for which adverts wait that come faster than those of one instance
RTMGRP_ADDRESSES, RTMGRP_LINK = 0x10 | 0x100, 1  # rtnetlink(7)
RELOAD = ("/usr/bin/systemctl", "--no-block", "reload", "keepalived.service")


class Detector:
    """The loop: adverts are read a few times a second, so its cost does not grow with the traffic."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.monitors = [InstanceMonitor(instance) for instance in config.instances]
        self.conflicts = {item.name: AddressConflict(item.advert_int) for item in config.instances}
        self.neighbourhood = Neighbourhood([vip for instance in config.instances for vip in instance.vips])
        self.reporter = Reporter(config.state_file, config.events)
        self.listeners = [Listener(family) for family in sorted({monitor.instance.family for monitor in self.monitors})]
        self.witnesses = Witnesses()
        self.known = Known(config.known_file)
        self.answerer = Answerer(config.changes)
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.changes.setblocking(False)
        self.changes.bind((0, RTMGRP_ADDRESSES | RTMGRP_LINK))
        self.links = Links(monitor.instance.interface for monitor in self.monitors)
        for index, name in socket.if_nameindex():
            self.links.update(index, name, there=True)
        self.reload: subprocess.Popen[bytes] | None = None
        self.look: Wire | None = None
        self.looked = Looked(0.0, 0.0, Seen(()), Seen(()))
        self.unwritable: set[str] = set()
        self.round = 0
        self.running = True

    def run(self) -> None:
        """Watch until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        self.reporter.begin()
        for monitor in self.monitors:
            self.declare(monitor, FIT)
        for conflict in self.conflicts.values():
            conflict.answered = dict.fromkeys(self.known.addresses, time.monotonic())
        self.refresh()
        self.ask_all_witnesses()
        notify("READY=1")
        ask = ping = hope = time.monotonic()
        routine = ask + ROUTINE
        while self.running:
            now = time.monotonic()
            if self.addresses_changed():
                self.refresh()
            self.listen(now)
            self.answerer.serve()
            if now >= ask:
                ask = now + self.config.interval
                self.ask()
            if now >= hope:
                # One that came back though it is cut off has to know soon when it no longer is.
                hope = now + TICK
                self.witnesses.ask(
                    monitor.instance for monitor in self.monitors if self.conflicts[monitor.instance.name].pinned
                )
            self.hear(now)
            self.resolve_conflicts(now)
            if self.look is not None and now >= self.look.looked.until:
                self.end_look()
                routine = now + (AGAIN if self.reporter.raised else ROUTINE)
                self.ask_all_witnesses()
            if self.look is None and (now >= routine or self.unexplained(now)):
                self.begin_look(now)
            self.report(now)
            if now >= ping:
                ping = now + PING
                log_left_out()
                for monitor in self.monitors:  # one that another hand has changed or removed is put right
                    self.declare(monitor, UNFIT if self.conflicts[monitor.instance.name].yielded else FIT)
                self.known.keep(set().union(*(conflict.known(now) for conflict in self.conflicts.values())))
                held = sum(monitor.holds for monitor in self.monitors)
                notify(f"WATCHDOG=1\nSTATUS={held} of {len(self.monitors)} instances are held here, {self.verdict()}")
            self.wait(now)

    def wait(self, began: float) -> None:
        """Sleep for a tick, unless something is due before or somebody claims an address.

        A standby reads its adverts meanwhile, to know at once when the next one does not come.
        """
        time.sleep(max(0.0, began + SHORTEST_ROUND - time.monotonic()))
        urgent = [self.changes, self.answerer.connection, *self.witnesses.sockets(), *self.neighbourhood.sockets()]
        adverts = (
            []
            if all(monitor.holds for monitor in self.monitors)
            else [listener.connection for listener in self.listeners]
        )
        rest = read = 0.0
        while self.running:
            now, until = time.monotonic(), began + self.due_in(began)
            if now >= until:
                return
            # Those of many instances come all the time: they are read together.
            ready = self.select(urgent if rest else [*urgent, *adverts], min(until, now + rest) if rest else until)
            if not set(ready) <= set(adverts):
                return
            now = time.monotonic()
            rest = ADVERTS if ready and now - read < ADVERTS / 2 else 0.0
            read = now if ready else read
            self.listen(now)

    def due_in(self, now: float) -> float:
        """Return the seconds until something has to be done, at most a tick."""
        due = [
            *(conflict.due(now) for conflict in self.conflicts.values()),
            *(monitor.silent_in(now) for monitor in self.monitors),
        ]
        return min([TICK, *(seconds for seconds in due if seconds is not None)])

    @staticmethod
    def select(sockets: t.Sequence[socket.socket], until: float) -> list[socket.socket]:
        """Return those that have something to read, as soon as one has, none once that moment has come."""
        return select.select(sockets, [], [], max(0.0, until - time.monotonic()))[0]

    def stop(self, _number: int, _frame: object) -> None:
        self.running = False

    def verdict(self) -> str:
        return "no split is seen" if not self.reporter.raised else f"{len(self.reporter.raised)} findings are raised"

    def addresses_changed(self) -> bool:
        """Whether the kernel has told of any change of an address or an interface since it was asked last."""
        try:
            changes = [data for data, _ancillary, _sender in drain(self.changes, 65536)]
            for link in (link for data in changes for link in links(data)):
                self.has_come_back(self.links.update(link[0], link[1], there=link[2]))
            return bool(changes)
        except OSError:
            return True  # there were more notices than fit

    def has_come_back(self, interface: str) -> None:
        """Let keepalived read its configuration again where an interface had gone: it is deaf on it until then."""
        if not interface or (self.reload is not None and self.reload.poll() is None):
            return
        log(
            WARNING,
            f"{interface} went away or had another name, and is back: keepalived reads its configuration again.",
        )
        with contextlib.suppress(OSError):
            self.reload = subprocess.Popen(  # pylint: disable=ansible-bad-function
                RELOAD, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def refresh(self) -> None:
        """Find out anew which addresses this host has, and on which interface each instance lives."""
        self.neighbourhood.refresh()
        for listener in self.listeners:
            listener.names.clear()
        held = self.neighbourhood.interfaces()
        for monitor in self.monitors:
            if not monitor.instance.interface and monitor.instance.address in held:
                with contextlib.suppress(OSError):
                    name = socket.if_indextoname(held[monitor.instance.address])
                    monitor.instance = monitor.instance._replace(interface=name)
            held_before = monitor.holds
            monitor.holding(held)
            if monitor.holds and not held_before:
                self.conflicts[monitor.instance.name].begin(time.monotonic())

    def listen(self, now: float) -> None:
        for listener in self.listeners:
            for advert in listener.read():
                if self.look is not None:
                    self.look.looked.passed.add(advert)
                for monitor in self.monitors:
                    monitor.advertised(now, advert)
        if self.look is not None:
            self.look.read()

    def ask(self) -> None:
        """Ask for the addresses that are held here, some at a time where they are many."""
        self.round += 1
        for monitor in self.monitors:
            for number, address in enumerate(monitor.held):
                if number % self.rounds(monitor) == self.round % self.rounds(monitor):
                    self.ask_for(address, monitor.instance.interface)

    @staticmethod
    def rounds(monitor: InstanceMonitor) -> int:
        return -(-len(monitor.instance.vips) // AT_ONCE)

    def ask_for(self, address: str, interface: str) -> None:
        try:
            self.neighbourhood.ask(address, interface)
        except OSError:
            self.refresh()  # the interface went away between two looks

    def hear(self, now: float) -> None:
        for address, mac in self.neighbourhood.read():
            for monitor in self.monitors:
                monitor.answered(now, address, mac, self.config.interval * self.rounds(monitor))
                if address in monitor.instance.vips:
                    self.conflicts[monitor.instance.name].claimed(now, address, mac, holds=monitor.holds)
        for interface, family, address in self.witnesses.read():
            for instance in (monitor.instance for monitor in self.monitors):
                if (instance.interface, instance.family) == (interface, family):
                    self.conflicts[instance.name].witnessed(now, address, third=address not in instance.peers)

    def resolve_conflicts(self, now: float) -> None:
        """Ask, judge and act where it is in doubt which node has to have the addresses."""
        doubted = []
        for monitor in self.monitors:
            conflict = self.conflicts[monitor.instance.name]
            if monitor.silent_in(now) == 0:
                monitor.heard = None
                conflict.begin(now)
            if conflict.due(now) != 0:
                continue
            verdict = conflict.verdict(now, holds=monitor.holds)
            if verdict is Verdict.DEFEND:
                self.announce(monitor)
            elif verdict is not None:
                self.declare(monitor, UNFIT if conflict.yielded else FIT)
                if conflict.yielded:
                    self.reporter.say("split_brain", monitor.instance.name, findings.cut_off(conflict, neighbours()))
            if conflict.due(now) is not None:
                for address in sorted(conflict.claims or monitor.instance.vips)[:AT_ONCE]:
                    self.ask_for(address, monitor.instance.interface)
                doubted.append(monitor.instance)
        self.witnesses.ask(doubted)

    def ask_all_witnesses(self) -> None:
        """Learn who answers at all, before there is any doubt."""
        self.witnesses.ask(monitor.instance for monitor in self.monitors)

    def announce(self, monitor: InstanceMonitor) -> None:
        for address in monitor.held:
            with contextlib.suppress(OSError):  # the next question comes soon
                self.neighbourhood.announce(address, monitor.instance.interface)

    def declare(self, monitor: InstanceMonitor, wanted: bytes) -> None:
        """Let keepalived know whether this node may have the addresses of an instance."""
        path = monitor.instance.track_file
        if path and content(path) != wanted:
            try:
                put(path, wanted)
                self.unwritable.discard(path)
            except OSError as error:
                if path not in self.unwritable:
                    log(WARNING, f"{path} cannot be written: {error.strerror}.")
                self.unwritable.add(path)

    def unexplained(self, now: float) -> bool:
        """Whether something has been amiss since the last look began."""
        return any((monitor.suspected_since(now) or 0.0) > self.looked.since for monitor in self.monitors)

    def begin_look(self, now: float) -> None:
        known = {
            address for monitor in self.monitors for address in (monitor.instance.address, *monitor.instance.peers)
        }
        self.look = Wire(now, max((monitor.instance.look for monitor in self.monitors), default=LOOK_LEAST), known)

    def end_look(self) -> None:
        if self.look is None:
            return
        self.look.close()
        self.looked, self.look = self.look.looked, None
        now = time.monotonic()
        for advert in self.looked.wire:
            for monitor in self.monitors:
                # A foreign router that the firewall keeps out is one all the same.
                if not advert.sent_by_us and not monitor.instance.knows(advert.source):
                    monitor.advertised(now, advert)

    def report(self, now: float) -> None:
        for monitor in self.monitors:
            name = monitor.instance.name
            claim = monitor.split(now)
            if self.conflicts[name].yielded:
                pass  # that was told at once
            elif claim is None:
                self.reporter.say("split_brain", name, None)
            elif self.looked.since >= (claim.first or 0.0) and claim.last >= self.looked.until:
                # It stood before and after the look, so what was seen is its reason, and not the end of it.
                self.reporter.say("split_brain", name, findings.split_brain(monitor, claim, self.looked, neighbours()))
            other = monitor.foreign(now)
            if other is not None and not other.mac:
                other = other._replace(mac=neighbours().get(other.source, ""))
            foreign = None if other is None else findings.foreign_adverts(other, monitor.instance)
            self.reporter.say("foreign_adverts", name, foreign)


def main(config_file: str = CONFIG) -> int:
    """Return the exit status, as ``serve`` has it."""
    return serve(config_file, Config, lambda config: Detector(config).run())
