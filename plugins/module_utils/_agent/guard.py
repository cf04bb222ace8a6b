# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the address go before nginx stops, and clears up behind a keepalived that died.

guard hold      nginx is about to stop: say so to keepalived and wait until it has let the addresses go
guard release   nginx is up: take that back
guard scrub     keepalived is gone: remove its addresses from the interfaces
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
import typing as t

from .._system.addresses import canonical
from .._system.netlink import Bound, bound, remove
from .._system.processes import alive, read_pid, running
from .track import FIT, UNFIT, put

CONFIG = "/etc/holdfast/watcher.json"
STOP = "nginx_stop"
KEEPALIVED = "keepalived"
LONGEST_HOLD = 1.5
PAUSE = 0.005


def log(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def held(addresses: t.Iterable[t.Mapping[str, str]]) -> list[Bound]:
    """Return those of keepalived's addresses that are on their own interface now, or on one made on top of it."""
    wanted = set()
    for entry in addresses:
        address = canonical(entry["address"])
        try:
            wanted.add((socket.if_nametoindex(entry["interface"]), address))
        except OSError:
            continue  # no such interface, so no address is on it
    return [
        one
        for one in bound()
        if (one.interface, one.address) in wanted or (below(one.interface), one.address) in wanted
    ]


def below(index: int) -> int:
    """Return the index of the interface below another, as there is below the one that keepalived makes for use_vmac."""
    try:
        with open(f"/sys/class/net/{socket.if_indextoname(index)}/iflink", encoding="ascii") as stream:
            return int(stream.read())
    except (OSError, ValueError):
        return index


def hold(config: t.Mapping[str, t.Any]) -> None:
    """Say that nginx is about to stop, then wait until the addresses are gone; not longer than is sane."""
    if not nginx_runs(config):
        return  # a crash, which the watcher has told already
    put(os.path.join(config["track_dir"], STOP), UNFIT)
    began = time.monotonic()
    waited = False
    while held(config["addresses"]):
        if not waited and not running(KEEPALIVED):
            log("keepalived does not run: nobody takes the address over, nginx stops at once.")
            return
        waited = True
        if time.monotonic() - began > LONGEST_HOLD:
            log(f"keepalived has not let the address go within {LONGEST_HOLD:g} s, nginx stops all the same.")
            return
        time.sleep(PAUSE)
    if waited:
        log(f"keepalived has let the address go within {(time.monotonic() - began) * 1000:.0f} ms.")


def nginx_runs(config: t.Mapping[str, t.Any]) -> bool:
    """Whether the pid file names a living process; where there is no pid file, whether any such program runs."""
    try:
        return alive(read_pid(config["nginx"]["pid_file"]))
    except (OSError, ValueError):
        return running(config["nginx"].get("program", "nginx"))


def release(config: t.Mapping[str, t.Any]) -> None:
    """Take back what hold said."""
    put(os.path.join(config["track_dir"], STOP), FIT)


def scrub(config: t.Mapping[str, t.Any]) -> None:
    """Remove the addresses that a dead keepalived has left behind, and nothing else."""
    for one in held(config["addresses"]):
        with secondaries_stay(socket.if_indextoname(one.interface)):
            remove(one)
        log(f"Removed {one.address}/{one.prefix}, which keepalived had left on interface {one.interface}.")


@contextlib.contextmanager
def secondaries_stay(interface: str) -> t.Iterator[None]:
    """Let an IPv4 address go without those that the kernel counts as its secondaries, the host's own maybe."""
    path = f"/proc/sys/net/ipv4/conf/{interface}/promote_secondaries"
    with open(path, encoding="ascii") as stream:
        before = stream.read()
    with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as stream:
        stream.write("1")  # refused in a container, where systemd has set it
    try:
        yield
    finally:
        with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as stream:
            stream.write(before)


COMMANDS: t.Mapping[str, t.Callable[[t.Mapping[str, t.Any]], None]] = {
    "hold": hold,
    "release": release,
    "scrub": scrub,
}


def main(*arguments: str) -> int:
    """Return 0, 1 where something failed, 2 for a wrong call."""
    if not 1 <= len(arguments) <= 2 or arguments[0] not in COMMANDS:
        log(f"usage: holdfast-guard {'|'.join(COMMANDS)} [{CONFIG}]")
        return 2
    config_file = arguments[1] if len(arguments) > 1 else CONFIG
    try:
        with open(config_file, encoding="utf-8") as stream:
            config = json.load(stream)
        COMMANDS[arguments[0]](config)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log(f"holdfast-guard {arguments[0]} failed with {config_file}: {error!r}.")
        return 1
    return 0
