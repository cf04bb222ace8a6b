# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What global_defs of keepalived can say. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_forms import command
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_processes import PROCESSES

__all__ = ("GLOBAL_DEFS",)

MAIL = """\
notification_email:
  description: Addresses that get mails.
  type: list
  elements: str
notification_email_from:
  description: Address that mails come from.
  type: str
smtp_server:
  description: Server that takes mails, and its port where it is not 25.
  type: list
  elements: str
smtp_helo_name:
  description:
    - Name by which keepalived greets that server.
    - Needs keepalived 1.2.20.
  type: str
smtp_connect_timeout:
  description: Seconds for the connection to it.
  type: int
smtp_alert:
  description:
    - Whether mails are sent where nothing else is said.
    - Needs keepalived 2.0.0.
  type: bool
smtp_alert_vrrp:
  description:
    - The same for instances and sync groups.
    - Needs keepalived 2.0.0.
  type: bool
smtp_alert_checker:
  description:
    - The same for virtual servers.
    - Needs keepalived 2.0.0.
  type: bool
no_email_faults:
  description:
    - Whether no mail is sent about the state C(FAULT).
    - Needs keepalived 2.0.0.
  type: bool
no_checker_emails:
  description:
    - Whether mails about real servers are sent only when one comes or goes, and not at every change of a check.
    - Needs keepalived 2.0.0.
  type: bool
"""

SCRIPTS = (
    command("startup_script", "Command that runs once before keepalived begins.", "2.1.0")
    + command("shutdown_script", "Command that runs once after keepalived has ended.", "2.1.0")
    + """\
startup_script_timeout:
  description:
    - Seconds after which O(.startup_script) is ended, V(1) to V(1000). Defaults to V(10).
    - Needs keepalived 2.1.0.
  type: int
shutdown_script_timeout:
  description:
    - Seconds after which O(.shutdown_script) is ended, V(1) to V(1000). Defaults to V(10).
    - Needs keepalived 2.1.0.
  type: int
enable_script_security:
  description:
    - Whether a command of root runs only where nobody else can change any part of its path.
    - Needs keepalived 1.3.0.
  type: bool
script_user:
  description:
    - Whose commands are that name no user, a user, and a group behind it where it is not the user's own.
    - Needs keepalived 1.3.0.
  type: list
  elements: str
use_symlink_paths:
  description:
    - Whether symbolic links in the paths of commands stay, and are not resolved.
    - Needs keepalived 2.3.0.
  type: bool
"""
)

EVENTS = (
    """\
notify_fifo:
  description:
    - Named pipe that gets a line for every change of any kind.
    - A user and a group may follow the path. Without them keepalived uses the user of scripts.
    - Needs keepalived 1.3.6.
  type: list
  elements: str
vrrp_notify_fifo:
  description:
    - Named pipe that gets a line for every change of an instance or a sync group.
    - A user and a group may follow the path. Without them keepalived uses the user of scripts.
    - Needs keepalived 1.3.6.
  type: list
  elements: str
vrrp_notify_priority_changes:
  description:
    - Whether changes of a priority are told there, too.
    - Needs keepalived 2.0.16.
  type: bool
lvs_notify_fifo:
  description:
    - Named pipe that gets a line for every change of a virtual or a real server.
    - A user and a group may follow the path. Without them keepalived uses the user of scripts.
    - Needs keepalived 1.3.6.
  type: list
  elements: str
fifo_write_vrrp_states_on_reload:
  description:
    - Whether the states are told there again after a reload.
    - Needs keepalived 2.2.5.
  type: bool
"""
    + command("notify_fifo_script", "Command that reads O(.notify_fifo), whose path is its last argument.", "1.3.6")
    + command(
        "vrrp_notify_fifo_script", "Command that reads O(.vrrp_notify_fifo), whose path is its last argument.", "1.3.6"
    )
    + command(
        "lvs_notify_fifo_script", "Command that reads O(.lvs_notify_fifo), whose path is its last argument.", "1.3.6"
    )
)

VRRP = """\
vrrp_version:
  description:
    - Version of VRRP of instances that do not say theirs, V(2) or V(3).
    - Needs keepalived 1.2.20.
  type: int
vrrp_mcast_group4:
  description: Multicast address of adverts over IPv4. Defaults to V(224.0.0.18).
  type: str
vrrp_mcast_group6:
  description: Multicast address of adverts over IPv6. Defaults to V(ff02::12).
  type: str
vrrp_garp_master_delay:
  description:
    - Seconds after which a new holder announces its addresses (gratuitous ARP) once more; V(0) for not. Defaults
      to V(5).
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_master_repeat:
  description:
    - Announcements in one go of a new holder. Defaults to V(5).
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_master_refresh:
  description:
    - Seconds between announcements of a holder; V(0) for none.
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_master_refresh_repeat:
  description:
    - Announcements in one go of O(.vrrp_garp_master_refresh).
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_lower_prio_delay:
  description:
    - Seconds after which a holder that saw an advert of lower priority announces its addresses once more.
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_lower_prio_repeat:
  description:
    - Announcements in one go for it.
    - Needs keepalived 1.2.20.
  type: int
vrrp_garp_interval:
  description:
    - Seconds between two announcements (ARP) on one interface.
    - Needs keepalived 1.2.21.
  type: float
vrrp_gna_interval:
  description:
    - Seconds between two announcements of IPv6 on one interface.
    - Needs keepalived 1.2.21.
  type: float
vrrp_min_garp:
  description:
    - Whether a new holder announces each address once and no more.
    - Needs keepalived 2.0.12.
  type: bool
vrrp_garp_extra_if:
  description:
    - Seconds between announcements on other interfaces that have addresses of an instance, V(0) for none. Behind the
      word V(all), it holds for interfaces without a MAC of their own, too.
    - Needs keepalived 2.2.3.
  type: list
  elements: str
vrrp_down_timer_adverts:
  description:
    - Missing adverts after which the next node takes over, V(1) to V(100), where an instance says nothing else.
    - Needs keepalived 2.2.3.
  type: int
vrrp_lower_prio_no_advert:
  description:
    - Whether a holder leaves an advert of lower priority without an answer.
    - Needs keepalived 1.2.20.
  type: bool
vrrp_higher_prio_send_advert:
  description:
    - Whether a holder that sees an advert of higher priority sends one more before it lets go, so that the other
      announces the addresses again.
    - Needs keepalived 1.3.5.
  type: bool
vrrp_skip_check_adv_addr:
  description:
    - Whether the addresses in an advert are compared only when the sender has changed.
    - Needs keepalived 1.2.20.
  type: bool
vrrp_check_unicast_src:
  description:
    - Whether unicast adverts of others than the peers are dropped.
    - Needs keepalived 1.2.20.
  type: bool
vrrp_strict:
  description:
    - Whether the letter of the protocol is enforced, which forbids unicast, passwords and delayed preemption.
    - Needs keepalived 1.2.20.
  type: bool
vrrp_owner_ignore_adverts:
  description:
    - Whether a node of priority 255 drops the adverts of others.
    - Needs keepalived 2.3.3.
  type: bool
v3_checksum_as_v2:
  description:
    - Whether the checksum of version 3 over IPv4 leaves the addresses out, as routers of some makers have it. The same
      on all nodes.
    - Needs keepalived 2.2.8.
  type: bool
log_unknown_vrids:
  description:
    - Whether adverts of virtual routers that nobody here knows are logged.
    - Needs keepalived 2.0.16.
  type: bool
vrrp_startup_delay:
  description:
    - Seconds after its own start before instances begin.
    - Needs keepalived 2.0.14.
  type: float
vrrp_delay_after_boot:
  description:
    - Seconds after the start of the host before instances begin.
    - Needs keepalived 2.4.0.
  type: float
vmac_prefix:
  description:
    - How names of interfaces with a MAC of a virtual router begin.
    - Needs keepalived 2.2.0.
  type: str
vmac_addr_prefix:
  description:
    - The same for those made for an address on another interface.
    - Needs keepalived 2.2.0.
  type: str
disable_local_igmp:
  description:
    - Whether the system reports no groups of the local network (IGMP), for interfaces with a MAC of a virtual router.
    - Needs keepalived 2.2.0.
  type: bool
"""

FIREWALL = """\
vrrp_iptables:
  description:
    - Whether iptables drops what an instance must not take, V(true), or the chain for what comes in, and behind it the
      one for what goes out.
    - Needs keepalived 1.2.20.
  type: raw
vrrp_ipsets:
  description:
    - Whether ipsets are used with it, V(true), or their names, up to five.
    - Needs keepalived 1.2.20.
  type: raw
nftables:
  description:
    - Whether nftables does it, V(true), or the name of its table.
    - Needs keepalived 2.0.11.
  type: raw
nftables_priority:
  description:
    - Priority of the chains in that table. Defaults to V(-1).
    - Needs keepalived 2.0.11.
  type: int
nftables_counters:
  description:
    - Whether its rules count.
    - Needs keepalived 2.0.11.
  type: bool
nftables_ifindex:
  description:
    - Whether its sets hold numbers of interfaces in the place of names.
    - Needs keepalived 2.0.11.
  type: bool
nftables_ipvs:
  description:
    - Whether nftables marks the connections of virtual server groups, so that a group is one service. V(true), or the
      name of its table.
    - Needs keepalived 2.2.2.
  type: raw
nftables_ipvs_priority:
  description:
    - Priority of the chains in that table.
    - Needs keepalived 2.2.2.
  type: int
nftables_ipvs_start_fwmark:
  description:
    - The first mark that is used for it. Defaults to V(1000).
    - Needs keepalived 2.2.2.
  type: int
"""

SERVERS = """\
lvs_flush:
  description:
    - Whether all virtual servers of the system go when keepalived starts.
    - Needs keepalived 1.2.23.
  type: bool
lvs_flush_on_stop:
  description:
    - Whether they go all at once when it stops, V(true), or V(VS) for those of keepalived only.
    - Needs keepalived 2.2.0.
  type: raw
lvs_sync_daemon:
  description:
    - How connections are told to the other node, as keepalived has it, word by word, such as V(eth0), V(VI_1).
    - Needs keepalived 1.2.20.
  type: list
  elements: str
lvs_timeouts:
  description:
    - Seconds after which connections are forgotten, word by word, such as V(tcp), V(7200), V(udp), V(300).
    - Needs keepalived 1.2.24.
  type: list
  elements: str
checker_log_all_failures:
  description:
    - Whether every failed check of a real server is logged.
    - Needs keepalived 2.0.11.
  type: bool
rs_init_notifies:
  description:
    - Whether real servers that come up at the start are told, too.
    - Needs keepalived 2.0.0.
  type: bool
"""

GLOBAL_DEFS = PROCESSES + MAIL + SCRIPTS + EVENTS + VRRP + FIREWALL + SERVERS
