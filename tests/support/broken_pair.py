# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair of the lab, to be broken in one way and healed again; and a third host that sends adverts of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from contextlib import contextmanager
from pathlib import Path

from fleet_under_test import Node, eventually

__all__ = ("SITE", "VIP", "BrokenPair")

VIP, SITE = "10.89.50.100", "blog.example.com"
STATE_FILE = "/run/holdfast/state/split_brain.json"
UNITS = ("nginx", "keepalived", "holdfast-watcher", "holdfast-detector")

# Runs on a third host: adverts of VRRP version 3, ten a second. Arguments: router id, priority, VIP, destinations.
STRANGER = """
import socket, struct, sys, time
router_id, priority, vip, *destinations = sys.argv[1:]
connection = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
connection.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
def total(data):
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF
while True:
    for destination in destinations:
        connection.connect((destination, 0))
        source = connection.getsockname()[0]
        body = struct.pack("!BBBBHH", 0x31, int(router_id), int(priority), 1, 10, 0) + socket.inet_aton(vip)
        pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 112, len(body))
        connection.send(body[:6] + struct.pack("!H", total(pseudo + body)) + body[8:])
    time.sleep(0.1)
"""


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

    def heal(self) -> None:
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
    def stranger(self, priority: int, *destinations: str) -> t.Iterator[None]:
        """Let web1 send adverts with the pair's id and address to these destinations, for as long as the body lasts."""
        instance = json.loads(self.lb1.run("cat /etc/holdfast/detector.json"))["instances"][0]
        words = [str(instance["router_id"]), str(priority), VIP, *destinations]
        process = subprocess.Popen(
            ["podman", "exec", "--interactive", self.third.container, "python3", "-", *words], stdin=subprocess.PIPE
        )
        try:
            assert process.stdin is not None
            process.stdin.write(STRANGER.encode())
            process.stdin.close()
            yield
        finally:
            self.third.run(f"pkill --full '[p]ython3 - {words[0]} ' || true")
            process.terminate()
            process.wait()


ROOT = Path(__file__).parents[2]


def playbook(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the collection as a person would."""
    program = Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), f"playbooks/{name}.yml", "--inventory", "inventory/lab", *arguments]
    environment = dict(os.environ, ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_NOCOLOR="1")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
