# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancers of a lab and their backends: who holds what, and what must hold when all is well."""

from __future__ import annotations

import json
import typing as t
from contextlib import contextmanager

import pytest

from harness.faults import recover
from harness.foreign_adverts import Sender, sending
from harness.node import Node, alive, run_on_each
from harness.playing import playbook
from harness.waiting import eventually

__all__ = ("SITE", "VIP", "Cluster", "healthy", "pair")

VIP = "10.89.50.100"
SITE = "blog.example.com"
WEB_SERVERS = {"web1": "nginx", "web2": "nginx", "web3": "apache2"}
DETECTOR = "/run/holdfast/state/split_brain.json"

# What one look at a balancer shows, each under its name.
AUDIT = """
for unit in nginx keepalived holdfast-watcher; do echo "unit $unit $(systemctl is-active $unit)"; done
for tracker in /run/holdfast/track/*; do echo "tracker $(basename $tracker) $(cat $tracker)"; done
nginx -t -q 2>/dev/null && echo nginx good
keepalived --help 2>&1 | grep -q -e --all-config && all=--all-config
timeout 10 unshare --pid --fork --kill-child keepalived -t $all 2>&1 | grep -q . || echo keepalived good
ls /var/lib/holdfast/nginx /var/lib/holdfast/keepalived | grep -v -e manifest.json -e : -e '^$' | sed 's/^/leftover /'
ps -eo stat=,comm= | grep '^Z.*keepalived' | sed 's/^/zombie /'
systemctl list-units --failed --plain --no-legend --full | sed 's/^/failed /'
"""
WELL = {
    *("unit nginx active", "unit keepalived active", "unit holdfast-watcher active", "nginx good", "keepalived good"),
    *("tracker nginx_crash 0", "tracker nginx_probe 0", "tracker nginx_stop 0"),
}


class Cluster:
    """The balancers of a lab, by default the pair of inventory/lab, their backends, and the client's view of them.

    ``places`` names for every address the balancer that holds it while all is well; ``service`` is what serves there,
    and ``web_servers`` what does on each backend.
    """

    def __init__(
        self,
        places: t.Mapping[str, str] | None = None,
        balancers: t.Iterable[str] = ("lb1", "lb2"),
        service: str = "nginx",
        web_servers: t.Mapping[str, str] = WEB_SERVERS,
    ) -> None:
        self.service = service
        self.places = dict(places or {VIP: "lb1"})
        self.nodes = {name: Node(name) for name in balancers}
        self.web_servers = {Node(name): unit for name, unit in web_servers.items()}

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __iter__(self) -> t.Iterator[Node]:
        return iter(self.nodes.values())

    @property
    def balancers(self) -> list[Node]:
        return list(self)

    @property
    def lb1(self) -> Node:
        return self["lb1"]

    @property
    def lb2(self) -> Node:
        return self["lb2"]

    @property
    def third(self) -> Node:
        """A host that is no balancer."""
        return next(iter(self.web_servers))

    def other(self, node: Node) -> Node:
        """Return the other one of a pair."""
        [other] = [one for one in self if one is not node]
        return other

    def placement(self, addresses: t.Iterable[str] | None = None) -> dict[str, str]:
        """Return who holds each address, by the look of the nodes themselves; names joined where there are several."""
        seen = {node.name: node.run("ip -o address show") for node in alive(self)}
        return {
            address: "+".join(name for name, shown in seen.items() if f" {address}/" in shown)
            for address in addresses or self.places
        }

    def holder(self, address: str = VIP) -> str:
        """Return who holds an address; names joined if there are two, nothing if there is none."""
        return self.placement([address])[address]

    def placed(self, places: t.Mapping[str, str], *, within: float) -> None:
        """Wait until every address is where it shall be, and nowhere else."""
        eventually(
            lambda: self.placement(places) == places,
            within=within,
            saying=", ".join(f"{name} alone holds {address}" for address, name in places.items()),
        )

    def held_by(self, node: Node, *, within: float, isolated: bool = False) -> None:
        """Wait until this node holds the address, and no other does that is not ``isolated`` from all."""
        if isolated:
            eventually(lambda: node.holds(VIP), within=within, saying=f"{node} holds {VIP}")
        else:
            self.placed({VIP: node.name}, within=within)

    def undo(self) -> None:
        """Undo every fault of the balancers."""
        run_on_each(lambda node: recover(node, self.service), self)

    def recover(self) -> None:
        """Undo every fault, and wait until every address is where it belongs."""

        def recover_web_server(node: Node) -> None:
            node.revive()
            node.run(f"systemctl start {self.web_servers[node]}")

        run_on_each(recover_web_server, self.web_servers)
        self.undo()
        if any(self.moved(node) for node in self):
            done = playbook("playbooks/move.yml", "--extra-vars", "back=true")
            assert done.returncode == 0, done.stdout
        self.placed(self.places, within=30)
        if VIP in self.places:  # nginx asks nobody for fail_timeout, 10 s, once all that it asked had failed
            eventually(lambda: self.ask(self.third), within=15, saying=f"{VIP} answers")

    def moved(self, node: Node) -> str:
        """Return what a planned move has left on a node; empty where nothing is."""
        return node.run("cat /etc/holdfast/move.json 2>/dev/null || true").strip().replace("{}", "")

    def ask(self, third: Node) -> bool:
        """Let a web server ask the address once, as any neighbour does; return whether it got a page."""
        asked = f"curl --silent --fail --max-time 2 --output /dev/null --header 'Host: {SITE}' http://{VIP}/"
        return third.attempt(asked).returncode == 0

    def learned(self, third: Node) -> str:
        """Return the hardware address that a neighbour sends the packets for the address to."""
        entries = json.loads(third.run(f"ip -json neighbour show {VIP}"))
        return str(entries[0].get("lladdr", "")) if entries else ""

    def findings(self, node: Node) -> dict[str, str]:
        """Return the detector's reasons on a node by their event."""
        state = json.loads(node.run(f"cat {DETECTOR}"))
        assert state["state"] == ("raised" if state["findings"] else "clear")
        return {one["event"]: one["reason"] for one in state["findings"]}

    def raised(self, node: Node, event: str, reason: str, *, within: float) -> None:
        """Wait until the detector of a node names this reason for this event."""
        eventually(
            lambda: self.findings(node).get(event) == reason, within=within, saying=f"{node} raises {event}: {reason}"
        )

    def cleared(self, node: Node, event: str, *, within: float) -> None:
        """Wait until the detector of a node names no reason for this event."""
        eventually(lambda: event not in self.findings(node), within=within, saying=f"{node} clears {event}")

    def settled(self) -> None:
        """Wait until every address is where it belongs, and no detector calls that a split."""
        self.placed(self.places, within=30)
        for node in self:
            self.cleared(node, "split_brain", within=10)

    @contextmanager
    def foreign_router(self, priority: int, *destinations: str) -> t.Iterator[None]:
        """Let a third host send adverts with the pair's id and address to these destinations while the body lasts."""
        instance = json.loads(self.lb1.run("cat /etc/holdfast/detector.json"))["instances"][0]
        with sending(self.third, Sender(instance["router_id"], [VIP], destinations, priority)):
            yield

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
        if holder not in self.nodes:
            return [*wrong, f"{VIP} is held by {holder or 'nobody'}"]
        node, third = self[holder], self.third
        if not self.ask(third):
            wrong.append(f"{third} gets no page from {VIP}")
        mac = json.loads(node.run("ip -json link show eth0"))[0]["address"]
        if self.learned(third) != mac:
            wrong.append(f"{third} sends packets for {VIP} to {self.learned(third)}, and {node} has {mac}")
        return wrong


@contextmanager
def healthy(places: t.Mapping[str, str] | None = None, *balancers: str) -> t.Iterator[Cluster]:
    """Lend a cluster that is well, before and after, with every address at its place."""
    cluster = Cluster(places, balancers or ("lb1", "lb2"))
    cluster.recover()
    yield cluster
    cluster.recover()


@pytest.fixture
def pair() -> t.Iterator[Cluster]:
    """The pair of inventory/lab, healthy before each test and left so."""
    with healthy() as cluster:
        yield cluster
