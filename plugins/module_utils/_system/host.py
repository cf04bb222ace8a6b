# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managed host has: its addresses, and who listens on which port. Private to this collection."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import struct
import typing as t

from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.errors import HoldfastError
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._core.run import Runner, run
from ansible_collections.holdfast.nginx_ha.plugins.module_utils._system.addresses import HostAddress

__all__ = (
    "has_ipvs",
    "host_addresses",
    "interface_names",
    "link_local",
    "listeners",
    "must",
    "need_root",
    "tells_of_processes",
    "unit_properties",
)

_LISTEN = "0A"  # include/net/tcp_states.h
_CONNECTOR = 11  # NETLINK_CONNECTOR of include/uapi/linux/netlink.h
_DONE = 3  # NLMSG_DONE
_PROCESSES = 1, 1  # CN_IDX_PROC, CN_VAL_PROC of include/uapi/linux/connector.h
_LISTEN_TO_PROCESSES, _IGNORE_PROCESSES = 1, 2  # include/uapi/linux/cn_proc.h


def need_root() -> None:
    """Raise HoldfastError unless this runs as root."""
    if os.geteuid() != 0:
        raise HoldfastError("this needs root: set ansible_become: true for the host, or log in as root")


def must(*command: str, runner: Runner = run) -> str:
    """Return what the command prints; HoldfastError with its own words where it fails."""
    done = runner(*command)
    if done.rc:
        raise HoldfastError(f"`{' '.join(command)}` fails: {done.output}")
    return done.stdout


def unit_properties(name: str, properties: t.Collection[str], runner: Runner = run) -> dict[str, str]:
    """Return what systemd says of a unit, by the names of the properties; each is empty where it says nothing."""
    printed = runner("systemctl", "show", f"--property={','.join(properties)}", name).stdout
    return {**dict.fromkeys(properties, ""), **dict(line.split("=", 1) for line in printed.split("\n") if "=" in line)}


def has_ipvs(runner: Runner = run, *, proc: str = "/proc") -> bool:
    """Return whether the kernel can spread connections by itself: it does, or has the module for it."""
    return os.path.exists(f"{proc}/net/ip_vs") or runner("modprobe", "--dry-run", "--quiet", "ip_vs").rc == 0


def host_addresses(runner: Runner = run) -> list[HostAddress]:
    """Return every address of every interface, as the kernel has them now."""
    done = runner("ip", "-json", "address", "show")
    if done.rc:
        raise HoldfastError(f"the addresses of this host cannot be read: {done.output}. Install iproute2")
    return [
        HostAddress(link["ifname"], item["local"], item["prefixlen"])
        for link in json.loads(done.stdout or "[]")
        for item in link.get("addr_info", ())
        if "local" in item
    ]


def link_local(runner: Runner = run) -> dict[str, str]:
    """Return the IPv6 address of every interface that has one for its own link (RFC 4291, section 2.5.6)."""
    return {
        address.interface: address.address for address in host_addresses(runner) if address.address.startswith("fe80:")
    }


def interface_names(folder: str = "/sys/class/net") -> list[str]:
    """Return the names of all interfaces of this network namespace."""
    return sorted(os.listdir(folder))


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


def tells_of_processes() -> bool:
    """Return whether the kernel would tell a program here of processes that begin and end.

    It does so in the initial network namespace only; in any other nobody listens to the request.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _CONNECTOR) as connector:
        try:
            for operation in (_LISTEN_TO_PROCESSES, _IGNORE_PROCESSES):
                data = struct.pack("=I", operation)
                message = struct.pack("=IIIIHH", *_PROCESSES, 0, 0, len(data), 0) + data
                connector.send(struct.pack("=IHHII", 16 + len(message), _DONE, 0, 0, os.getpid()) + message)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                return False
            raise
    return True
