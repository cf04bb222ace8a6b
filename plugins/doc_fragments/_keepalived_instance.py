# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vrrp_instance and a vrrp_sync_group can say. Private to this collection."""

from __future__ import annotations

from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._compose import suboptions
from ansible_collections.holdfast.nginx_ha.plugins.doc_fragments._keepalived_forms import addresses, command, tracked

__all__ = ("NAME", "SYNC_GROUP", "VRRP_INSTANCE", "virtual_router_id")

NAME = """\
name:
  description: Name of the instance, by which keepalived, its log and its sync groups refer to it.
  type: str
  required: true
"""


def virtual_router_id(*, required: str) -> str:
    """Return this option, which a module that can also remove the instance requires in one case only."""
    return f"""\
virtual_router_id:
  description:
    - Number of the virtual router, V(1) to V(255), the same on all nodes of the instance.
    - No other virtual router of the same family may have it in the same network.
  type: int
  required: {required}
"""


ELECTION = """\
initial_state:
  description:
    - State in which the instance begins; what keepalived itself calls C(state).
    - By default it is V(BACKUP), on every node, so that a node that starts looks first whether another one serves.
    - V(MASTER) cancels O(.nopreempt) and O(.preempt_delay).
  type: str
  choices: [BACKUP, MASTER]
interface:
  description:
    - Interface on which the adverts are sent, and that gets the addresses which name no other.
    - Without it, that in whose subnet the first address lies.
  type: str
version:
  description:
    - Version of VRRP, V(2) or V(3). By default it is V(3), which counts adverts in hundredths of a second.
    - Needs keepalived 1.2.17.
  type: int
priority:
  description:
    - The node with the highest one holds the addresses, V(1) to V(255); V(255) is for a node that owns them.
    - Defaults to V(100). Give each node of an instance its own.
  type: int
advert_int:
  description:
    - Seconds between two adverts, the same on all nodes. By default V(0.1), and V(1) for version 2.
    - After three of them without an advert, the next node takes over.
    - Version 2 counts whole seconds, V(1) to V(255), version 3 hundredths, V(0.01) to V(40.95).
  type: float
nopreempt:
  description: Whether a node of higher priority that comes back leaves the addresses where they are.
  type: bool
preempt_delay:
  description:
    - Seconds, V(0) to V(1000), that a node of higher priority waits before it takes the addresses back.
    - It cannot be combined with O(.nopreempt).
  type: float
"""

ADVERTS = """\
mcast_src_ip:
  description: Address from which adverts are multicast. Without it, the first of the interface.
  type: str
mcast_dst_ip:
  description:
    - Multicast address of the adverts.
    - Needs keepalived 2.2.5.
  type: str
unicast_src_ip:
  description: Address from which adverts are sent to O(.unicast_peer). Without it, the first of the interface.
  type: str
track_src_ip:
  description:
    - Whether the instance is in C(FAULT) while the host lacks its source address.
    - Needs keepalived 2.0.0.
  type: bool
unicast_peer:
  description:
    - Addresses of the other nodes, where adverts are sent to each of them and not multicast.
    - An element is an address, or a mapping of C(address), C(min_ttl) and C(max_ttl), or the line as keepalived has it.
      Adverts whose TTL lies outside are dropped; this needs keepalived 2.1.0.
  type: list
  elements: raw
unicast_ttl:
  description:
    - TTL of unicast adverts, V(0) to V(255).
    - Needs keepalived 2.1.0.
  type: int
unicast_fault_no_peer:
  description:
    - Whether an instance without peers is in C(FAULT). Otherwise it multicasts.
    - Needs keepalived 2.2.5.
  type: bool
check_unicast_src:
  description:
    - Whether adverts of others than O(.unicast_peer) are dropped.
    - Needs keepalived 2.1.0.
  type: bool
skip_check_adv_addr:
  description:
    - Whether the addresses in an advert are compared only when the sender has changed.
    - Needs keepalived 1.2.20.
  type: bool
strict_mode:
  description:
    - Whether the letter of the protocol is enforced, which forbids unicast, passwords and delayed preemption.
    - Needs keepalived 1.2.20.
  type: bool
down_timer_adverts:
  description:
    - Missing adverts after which the next node takes over, V(1) to V(100), the same on all nodes. Defaults to V(3).
    - Needs keepalived 2.2.3.
  type: int
lower_prio_no_advert:
  description:
    - Whether a holder leaves an advert of lower priority without an answer.
    - Needs keepalived 1.2.20.
  type: bool
higher_prio_send_advert:
  description:
    - Whether a holder that sees an advert of higher priority sends one more before it lets go, so that the other
      announces the addresses again.
    - Needs keepalived 1.3.5.
  type: bool
owner_ignore_adverts:
  description:
    - Whether a node of priority V(255) drops the adverts of others.
    - Needs keepalived 2.3.3.
  type: bool
timer_expired_backup:
  description:
    - Whether a holder that ran so late that another may have taken over lets go. O(.nopreempt) must be set.
    - Needs keepalived 2.2.8.
  type: bool
kernel_rx_buf_size:
  description:
    - Bytes for adverts that wait to be read.
    - Needs keepalived 2.0.3.
  type: int
"""

PASSWORD = """\
auth_type:
  description: Whether adverts carry the password (V(PASS)) or a checksum made with it (V(AH)).
  type: str
  choices: [PASS, AH]
  required: true
auth_pass:
  description: The password, at most 8 characters, the same on all nodes.
  type: str
  required: true
"""

KEY = """\
id:
  description: Number of the key, V(1) to V(255).
  type: int
  required: true
value:
  description: The key, 32 to 64 bytes, as text, or behind V(hex:) in digits, or behind V(file:) the file that holds it.
  type: str
  required: true
"""

AUTH_HMAC = """\
active_key:
  description: Number of the key that this host signs with.
  type: int
  required: true
anti_replay:
  description:
    - What makes an advert too old. V(time) goes by the clocks, which must agree. V(monotonic) takes each that is
      younger than the last.
  type: str
  choices: [time, monotonic]
time_window:
  description: Seconds that the time of an advert may be off, V(1) to V(300).
  type: int
mode:
  description: Whether adverts without a signature are dropped (V(enforce)) or taken as well (V(permissive)).
  type: str
  choices: [enforce, permissive]
keys:
  description: The keys that are known, the same on all nodes. More than one lets them be changed without a gap.
  type: list
  elements: dict
  required: true
""" + suboptions("keys[]", KEY)

SIGNED = (
    """\
authentication:
  description:
    - Password of VRRP, for which O(.version) must be V(2).
    - It is sent readable, so it keeps mistakes out, not attackers.
  type: dict
"""
    + suboptions("authentication", PASSWORD)
    + """\
auth_hmac:
  description:
    - Keys that sign the adverts of either version, so that nobody else can send any. Not beside O(.authentication).
    - Needs keepalived 2.4.0.
  type: dict
"""
    + suboptions("auth_hmac", AUTH_HMAC)
)

TRACKERS = (
    tracked("track_interface", "Interfaces that must be up.")
    + tracked("track_file", "Files that must hold V(0), by the names of C(track_files).", "2.0.0")
    + tracked("track_script", "Commands that must succeed, by the names of C(vrrp_scripts).")
    + tracked("track_process", "Processes that must run, by the names of C(track_processes).", "2.0.11")
    + tracked("track_bfd", "BFD sessions that must be up, by their names.", "2.0.0")
)

GROUP_TRACKERS = (
    tracked("track_interface", "Interfaces that must be up for all instances.", "2.0.0")
    + tracked("track_file", "Files that must hold V(0), by the names of C(track_files).", "2.0.0")
    + tracked("track_script", "Commands that must succeed, by the names of C(vrrp_scripts).", "2.0.0")
    + tracked("track_process", "Processes that must run, by the names of C(track_processes).", "2.0.11")
    + tracked("track_bfd", "BFD sessions that must be up, by their names.", "2.0.0")
)

HELD = (
    """\
dont_track_primary:
  description: Whether the instance goes on while its own interface is down.
  type: bool
"""
    + addresses("virtual_ipaddress", "Addresses of the virtual router, all of one family, which its adverts name.")
    + addresses(
        "virtual_ipaddress_excluded",
        "Addresses that move along and are not named in adverts, of either family. The nodes need not agree on them.",
    )
    + """\
no_virtual_ipaddress:
  description:
    - Whether the instance is meant to have no address.
    - Needs keepalived 2.2.8.
  type: bool
virtual_routes:
  description: Routes of the holder, one an element, as C(ip route add) takes them.
  type: list
  elements: str
virtual_rules:
  description:
    - Rules of routing of the holder, one an element, as C(ip rule add) takes them.
    - Needs keepalived 1.2.20.
  type: list
  elements: str
promote_secondaries:
  description:
    - Whether the other addresses of a subnet stay when the first of them goes.
    - Needs keepalived 1.3.0.
  type: bool
accept:
  description:
    - Whether a holder that does not own the addresses takes packets for them, which keepalived does unless
      O(.strict_mode) is set.
    - Needs keepalived 1.2.17.
  type: bool
no_accept:
  description:
    - Whether it drops them, so that the addresses are good for routing only.
    - Needs keepalived 1.3.0.
  type: bool
use_vmac:
  description:
    - Whether the addresses get a MAC of the virtual router, on an interface of their own. V(true), or the name of that
      interface, or a list of its name and its MAC.
  type: raw
use_vmac_addr:
  description:
    - Whether addresses on other interfaces than that of the instance get such a MAC, too.
    - Needs keepalived 2.2.0.
  type: bool
vmac_xmit_base:
  description: Whether adverts leave by the interface below that MAC. Unicast needs it.
  type: bool
use_ipvlan:
  description:
    - Whether the addresses get an interface of the kind ipvlan. V(true), or its name, or a list of name, address and
      kind.
    - Needs keepalived 2.0.17.
  type: raw
vrf:
  description:
    - Interface of the VRF in which unicast adverts are sent where O(.interface) is not given.
    - Needs keepalived 2.2.5.
  type: str
"""
)

ANNOUNCED = """\
garp_master_delay:
  description: Seconds after which a new holder announces its addresses (gratuitous ARP) once more; V(0) for not.
  type: int
garp_master_repeat:
  description:
    - Announcements in one go of a new holder.
    - Needs keepalived 1.2.14.
  type: int
garp_master_refresh:
  description: Seconds between announcements of a holder; V(0) for none.
  type: int
garp_master_refresh_repeat:
  description:
    - Announcements in one go of O(.garp_master_refresh).
    - Needs keepalived 1.2.14.
  type: int
garp_lower_prio_delay:
  description:
    - Seconds after which a holder that saw an advert of lower priority announces its addresses once more.
    - Needs keepalived 1.2.20.
  type: int
garp_lower_prio_repeat:
  description:
    - Announcements in one go for it.
    - Needs keepalived 1.2.20.
  type: int
garp_extra_if:
  description:
    - Seconds between announcements on other interfaces that have addresses of the instance, V(0) for none. Behind the
      word V(all), it holds for interfaces without a MAC of their own, too.
    - Needs keepalived 2.2.3.
  type: list
  elements: str
"""


def notified(notify_stop: str, notify_priority_changes: str) -> str:
    """Return what is done at a change of state; the arguments are versions, which differ from block to block."""
    return (
        command("notify_master", "Command that runs on the node that becomes the holder.")
        + command("notify_backup", "Command that runs on a node that becomes backup.")
        + command("notify_fault", "Command that runs on a node that becomes unfit.")
        + command("notify_stop", "Command that runs when keepalived stops.", notify_stop)
        + command(
            "notify",
            "Command that runs at every change, after the others, with kind, name, state and priority behind its own "
            "arguments.",
        )
        + f"""\
notify_priority_changes:
  description:
    - Whether changes of the priority are told to the notify FIFOs.
    - Needs keepalived {notify_priority_changes}.
  type: bool
smtp_alert:
  description: Whether a mail is sent at every change, to C(notification_email) of C(global_defs).
  type: bool
"""
    )


VRRP_INSTANCE = (
    ELECTION
    + ADVERTS
    + SIGNED
    + TRACKERS
    + HELD
    + ANNOUNCED
    + notified("", "2.0.16")
    + command("notify_deleted", "Command that runs when a reload removes the instance.", "2.1.0")
    + command(
        "notify_master_rx_lower_pri", "Command that runs when a holder sees an advert of lower priority.", "2.0.6"
    )
)

SYNC_GROUP = (
    """\
name:
  description: Name of the group.
  type: str
  required: true
group:
  description: Names of the instances that change their state together.
  type: list
  elements: str
  required: true
sync_group_tracking_weight:
  description:
    - Whether trackers of the group may have weights. The instances can then disagree.
    - Needs keepalived 2.0.0.
  type: bool
"""
    + GROUP_TRACKERS
    + notified("2.0.0", "2.2.0")
)
