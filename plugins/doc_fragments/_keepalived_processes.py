# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What global_defs says of the processes: names, priorities, memory, insight, reload. Private to this collection."""

from __future__ import annotations

__all__ = ("PROCESSES",)

HOST = """\
router_id:
  description: What this host is called in mails. Defaults to its host name.
  type: str
default_interface:
  description:
    - Interface for all that names none.
    - Needs keepalived 1.2.24.
  type: str
dynamic_interfaces:
  description:
    - Whether interfaces may come later than keepalived, V(true), or V(allow_if_changes) where they may change their
      kind as well.
    - Needs keepalived 2.0.0.
  type: raw
process_names:
  description:
    - Whether the processes have names that tell what they do.
    - Needs keepalived 2.0.16.
  type: bool
process_name:
  description:
    - Name of the main process, at most 15 characters.
    - Needs keepalived 2.0.16.
  type: str
vrrp_process_name:
  description:
    - Name of the process of VRRP, at most 15 characters.
    - Needs keepalived 2.0.16.
  type: str
checker_process_name:
  description:
    - Name of the process that checks real servers, at most 15 characters.
    - Needs keepalived 2.2.0.
  type: str
bfd_process_name:
  description:
    - Name of the process of BFD, at most 15 characters.
    - Needs keepalived 2.0.16.
  type: str
iproute_usr_dir:
  description:
    - Folder of the files that come with iproute2, for names of tables and the like.
    - Needs keepalived 2.3.2.
  type: str
iproute_etc_dir:
  description:
    - Folder of the files of iproute2 that go before those.
    - Needs keepalived 2.3.2.
  type: str
umask:
  description:
    - Rights that new files do not get, a number such as V(077), or names of bits such as V(IWGRP | IWOTH).
    - Needs keepalived 2.0.9.
  type: str
random_seed:
  description:
    - Number that makes C(${_RANDOM}) the same each time.
    - Needs keepalived 2.0.15.
  type: int
"""

SCHEDULING = """\
max_auto_priority:
  description:
    - How far keepalived may raise its real-time priority when it finds that it ran late, V(0) for not at all, V(-1) for
      not at all and without a warning.
    - Needs keepalived 2.1.0.
  type: int
min_auto_priority_delay:
  description:
    - Microseconds that it must have been late for it.
    - Needs keepalived 2.1.0.
  type: int
vrrp_priority:
  description:
    - Niceness of the process of VRRP, V(-20) to V(19).
    - Needs keepalived 1.2.20.
  type: int
vrrp_rt_priority:
  description:
    - Real-time priority of the process of VRRP, V(1) to V(99).
    - Needs keepalived 2.0.0.
  type: int
vrrp_rlimit_rttime:
  description:
    - Microseconds of work without a pause after which the system ends that process.
    - Needs keepalived 2.1.0.
  type: int
vrrp_no_swap:
  description:
    - Whether that process stays in memory.
    - Needs keepalived 1.2.20.
  type: bool
vrrp_cpu_affinity:
  description:
    - Numbers of the processors that it runs on.
    - Needs keepalived 2.0.17.
  type: list
  elements: str
vrrp_rx_bufs_policy:
  description:
    - What the memory for adverts that wait goes by, V(MTU), V(ADVERT), or a number of bytes.
    - Needs keepalived 2.0.3.
  type: str
vrrp_rx_bufs_multiplier:
  description:
    - How many of them find room. Defaults to V(3).
    - Needs keepalived 2.0.3.
  type: int
checker_priority:
  description:
    - Niceness of the process that checks real servers, V(-20) to V(19).
    - Needs keepalived 1.2.20.
  type: int
checker_rt_priority:
  description:
    - Real-time priority of that process, V(1) to V(99).
    - Needs keepalived 2.0.0.
  type: int
checker_rlimit_rttime:
  description:
    - Microseconds of work without a pause after which the system ends that process.
    - Needs keepalived 2.1.0.
  type: int
checker_cpu_affinity:
  description:
    - Numbers of the processors that it runs on.
    - Needs keepalived 2.0.17.
  type: list
  elements: str
checker_no_swap:
  description:
    - Whether that process stays in memory.
    - Needs keepalived 1.2.20.
  type: bool
bfd_priority:
  description:
    - Niceness of the process of BFD, V(-20) to V(19).
    - Needs keepalived 2.0.0.
  type: int
bfd_rt_priority:
  description:
    - Real-time priority of that process, V(1) to V(99).
    - Needs keepalived 2.0.0.
  type: int
bfd_rlimit_rttime:
  description:
    - Microseconds of work without a pause after which the system ends that process.
    - Needs keepalived 2.1.0.
  type: int
bfd_no_swap:
  description:
    - Whether that process stays in memory.
    - Needs keepalived 2.0.0.
  type: bool
bfd_cpu_affinity:
  description:
    - Numbers of the processors that it runs on.
    - Needs keepalived 2.0.17.
  type: list
  elements: str
"""

BUFFERS = """\
vrrp_netlink_cmd_rcv_bufs:
  description:
    - Bytes for answers of the system to the process of VRRP.
    - Needs keepalived 2.0.0.
  type: int
vrrp_netlink_cmd_rcv_bufs_force:
  description:
    - Whether that may be more than the system allows to others.
    - Needs keepalived 2.0.0.
  type: bool
vrrp_netlink_monitor_rcv_bufs:
  description:
    - Bytes for changes that the system tells the process of VRRP.
    - Needs keepalived 2.0.0.
  type: int
vrrp_netlink_monitor_rcv_bufs_force:
  description:
    - Whether that may be more than the system allows to others.
    - Needs keepalived 2.0.0.
  type: bool
lvs_netlink_cmd_rcv_bufs:
  description:
    - Bytes for answers of the system to the process that checks real servers.
    - Needs keepalived 2.0.0.
  type: int
lvs_netlink_cmd_rcv_bufs_force:
  description:
    - Whether that may be more than the system allows to others.
    - Needs keepalived 2.0.0.
  type: bool
lvs_netlink_monitor_rcv_bufs:
  description:
    - Bytes for changes that the system tells the process that checks real servers.
    - Needs keepalived 2.0.0.
  type: int
lvs_netlink_monitor_rcv_bufs_force:
  description:
    - Whether that may be more than the system allows to others.
    - Needs keepalived 2.0.0.
  type: bool
process_monitor_rcv_bufs:
  description:
    - Bytes for processes that come and go.
    - Needs keepalived 2.0.11.
  type: int
process_monitor_rcv_bufs_force:
  description:
    - Whether that may be more than the system allows to others.
    - Needs keepalived 2.0.11.
  type: bool
"""

INSIGHT = """\
enable_snmp_vrrp:
  description:
    - Whether instances can be read by SNMP.
    - Needs keepalived 2.0.0.
  type: bool
enable_snmp_checker:
  description:
    - Whether virtual servers can be read by SNMP.
    - Needs keepalived 1.2.20.
  type: bool
enable_snmp_rfc:
  description:
    - Whether instances can be read by SNMP as RFC 2787 and RFC 6527 have it.
    - Needs keepalived 1.2.20.
  type: bool
enable_snmp_rfcv2:
  description:
    - The same for RFC 2787 alone, which is of version 2.
    - Needs keepalived 1.2.20.
  type: bool
enable_snmp_rfcv3:
  description:
    - The same for RFC 6527 alone, which is of version 3.
    - Needs keepalived 1.2.20.
  type: bool
enable_traps:
  description: Whether changes are sent by SNMP.
  type: bool
snmp_socket:
  description:
    - Where the agent of SNMP listens, such as V(unix:/var/agentx/master).
    - Needs keepalived 1.2.20.
  type: str
snmp_vs_stats_update_interval:
  description:
    - Seconds for which counters of a virtual server are told again before they are read anew. Defaults to V(5).
    - Needs keepalived 2.3.0.
  type: float
snmp_rs_stats_update_interval:
  description:
    - The same for real servers.
    - Needs keepalived 2.3.0.
  type: float
enable_dbus:
  description:
    - Whether instances can be read by D-Bus.
    - Needs keepalived 1.3.0.
  type: bool
dbus_service_name:
  description:
    - Name of that service. Defaults to V(org.keepalived.Vrrp1).
    - Needs keepalived 1.3.7.
  type: str
dbus_no_interface_name:
  description:
    - The word for the interface in the D-Bus path of an instance that has none. The default is V(none).
    - Needs keepalived 2.3.0.
  type: str
data_use_instance:
  description:
    - Whether files that keepalived writes about itself bear its instance name.
    - Needs keepalived 2.2.3.
  type: bool
state_dump_file:
  description:
    - File that C(SIGUSR1) makes keepalived write its state to.
    - Needs keepalived 2.3.3.
  type: str
stats_dump_file:
  description:
    - File that C(SIGUSR2) makes keepalived write its counters to.
    - Needs keepalived 2.3.3.
  type: str
json_dump_file:
  description:
    - File that keepalived writes its state to as JSON when it is told to.
    - Needs keepalived 2.3.3.
  type: str
json_version:
  description:
    - Form of it, V(1) or V(2). The second one holds processes, too.
    - Needs keepalived 2.2.8.
  type: int
"""

RELOAD = """\
tmp_config_directory:
  description:
    - Folder for the copy of the configuration that all processes read, where memory would not hold it.
    - Needs keepalived 2.2.0.
  type: str
config_save_dir:
  description:
    - Folder that gets configuration and state before and after every reload, to look for a fault.
    - Needs keepalived 2.2.3.
  type: str
reload_check_config:
  description:
    - Whether keepalived tests the files itself before it reloads, V(true), or a file for what the test says.
    - Needs keepalived 2.2.0.
  type: raw
reload_time_file:
  description:
    - File that holds the time of the next reload, such as V(23:30:00) or V(2026-01-31 23:30:00Z).
    - Needs keepalived 2.1.0.
  type: str
reload_repeat:
  description:
    - Whether that file stays, so that keepalived reloads every day.
    - Needs keepalived 2.1.0.
  type: bool
reload_file:
  description:
    - File that is there for as long as keepalived reads its configuration, V(true), or its path.
    - Needs keepalived 2.2.0.
  type: raw
include_check:
  description:
    - What makes an include an error, V(true) for all of it, or words such as V(readable), V(match), V(wildcard_match)
      and V(brace_match).
    - Needs keepalived 2.2.0.
  type: raw
"""

PROCESSES = HOST + SCHEDULING + BUFFERS + INSIGHT + RELOAD
