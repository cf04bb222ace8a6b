# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual servers of LVS and the real servers behind them. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import blocks
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_checks import CHECKS
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_forms import command

__all__ = ("VIRTUAL_SERVER", "VIRTUAL_SERVER_GROUP")

VIRTUAL_SERVER_GROUP = """\
name:
  description: Name of the group.
  type: str
  required: true
members:
  description:
    - What belongs to it, one an element, as keepalived has it, such as V(192.0.2.100 80), V(192.0.2.100-110 80) or
      V(fwmark 7).
  type: list
  elements: str
  required: true
"""

REAL_SERVER = (
    """\
address:
  description: Address of the server.
  type: str
  required: true
port:
  description: Port of the server. Without it, that of the virtual server.
  type: int
weight:
  description: Share of the connections that the server gets, in proportion to the others. Defaults to V(1).
  type: int
lvs_method:
  description:
    - How connections reach the server, where it is not as for the others.
    - Needs keepalived 1.3.6.
  type: list
  elements: str
uthreshold:
  description: The most connections at a time.
  type: int
lthreshold:
  description: Connections below which the server gets new ones again.
  type: int
inhibit_on_failure:
  description: Whether a server that is down stays with the weight 0, so that its connections are not cut.
  type: bool
alpha:
  description:
    - Whether the server counts as down until its checks were good once.
    - Needs keepalived 1.3.7.
  type: bool
retry:
  description:
    - How often a check that failed is tried again before it counts.
    - Needs keepalived 1.3.7.
  type: int
delay_before_retry:
  description:
    - Seconds before each of them.
    - Needs keepalived 1.3.7.
  type: float
warmup:
  description:
    - The most seconds by which the first check is put off, by chance.
    - Needs keepalived 1.3.7.
  type: float
connect_timeout:
  description:
    - Seconds for the connection of a check.
    - Needs keepalived 2.0.13.
  type: float
delay_loop:
  description:
    - Seconds between two checks.
    - Needs keepalived 1.3.7.
  type: float
smtp_alert:
  description:
    - Whether a mail is sent when the server comes or goes.
    - Needs keepalived 2.0.0.
  type: bool
virtualhost:
  description:
    - The C(Host) header of its checks.
    - Needs keepalived 1.3.6.
  type: str
snmp_name:
  description:
    - Name of the server in SNMP.
    - Needs keepalived 2.2.3.
  type: str
"""
    + command("notify_up", "Command that runs when the server comes.")
    + command("notify_down", "Command that runs when the server goes.")
    + CHECKS
)

VIRTUAL_SERVER = (
    """\
address:
  description: Address of the service. One of O(.address), O(.fwmark) and O(.group) is needed.
  type: str
port:
  description: Port of the service, with O(.address). Without one, all ports, which needs O(.persistence_timeout).
  type: int
fwmark:
  description: Mark by which the firewall tells the connections of the service.
  type: int
group:
  description: Name of one of C(virtual_server_groups).
  type: str
ip_family:
  description:
    - Family of the service where O(.fwmark) does not tell it.
    - Needs keepalived 1.2.20.
  type: str
  choices: [inet, inet6]
protocol:
  description: Protocol of the service. Defaults to V(TCP).
  type: str
  choices: [TCP, UDP, SCTP]
lb_algo:
  description:
    - How a connection finds its server, a scheduler of LVS, such as V(rr) for round robin, V(wrr) by weight, V(wlc) by
      fewest connections and weight.
  type: str
  choices: [rr, wrr, lc, wlc, lblc, sh, mh, dh, fo, ovf, lblcr, sed, nq, twos]
lb_kind:
  description:
    - How connections reach the servers, V(NAT), V(DR), or V(TUN) and behind it the type of the tunnel, word by word.
  type: list
  elements: str
persistence_engine:
  description:
    - What binds a client beside its address; only V(sip).
    - Needs keepalived 1.2.20.
  type: str
persistence_timeout:
  description: Seconds for which a client stays at its server.
  type: int
persistence_granularity:
  description: Netmask of clients that count as one.
  type: str
hashed:
  description:
    - Whether the service is marked as hashed in the system.
    - Needs keepalived 1.3.0.
  type: bool
ops:
  description: Whether each packet of UDP finds a server for itself.
  type: bool
sh_port:
  description:
    - Whether V(sh) goes by the client's port as well.
    - Needs keepalived 1.3.0.
  type: bool
sh_fallback:
  description:
    - Whether V(sh) takes another server where the one is down.
    - Needs keepalived 1.3.0.
  type: bool
mh_port:
  description:
    - Whether V(mh) goes by the client's port as well.
    - Needs keepalived 2.0.20.
  type: bool
mh_fallback:
  description:
    - Whether V(mh) takes another server where the one is down.
    - Needs keepalived 2.0.20.
  type: bool
ha_suspend:
  description: Whether servers are checked only while this host has the address.
  type: bool
alpha:
  description: Whether servers count as down until their checks were good once.
  type: bool
omega:
  description: Whether commands for servers that go run when keepalived stops, too.
  type: bool
inhibit_on_failure:
  description:
    - Whether a server that is down stays with the weight 0, so that its connections are not cut.
    - Needs keepalived 1.3.7.
  type: bool
weight:
  description:
    - Weight of servers that do not say theirs.
    - Needs keepalived 1.3.7.
  type: int
quorum:
  description: Weight of servers that are well which the service needs. Defaults to V(1).
  type: int
hysteresis:
  description: Weight by which it may be passed before that counts.
  type: int
retry:
  description:
    - How often a check that failed is tried again before it counts.
    - Needs keepalived 1.3.7.
  type: int
delay_before_retry:
  description:
    - Seconds before each of them.
    - Needs keepalived 1.3.7.
  type: float
warmup:
  description:
    - The most seconds by which the first check is put off, by chance.
    - Needs keepalived 1.3.7.
  type: float
connect_timeout:
  description:
    - Seconds for the connection of a check. Defaults to V(5).
    - Needs keepalived 2.0.13.
  type: float
delay_loop:
  description: Seconds between two checks. Defaults to V(60).
  type: float
smtp_alert:
  description:
    - Whether a mail is sent when servers come or go.
    - Needs keepalived 2.0.0.
  type: bool
virtualhost:
  description: The C(Host) header of checks that do not say theirs.
  type: str
snmp_name:
  description:
    - Name of the service in SNMP.
    - Needs keepalived 2.2.3.
  type: str
sorry_server:
  description: Address, and port behind it, of the server that answers when the quorum is lost.
  type: list
  elements: str
sorry_server_inhibit:
  description: Whether that server stays with the weight 0 while it is not needed.
  type: bool
sorry_server_lvs_method:
  description:
    - How connections reach that server, as in O(.lb_kind).
    - Needs keepalived 1.3.6.
  type: list
  elements: str
"""
    + command("quorum_up", "Command that runs when the quorum is there.")
    + command("quorum_down", "Command that runs when the quorum is lost.")
    + blocks("real_servers", "Servers that connections go to.", REAL_SERVER)
)
