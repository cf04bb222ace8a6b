# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair of inventory/lab under test, and what must hold of it when all is well."""

from __future__ import annotations

import json

from faults import recover
from fleet_under_test import Node, eventually, playbook

__all__ = ("SITE", "VIP", "Pair")

VIP = "10.89.50.100"
SITE = "blog.example.com"

# What one look at a balancer shows, each under its name.
AUDIT = """
for unit in nginx keepalived holdfast-watcher; do echo "unit $unit $(systemctl is-active $unit)"; done
for tracker in /run/holdfast/track/*; do echo "tracker $(basename $tracker) $(cat $tracker)"; done
nginx -t -q 2>/dev/null && echo nginx good
timeout 10 unshare --pid --fork --kill-child keepalived -t -e 2>&1 | grep -q . || echo keepalived good
ls /var/lib/holdfast/nginx /var/lib/holdfast/keepalived | grep -v -e manifest.json -e : -e '^$' | sed 's/^/leftover /'
ps -eo stat=,comm= | grep '^Z.*keepalived' | sed 's/^/zombie /'
systemctl list-units --failed --plain --no-legend --full | sed 's/^/failed /'
"""
WELL = {
    *("unit nginx active", "unit keepalived active", "unit holdfast-watcher active", "nginx good", "keepalived good"),
    *("tracker nginx_crash 0", "tracker nginx_probe 0", "tracker nginx_stop 0"),
}


class Pair:
    """The two balancers, their backends, and the client's view of them."""

    def __init__(self) -> None:
        self.lb1, self.lb2 = Node("lb1"), Node("lb2")
        self.balancers = [self.lb1, self.lb2]
        self.web_servers = {Node("web1"): "nginx", Node("web2"): "nginx", Node("web3"): "apache2"}

    def holder(self) -> str:
        """Return who holds the address, by the look of both nodes; names joined if there are two."""
        return "+".join(node.name for node in self.balancers if node.alive and node.holds(VIP))

    def held_by(self, node: Node, *, within: float, isolated: bool = False) -> None:
        """Wait until this node holds the address, and no other does that is not ``isolated`` from all."""
        if isolated:
            eventually(lambda: node.holds(VIP), within=within, saying=f"{node} holds {VIP}")
        else:
            eventually(lambda: self.holder() == node.name, within=within, saying=f"{node} alone holds {VIP}")

    def other(self, node: Node) -> Node:
        return self.lb2 if node is self.lb1 else self.lb1

    def recover(self) -> None:
        """Undo every fault, and wait until the preferred node alone holds the address."""
        for node in self.web_servers:
            node.revive()
        for node in self.balancers:
            recover(node)
        for node, unit in self.web_servers.items():
            node.run(f"systemctl start {unit}")
        if any(self.moved(node) for node in self.balancers):
            done = playbook("playbooks/move.yml", "--extra-vars", "back=true")
            assert done.returncode == 0, done.stdout
        self.held_by(self.lb1, within=30)

    def moved(self, node: Node) -> str:
        """Return what a planned move has left on a node; empty where nothing is."""
        return node.run("cat /etc/holdfast/move.json 2>/dev/null || true").strip().replace("{}", "")

    def ask(self, third: Node) -> None:
        """Let a web server ask the address once, as any neighbour does."""
        third.run(f"curl --silent --fail --max-time 2 --output /dev/null --header 'Host: {SITE}' http://{VIP}/")

    def learned(self, third: Node) -> str:
        """Return the hardware address that a neighbour sends the packets for the address to."""
        entries = json.loads(third.run(f"ip -json neighbour show {VIP}"))
        return str(entries[0].get("lladdr", "")) if entries else ""

    def audit(self) -> list[str]:
        """Return what is not as it must be when all is well, within ten seconds of grace: nothing."""
        wrong: list[str] = []

        def well() -> bool:
            wrong[:] = self._wrong()
            return not wrong

        try:
            eventually(well, within=10, saying="all is well")
        except AssertionError:
            return wrong
        return []

    def _wrong(self) -> list[str]:
        wrong = []
        for node in self.balancers:
            seen = {line.strip() for line in node.run(AUDIT + "true").split("\n") if line.strip()}
            wrong += [f"{node}: missing: {line}" for line in sorted(WELL - seen)]
            beside = {line for line in seen - WELL if not (line.startswith("tracker ") and line.endswith(" 0"))}
            wrong += [f"{node}: {line}" for line in sorted(beside)]
        holder = self.holder()
        if holder not in (self.lb1.name, self.lb2.name):
            return [*wrong, f"{VIP} is held by {holder or 'nobody'}"]
        node = self.lb1 if holder == self.lb1.name else self.lb2
        third = next(iter(self.web_servers))
        self.ask(third)
        mac = json.loads(node.run("ip -json link show eth0"))[0]["address"]
        if self.learned(third) != mac:
            wrong.append(f"{third} sends packets for {VIP} to {self.learned(third)}, and {node} has {mac}")
        return wrong
