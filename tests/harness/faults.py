# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a balancer, as far as a container allows, and what a client may see of it.

Two budgets each, for adverts every 0.1 s: the longest gap in seconds between two answers, and how many of 200 requests
a second may fail or be slow.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from harness.node import Node

__all__ = ("FAULTS", "Fault", "named", "recover", "shell")

Inject = t.Callable[[Node], t.Any]

EVERY_NGINX = "pgrep -x nginx"
WORKERS = "pgrep -f '^nginx: worker'"
CUT = "iptables -{0} INPUT -i eth0 -j DROP; iptables -{0} OUTPUT -o eth0 -j DROP"


@dataclass(frozen=True)
class Fault:
    """One fault, and how it is brought upon a node.

    ``isolated``: the node keeps its addresses and nobody hears of it, so two nodes have them until it is mended.
    """

    name: str
    inject: Inject
    gap: float
    lost: int
    isolated: bool = False


def shell(command: str) -> Inject:
    return lambda node: node.run(command)


def apart(name: str, command: str) -> Inject:
    """Return a inject that goes on in the node after it has begun, as the transient unit of this name."""
    return lambda node: node.run(f"systemd-run --quiet --collect --unit=fault-{name} sh -c '{command}'")


FAULTS: tuple[Fault, ...] = (
    Fault("nginx killed", shell("systemctl kill --kill-who=main --signal=KILL nginx"), 0.2, 40),
    Fault("nginx stopped", shell("systemctl stop nginx"), 0.2, 40),
    Fault("nginx frozen", shell("systemctl kill --signal=STOP nginx"), 1.0, 200),
    Fault("nginx's workers hung", shell(f"kill -STOP $({WORKERS})"), 1.0, 200),
    Fault(
        "nginx crashes again and again",
        apart("crashes", f"for i in $(seq 12); do kill -KILL $({EVERY_NGINX}); sleep 0.4; done"),
        0.2,
        40,
    ),
    Fault("keepalived stopped", shell("systemctl stop keepalived"), 0.2, 40),
    Fault("keepalived killed", shell("systemctl kill --kill-who=main --signal=KILL keepalived"), 0.4, 80),
    Fault("keepalived's child killed", shell("kill -KILL $(pgrep -x keepalived | tail -n 1)"), 0.4, 80),
    Fault("keepalived frozen", shell("systemctl kill --signal=STOP keepalived"), 0.4, 80, isolated=True),
    Fault("link down", shell("ip link set eth0 down"), 0.4, 80),
    Fault(
        "link flaps",
        apart("flaps", "for i in $(seq 5); do ip link set eth0 down; sleep 0.4; ip link set eth0 up; sleep 0.4; done"),
        0.4,
        80,
    ),
    Fault("every packet lost", shell(CUT.format("I")), 0.4, 80),
    Fault("host frozen", lambda node: node.freeze(), 0.4, 80),
    Fault("host killed", lambda node: node.kill(), 0.4, 80),
    Fault("host shut down", lambda node: node.shut_down(), 0.2, 40),
)


def named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


# What the tests put on a balancer, or take from it, and what a node that was dead or cut off has left behind.
UNDO = """
systemctl stop 'fault-*' 'holdfast-test-*'; systemctl reset-failed
ip link set eth0 up
iptables --flush INPUT; iptables --flush OUTPUT
nft delete table inet holdfast_test 2>/dev/null
systemctl kill --signal=CONT {service} keepalived
systemctl start {service} keepalived
for unit in holdfast-watcher holdfast-detector; do
  systemctl is-enabled --quiet $unit && systemctl start $unit
done
true
"""


def recover(node: Node, service: str = "nginx") -> None:
    """Undo whatever of the above has happened to a balancer and its service; nothing happens to one that is well."""
    node.revive()
    node.run(UNDO.format(service=service))
