# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that sends adverts and is no keepalived."""

from __future__ import annotations

import json
import subprocess
import typing as t
from contextlib import contextmanager

from harness.node import Node

__all__ = ("SENDER", "Sender", "sending")

# Sends adverts ten times a second until it is ended. Its one argument says what, in JSON: see Sender.
SENDER = """
import json, socket, struct, sys, time
said = json.loads(sys.argv[1])
six = ":" in said["addresses"][0]
family = socket.AF_INET6 if six else socket.AF_INET
connection = socket.socket(family, socket.SOCK_RAW, 112)
if six:
    connection.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, said["ttl"])
    connection.setsockopt(socket.IPPROTO_IPV6, 7, 6)  # IPV6_CHECKSUM
else:
    connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, said["ttl"])
    connection.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, said["ttl"])
if said["source"]:
    connection.bind((said["source"], 0))
def total(data):
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF
while True:
    for destination in said["destinations"]:
        connection.connect((destination, 0))
        source = connection.getsockname()[0]
        last = struct.pack("!BB", 1, 1) if said["version"] == 2 else struct.pack("!H", 10)
        kind, count = said["version"] << 4 | 1, len(said["addresses"])
        head = struct.pack("!BBBB", kind, said["router_id"], said["priority"], count)
        body = b"".join(socket.inet_pton(family, one) for one in said["addresses"])
        if said["version"] == 2:
            body += said["secret"].encode().ljust(8, b"\\0")
        pseudo = b""
        if not six and said["version"] == 3:
            pseudo = socket.inet_aton(source) + socket.inet_aton(destination)
            pseudo += struct.pack("!BBH", 0, 112, len(head) + 4 + len(body))
        sum_ = total(pseudo + head + last + b"\\0\\0" + body)
        connection.send(head + last + struct.pack("!H", sum_) + body)
    time.sleep(0.1)
"""


class Sender(t.NamedTuple):
    """Adverts that somebody sends who is no keepalived."""

    router_id: int
    addresses: t.Sequence[str]
    destinations: t.Sequence[str]
    priority: int = 100
    version: int = 3
    ttl: int = 255
    secret: str = ""
    source: str = ""


@contextmanager
def sending(node: Node, sender: Sender | None) -> t.Iterator[None]:
    """Let a node send these adverts for as long as the body lasts."""
    if sender is None:
        yield
        return
    name = f"holdfast-test-sender-{sender.router_id}-{sender.priority}"
    command = [
        "podman",
        "exec",
        "--interactive",
        node.container,
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={name}",
    ]
    command += ["python3", "-c", SENDER, json.dumps(sender._asdict())]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        node.run(f"systemctl stop {name}")
