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
import json
import select
import signal
import socket
import subprocess
import time
import typing as t

from ..netlink import links, neighbours
from ..service import WARNING, faults_in_words, log, log_left_out, notify, serve
from ..track import FIT, UNFIT, content, put
from .adverts import Advert, Seen, canonical
from .answer import Answerer
from .conflict import Contest, Verdict
from .links import Links
from .neighbourhood import Neighbourhood
from .packets import Listener, Looked, Wire, drain
from .reasons import explain, stranger
from .reporter import Reporter
from .split import LOOK_LEAST, ROUTINE, TICK, Claim, Judge, Watched
from .witnesses import Known, Witnesses

CONFIG = "/etc/holdfast/detector.json"
PING = 1.0
AGAIN = 2.0  # seconds between two looks while something is raised: its reason may change
AT_ONCE = 8  # addresses of an instance that are asked for in one round
BREATH = 0.01  # seconds between two rounds at least: a flood of claims is not followed
ADVERTS = 0.08  # seconds for which adverts wait that come faster than those of one instance
RTMGRP_ADDRESSES, RTMGRP_LINK = 0x10 | 0x100, 1  # rtnetlink(7)
RELOAD = ("/usr/bin/systemctl", "--no-block", "reload", "keepalived.service")


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
            witnesses=tuple(canonical(witness) for witness in one["witnesses"]),
            gateways=bool(one["gateways"]),
            track_file=str(one["track_file"]),
        )


class Detector:
    """The loop: adverts are read a few times a second, so its cost does not grow with the traffic."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.judges = [Judge(watched) for watched in config.instances]
        self.contests = {one.name: Contest(one.advert_int) for one in config.instances}
        self.neighbourhood = Neighbourhood([vip for watched in config.instances for vip in watched.vips])
        self.reporter = Reporter(config.state_file, config.events)
        self.listeners = [Listener(family) for family in sorted({judge.watched.family for judge in self.judges})]
        self.witnesses = Witnesses()
        self.known = Known(config.known_file)
        self.answerer = Answerer(config.changes)
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.changes.setblocking(False)
        self.changes.bind((0, RTMGRP_ADDRESSES | RTMGRP_LINK))
        self.links = Links(judge.watched.interface for judge in self.judges)
        for index, name in socket.if_nameindex():
            self.links.told(index, name, there=True)
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
        for judge in self.judges:
            self.declare(judge, FIT)
        for contest in self.contests.values():
            contest.answered = dict.fromkeys(self.known.addresses, time.monotonic())
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
                self.witnesses.ask(judge.watched for judge in self.judges if self.contests[judge.watched.name].stubborn)
            self.hear(now)
            self.contend(now)
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
                for judge in self.judges:  # one that another hand has changed or removed is put right
                    self.declare(judge, UNFIT if self.contests[judge.watched.name].away else FIT)
                self.known.keep(set().union(*(contest.known(now) for contest in self.contests.values())))
                held = sum(judge.holds for judge in self.judges)
                notify(f"WATCHDOG=1\nSTATUS={held} of {len(self.judges)} instances are held here, {self.verdict()}")
            self.wait(now)

    def wait(self, began: float) -> None:
        """Sleep for a tick, unless something is due before or somebody claims an address.

        A standby reads its adverts meanwhile, to know at once when the next one does not come.
        """
        time.sleep(max(0.0, began + BREATH - time.monotonic()))
        urgent = [self.changes, self.answerer.connection, *self.witnesses.sockets(), *self.neighbourhood.sockets()]
        adverts = [] if all(judge.holds for judge in self.judges) else [one.connection for one in self.listeners]
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
        due = [*(contest.due(now) for contest in self.contests.values()), *(one.silent_in(now) for one in self.judges)]
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
            told = [data for data, _ancillary, _sender in drain(self.changes, 65536)]
            for link in (link for data in told for link in links(data)):
                self.has_come_back(self.links.told(link[0], link[1], there=link[2]))
            return bool(told)
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
            self.reload = subprocess.Popen(
                RELOAD, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def refresh(self) -> None:
        """Find out anew which addresses this host has, and on which interface each instance lives."""
        self.neighbourhood.refresh()
        for listener in self.listeners:
            listener.names.clear()
        held = self.neighbourhood.interfaces()
        for judge in self.judges:
            if not judge.watched.interface and judge.watched.address in held:
                with contextlib.suppress(OSError):
                    name = socket.if_indextoname(held[judge.watched.address])
                    judge.watched = judge.watched._replace(interface=name)
            held_before = judge.holds
            judge.holding(held)
            if judge.holds and not held_before:
                self.contests[judge.watched.name].begin(time.monotonic())

    def listen(self, now: float) -> None:
        for listener in self.listeners:
            for advert in listener.read():
                if self.look is not None:
                    self.look.looked.passed.add(advert)
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
                    self.ask_for(address, judge.watched.interface)

    @staticmethod
    def rounds(judge: Judge) -> int:
        return -(-len(judge.watched.vips) // AT_ONCE)

    def ask_for(self, address: str, interface: str) -> None:
        try:
            self.neighbourhood.ask(address, interface)
        except OSError:
            self.refresh()  # the interface went away between two looks

    def hear(self, now: float) -> None:
        for address, mac in self.neighbourhood.read():
            for judge in self.judges:
                judge.answered(now, address, mac, self.config.interval * self.rounds(judge))
                if address in judge.watched.vips:
                    self.contests[judge.watched.name].claimed(now, address, mac, holds=judge.holds)
        for interface, family, address in self.witnesses.read():
            for watched in (judge.watched for judge in self.judges):
                if (watched.interface, watched.family) == (interface, family):
                    self.contests[watched.name].witnessed(now, address, third=address not in watched.peers)

    def contend(self, now: float) -> None:
        """Ask, judge and act where it is in doubt which node has to have the addresses."""
        doubted = []
        for judge in self.judges:
            contest = self.contests[judge.watched.name]
            if judge.silent_in(now) == 0:
                judge.heard = None
                contest.begin(now)
            if contest.due(now) != 0:
                continue
            verdict = contest.verdict(now, holds=judge.holds)
            if verdict is Verdict.ANNOUNCE:
                self.announce(judge)
            elif verdict is not None:
                self.declare(judge, UNFIT if contest.away else FIT)
                if contest.away:
                    self.reporter.say("split_brain", judge.watched.name, self.cut_off(contest))
            if contest.due(now) is not None:
                for address in sorted(contest.claims or judge.watched.vips)[:AT_ONCE]:
                    self.ask_for(address, judge.watched.interface)
                doubted.append(judge.watched)
        self.witnesses.ask(doubted)

    def ask_all_witnesses(self) -> None:
        """Learn who answers at all, before there is any doubt."""
        self.witnesses.ask(judge.watched for judge in self.judges)

    def announce(self, judge: Judge) -> None:
        for address in judge.held:
            with contextlib.suppress(OSError):  # the next question comes soon
                self.neighbourhood.announce(address, judge.watched.interface)

    def declare(self, judge: Judge, wanted: bytes) -> None:
        """Let keepalived know whether this node may have the addresses of an instance."""
        path = judge.watched.track_file
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
        return any((judge.suspected_since(now) or 0.0) > self.looked.since for judge in self.judges)

    def begin_look(self, now: float) -> None:
        known = {address for judge in self.judges for address in (judge.watched.address, *judge.watched.peers)}
        self.look = Wire(now, max((judge.watched.look for judge in self.judges), default=LOOK_LEAST), known)

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
            if self.contests[name].away:
                pass  # that was told at once
            elif claim is None:
                self.reporter.say("split_brain", name, None)
            elif self.looked.since >= (claim.first or 0.0) and claim.last >= self.looked.until:
                # It stood before and after the look, so what was seen is its reason, and not the end of it.
                self.reporter.say("split_brain", name, self.facts(judge, claim))
            other = judge.foreign(now)
            self.reporter.say("foreign_adverts", name, None if other is None else _foreign(other, judge.watched.vips))

    @staticmethod
    def cut_off(contest: Contest) -> dict[str, t.Any]:
        address, mac = min(contest.claims.items())
        other = next((one for one, its in neighbours().items() if its == mac and one not in contest.claims), "")
        return {
            "address": address,
            "other_mac": mac,
            "other_address": other,
            "reason": "cut_off",
            "message": f"{address} is held by {_who(other, mac)}, and none of {len(contest.answered)} hosts that "
            "answered this node a moment ago still does, so it is cut off and gives way: look at its firewall and its "
            "network. It comes back by itself.",
        }

    def facts(self, judge: Judge, claim: Claim) -> dict[str, t.Any]:
        known = neighbours()
        mac, other = claim.mac or known.get(claim.source, ""), claim.source
        if not other:
            other = next((address for address, its in known.items() if its == mac and address not in judge.held), "")
        foreign_mac = bool(mac) and mac not in [known.get(peer, mac) for peer in judge.watched.peers]
        reason = explain(judge.watched, list(self.looked.wire), list(self.looked.passed), foreign_mac=foreign_mac)
        return {
            "address": claim.address,
            "other_mac": mac,
            "other_address": other,
            "reason": reason.name,
            "message": f"{claim.address} is held here and by {_who(other, mac)}. {reason.message}",
        }


def _who(address: str, mac: str) -> str:
    return f"{address} ({mac})" if address and mac else address or mac


def _foreign(advert: Advert, vips: t.Sequence[str]) -> dict[str, t.Any]:
    one = advert._replace(mac=advert.mac or neighbours().get(advert.source, ""))
    return {
        "address": next((address for address in one.addresses if address in vips), ""),
        "other_address": one.source,
        "other_mac": one.mac,
        "interface": one.interface,
        "router_id": one.router_id,
        "priority": one.priority,
        "reason": "router_id_clash",
        "message": stranger(one, vips),
    }


def main(config_file: str = CONFIG) -> int:
    """Return the exit status, as ``serve`` has it."""
    return serve(config_file, Config, lambda config: Detector(config).run())
