# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair of the lab, to be broken in one way and recovered again; and a third host that sends adverts of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from contextlib import contextmanager
from pathlib import Path

from fleet_under_test import Node, eventually

__all__ = ("SITE", "VIP", "BrokenPair", "Sender", "doctor", "playbook", "sending")

VIP, SITE = "10.89.50.100", "blog.example.com"
STATE_FILE = "/run/holdfast/state/split_brain.json"
UNITS = ("nginx", "keepalived", "holdfast-watcher", "holdfast-detector")

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


class BrokenPair:
    """Two balancers of which lb1 is the holder while all is well."""

    def __init__(self) -> None:
        self.lb1, self.lb2, self.third = Node("lb1"), Node("lb2"), Node("web1")
        self.balancers = [self.lb1, self.lb2]

    def holders(self) -> list[str]:
        return [node.name for node in self.balancers if node.holds(VIP)]

    def findings(self, node: Node) -> dict[str, str]:
        """Return the detector's reasons on a node by their event."""
        state = json.loads(node.run(f"cat {STATE_FILE}"))
        assert state["state"] == ("raised" if state["findings"] else "clear")
        return {one["event"]: one["reason"] for one in state["findings"]}

    def told(self, node: Node, since: str) -> str:
        """Return what the detector of a node wrote into the journal since then."""
        return node.run(f"journalctl --quiet --unit=holdfast-detector --output=cat --since='{since}'")

    def recover(self) -> None:
        """Undo whatever a test did, and wait until lb1 alone holds the address and nothing is raised."""
        for node in self.balancers:
            node.run("iptables --flush INPUT; iptables --flush OUTPUT; nft delete table inet holdfast_test || true")
            node.run("systemctl kill --signal=CONT nginx keepalived || true")
            node.run(f"systemctl reset-failed; systemctl start {' '.join(UNITS)}")
        self.settled()

    def settled(self) -> None:
        eventually(lambda: self.holders() == ["lb1"], within=30, saying=f"lb1 alone holds {VIP}")
        for node in self.balancers:
            self.cleared(node, "split_brain", within=10)

    def raised(self, node: Node, event: str, reason: str, *, within: float) -> None:
        eventually(
            lambda: self.findings(node).get(event) == reason, within=within, saying=f"{node} raises {event}: {reason}"
        )

    def cleared(self, node: Node, event: str, *, within: float) -> None:
        eventually(lambda: event not in self.findings(node), within=within, saying=f"{node} clears {event}")

    @contextmanager
    def foreign_router(self, priority: int, *destinations: str) -> t.Iterator[None]:
        """Let web1 send adverts with the pair's id and address to these destinations, for as long as the body lasts."""
        instance = json.loads(self.lb1.run("cat /etc/holdfast/detector.json"))["instances"][0]
        with sending(self.third, Sender(instance["router_id"], [VIP], destinations, priority)):
            yield


ROOT = Path(__file__).parents[2]


def playbook(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection as a person would."""
    program = Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), f"playbooks/{name}.yml", "--inventory", "inventory/lab", *arguments]
    environment = dict(os.environ, ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_NOCOLOR="1", ANSIBLE_FORCE_COLOR="0")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)


FINDING = re.compile(r'^\s+"\s+\d+\. (.*)",?$', re.MULTILINE)


def doctor(*arguments: str) -> tuple[int, list[str], str]:
    """Return the exit code, the findings, and all that was printed."""
    done = playbook("doctor", *arguments)
    return done.returncode, FINDING.findall(done.stdout), done.stdout + done.stderr
