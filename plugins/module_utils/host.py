# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managed host has: its addresses, and who listens on which port. Private to this collection."""

from __future__ import annotations

import contextlib
import json
import os

from ansible_collections.holdfast.nginx_ha.plugins.module_utils.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.keepalived.addresses import HostAddress
from ansible_collections.holdfast.nginx_ha.plugins.module_utils.run import Runner, run

__all__ = ("host_addresses", "listeners", "need_root")

_LISTEN = "0A"  # include/net/tcp_states.h


def need_root() -> None:
    """Raise HoldfastError unless this runs as root."""
    if os.geteuid() != 0:
        raise HoldfastError("this needs root: set ansible_become: true for the host, or log in as root")


def host_addresses(runner: Runner = run) -> list[HostAddress]:
    """Return every address of every interface, as the kernel has them now."""
    done = runner("ip", "-json", "address", "show")
    if done.rc:
        raise HoldfastError(f"the addresses of this host cannot be read: {done.output}. Install iproute2")
    return [
        HostAddress(link["ifname"], one["local"], one["prefixlen"])
        for link in json.loads(done.stdout or "[]")
        for one in link.get("addr_info", ())
        if "local" in one
    ]


def listeners(port: int, *, proc: str = "/proc") -> set[str]:
    """Return the names of the programs that listen on this TCP port, on whatever address."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{proc}/net/{table}", encoding="ascii") as file:
            for line in file.read().split("\n")[1:]:
                fields = line.split()
                if len(fields) > 9 and fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    names = set()
    for pid in os.listdir(proc) if inodes else ():
        if not pid.isdigit():
            continue
        with contextlib.suppress(OSError):
            if any(os.readlink(f"{proc}/{pid}/fd/{fd}") in inodes for fd in os.listdir(f"{proc}/{pid}/fd")):
                with open(f"{proc}/{pid}/comm", encoding="utf-8") as file:
                    names.add(file.read().strip())
    return names
