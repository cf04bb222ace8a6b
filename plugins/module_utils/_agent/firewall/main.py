# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows every change of the packet filter and puts back what is missing.

The kernel tells of every change of nf_tables by netlink, whoever makes it: the unit of a firewall, its own program, or
``nft flush ruleset`` by hand. The older iptables tell nobody, but each of its programs takes a lock file first.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import sys
import time
import typing as t

from ..._core.run import run
from ..._firewall.access import AccessError
from ..._firewall.netfilter import Runner
from ..._firewall.restore import put_back
from ..._system.netlink import messages
from ..service import notify
from .neighbours import Neighbours

NETLINK_NETFILTER, NFNLGRP_NFTABLES, NFNL_SUBSYS_NFTABLES = 12, 7, 10
# Of tables, chains and rules: new and gone. Sets change all the time, and nothing of ours is in one.
RELEVANT = frozenset({0, 2, 3, 5, 6, 8})
XTABLES_LOCK = "/run/xtables.lock"
IN_CLOSE = 0x08 | 0x10  # inotify(7)
TOGETHER = 0.05  # seconds: a transaction of somebody else is many notices
REST = 1.0  # seconds after which a filter that changes all the time is looked at again
SILENCE = 10.0  # seconds between two lines about forged neighbours
AGAIN = 1.0  # seconds after which rules that were refused are tried again


class Notices:
    """What tells that the packet filter has changed; without the rights or the kernel for it, nothing does."""

    def __init__(self) -> None:
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.netlink.setblocking(False)
        self.netlink.bind((0, 0))
        self.netlink.setsockopt(270, 1, NFNLGRP_NFTABLES)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
        self.inotify = _watch(XTABLES_LOCK)
        self.neighbours = Neighbours()

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether the rules may be others than before, once they are, or something else has happened."""
        sockets = [self.netlink.fileno(), self.inotify, self.neighbours.netlink.fileno()]
        ready, _writable, _failed = select.select(sockets, [], [], seconds)
        if self.inotify in ready:
            os.read(self.inotify, 65536)
        return self.drain() or self.inotify in ready

    def drain(self) -> bool:
        """Read all that has come; whether any of it matters."""
        matters = False
        while True:
            try:
                data = self.netlink.recv(1 << 18)
            except BlockingIOError:
                return matters
            except OSError:
                return True  # there were more notices than fit
            kinds = [kind for kind, _body in messages(data)]
            matters = any(kind >> 8 == NFNL_SUBSYS_NFTABLES and kind & 0xFF in RELEVANT for kind in kinds) or matters


def _watch(path: str) -> int:
    """Return a descriptor of inotify that can be read when somebody has opened and closed a file."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, path.encode(), IN_CLOSE) < 0:
        raise OSError(ctypes.get_errno(), f"inotify: {os.strerror(ctypes.get_errno())}")
    return descriptor


def follow(run: Runner, say: t.Callable[[str], t.Any]) -> t.NoReturn:
    """Put back what is missing now and whenever it goes, for ever; raises AccessError where it cannot even begin."""
    notices = Notices()
    kept, done = put_back(run)
    say("\n".join(done) or "every rule is in its place")
    notify("READY=1")
    due: float | None = None  # when the rules are looked at again
    rested = 0.0  # until when they are left alone
    reported_at = -SILENCE  # when a neighbour was told of last
    while True:
        notices.neighbours.watch(address for address, _ttl in (kept.heard.senders if kept.heard else ()))
        changed = notices.wait(None if due is None else max(0.0, due - time.monotonic()))
        replaced = notices.neighbours.settle()
        now = time.monotonic()
        if replaced and now >= reported_at + SILENCE:
            reported_at = now  # whoever forges one forges many
            say(replaced[-1])
        if changed and due is None:
            due = max(now + TOGETHER, rested)
        if due is None or now < due:
            continue
        due = None
        try:
            kept, done = put_back(run)
        except AccessError as error:
            say(str(error))
            due = time.monotonic() + AGAIN
            continue
        if done:
            say("\n".join(done))
        rested = time.monotonic() + (0.0 if done else REST)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Return 1, with a sentence, where it cannot even begin; else it never ends."""
    try:
        follow(run, _say)
    except (AccessError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
