# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy pair for every test, and a healthy pair left behind."""

from __future__ import annotations

import typing as t

import pytest
from fleet_under_test import Holders, Node, eventually, watching

VIP = "10.89.50.100"
SITE = "blog.example.com"


class Pair:
    """The two balancers, their backends, and the client's view of them."""

    def __init__(self) -> None:
        self.lb1, self.lb2 = Node("lb1"), Node("lb2")
        self.balancers = [self.lb1, self.lb2]
        self.web_servers = {Node("web1"): "nginx", Node("web2"): "nginx", Node("web3"): "apache2"}

    def holder(self) -> str:
        """Return who holds the address, by the look of both nodes; names joined if there are two."""
        return "+".join(node.name for node in self.balancers if node.alive and node.holds(VIP))

    def held_by(self, node: Node, *, within: float) -> None:
        eventually(lambda: self.holder() == node.name, within=within, saying=f"{node} alone holds {VIP}")

    def heal(self) -> None:
        for node in [*self.balancers, *self.web_servers]:
            node.revive()
        for node in self.balancers:
            node.run("systemctl kill --signal=CONT nginx keepalived || true")
            node.run("systemctl start nginx keepalived holdfast-watcher")
        for node, unit in self.web_servers.items():
            node.run(f"systemctl start {unit}")
        self.held_by(self.lb1, within=30)


@pytest.fixture
def pair() -> t.Iterator[Pair]:
    made = Pair()
    made.heal()
    yield made
    made.heal()


@pytest.fixture
def holders(pair: Pair) -> t.Iterator[Holders]:
    with watching(VIP, pair.balancers) as seen:
        yield seen
