# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and booleans of SELinux, which stays as strict as it is. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import NOT_FOUND, Runner, run

__all__ = ("NO_SEMANAGE", "Ports", "is_enabled", "labelled", "labelled_ports", "needs_semanage", "switched_on")

ENFORCE = "/sys/fs/selinux/enforce"
MINUTE = 60.0
NO_SEMANAGE = (
    "semanage is not installed, SELinux is on, and its policy has to be told on which ports a web server listens: "
    "install policycoreutils-python-utils"
)
PORT_TYPE = "http_port_t"
BOUND = (PORT_TYPE, "http_cache_port_t")
"""Types of ports on which a web server may listen."""
OF_POLICY = ((80, 81), (443, 443), (488, 488), (8008, 8009), (8080, 8080), (8443, 8443), (9000, 9000))
"""Ports of TCP that the policy is taken to give these types by itself; to be seen on a host with SELinux."""


class Ports(t.NamedTuple):
    """Ports of one protocol on which a web server is to listen."""

    first: int
    last: int
    protocol: str = "tcp"


def is_enabled(path: str = ENFORCE) -> bool:
    """Return whether the kernel labels files, be it enforcing or permissive."""
    return os.path.exists(path)


def labelled(paths: t.Sequence[str], *, check: bool, runner: Runner = run) -> list[str]:
    """Give files and all below them the labels that the policy has for them; return a line for each that changes."""
    there = [path for path in paths if os.path.exists(path)]
    if not there:
        return []
    done = runner("restorecon", "-R", "-v", *(["-n"] if check else []), *there, timeout=MINUTE)
    if done.rc == NOT_FOUND:
        raise HoldfastError("restorecon is not installed, and SELinux is on: install policycoreutils")
    if done.rc:
        raise HoldfastError(f"the files cannot be labelled for SELinux: {done.output}")
    return [line for line in done.stdout.split("\n") if line]


def switched_on(booleans: t.Sequence[str], *, check: bool, runner: Runner = run) -> list[str]:
    """Switch these booleans on for good; return those that were off. One that the policy does not know is left out."""
    off = [name for name in booleans if runner("getsebool", name).stdout.strip().endswith("off")]
    if off and not check:
        done = runner("setsebool", "-P", *(f"{name}=on" for name in off), timeout=MINUTE)
        if done.rc:
            raise HoldfastError(f"setsebool refuses {' and '.join(off)}: {done.output}")
    return off


def needs_semanage(ports: t.Iterable[Ports]) -> bool:
    """Tell whether the policy may have to be told of one of these ports."""
    return any(one.protocol != "tcp" or not _within(one, OF_POLICY) for one in ports)


def labelled_ports(ports: t.Sequence[Ports], *, check: bool, runner: Runner = run) -> list[str]:
    """Let web servers listen on these ports for good; return what was, or would be, told to the policy."""
    if not needs_semanage(ports):
        return []
    listed = runner("semanage", "port", "--list", "--noheading", timeout=MINUTE)
    if listed.rc == NOT_FOUND:
        raise HoldfastError(NO_SEMANAGE)
    if listed.rc:
        raise HoldfastError(f"the ports that SELinux knows cannot be listed: {listed.output}")
    known = list(_listed(listed.stdout))
    told = []
    for one in ports:
        if _within(one, [(first, last) for protocol, first, last in known if protocol == one.protocol]):
            continue
        name = str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
        if not check:
            words = ("--type", PORT_TYPE, "--proto", one.protocol, name)
            done = runner("semanage", "port", "--add", *words, timeout=MINUTE)
            if done.rc:
                # A port that has another type already is changed, and not added.
                done = runner("semanage", "port", "--modify", *words, timeout=MINUTE)
            if done.rc:
                raise HoldfastError(f"SELinux lets no web server listen on port {name}/{one.protocol}: {done.output}")
        told.append(f"{PORT_TYPE} {one.protocol} {name}")
    return told


def _within(ports: Ports, ranges: t.Iterable[tuple[int, int]]) -> bool:
    return any(first <= ports.first and ports.last <= last for first, last in ranges)


def _listed(text: str) -> t.Iterator[tuple[str, int, int]]:
    """Yield protocol, first and last port of what semanage lists for web servers."""
    for line in text.split("\n"):
        words = line.split(None, 2)
        if len(words) == 3 and words[0] in BOUND:
            for one in words[2].split(","):
                first, _dash, last = one.strip().partition("-")
                yield words[1], int(first), int(last or first)
